"""KADIS-700k: 140,000 photographs, one type of distortion each, at five levels."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from jiqa.checks import expected
from jiqa.data.archives.computed_images import Distorted
from jiqa.data.archives.folder import Folder, enter
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record
from jiqa.data.sets.kadid10k import DISTORTIONS
from jiqa.errors import LayoutError
from jiqa.io.read_table import read_text
from jiqa.io.walk import walk_images

LEVELS = 5


class _Planned(NamedTuple):
    name: str
    number: int
    level: int


class Kadis700k(QualityDataset):
    """KADIS-700k's photographs and its plan; distorted images are made on the way.

    The archive holds the photographs, a table with a type for each, and a generator
    in MATLAB. Distorted images that it has written are taken as they are; the others
    are made by ``jiqa.distortions`` as 8-bit PNG files, the same for a seed whoever
    makes them, and equal to MATLAB's in kind only. Levels are counted from the weakest;
    the names carry the authors' numbers. Of a folder without the table, types are
    drawn with the seed. ``workers`` are processes here, each with JAX in it.
    """

    COMPUTED = True
    OPTIONS: ClassVar[Mapping[str, str]] = {
        "seed": "seed of the random distortions, a whole number; 0 by default"
    }
    INFO = Info(
        title="KADIS-700k",
        kind="full-reference",
        layout=(
            "ref_imgs/                 the photographs\n"
            "kadis700k_ref_imgs.csv    photograph and number of its type, optional\n"
            "dist_imgs/NAME_01_05.bmp  distorted images with type and level, optional"
        ),
        citation=(
            "Lin, Hosu, Saupe: DeepFL-IQA: weak supervision for deep IQA feature "
            "learning. arXiv:2001.08113, 2020"
        ),
        homepage="https://database.mmsp-kn.de/kadid-10k-database.html",
        images=700000,
        references=140000,
        distortions=DISTORTIONS,
        licence="photographs from Pixabay",
    )

    def read(self, root: Path) -> Contents:
        """Find the photographs, and what is to be made of each."""
        folder = enter(root, "kadis700k")
        seed = _whole(self.options.get("seed", "0"))
        table = folder.find("kadis700k_ref_imgs.csv")
        place = folder.need("ref_imgs")
        if table:
            plan = list(_official(table))
        else:
            names = [p.name for p in walk_images(place).files] if place.is_dir() else []
            plan = list(_drawn(names, seed))
        if place.is_dir() and not plan:
            folder.miss("a photograph in ref_imgs, or a line in the table")
        references: dict[str, Path] = {}
        records, given = [], 0
        for row in plan:
            if row.name not in references:
                references[row.name] = folder.need(f"ref_imgs/{row.name}")
            record = _record(folder, row, references[row.name], seed)
            given += isinstance(record.image, Path)
            records.append(record)
        folder.check(self.INFO.layout)
        made = len(records) - given
        notes = [f"{made} distorted images are made by jiqa, with seed {seed}"]
        if given:
            notes.append(f"{given} distorted images are those in dist_imgs")
        return Contents(records, references, notes if made else notes[1:])


def _official(table: Path) -> Iterable[_Planned]:
    """The authors' plan.

    Where their table says ``7,8`` for a type, their generator reads 7, and so does
    this: the type is the number in the second column.
    """
    for count, row in enumerate(csv.reader(read_text(table).splitlines()), 1):
        if count == 1 or not any(row):
            continue
        number = row[1].split(",")[0].strip() if len(row) > 1 else ""
        if not number.isdecimal() or not 1 <= int(number) <= len(DISTORTIONS):
            raise LayoutError(
                expected(
                    f"{table}, line {count}",
                    f"a photograph and a type from 1 to {len(DISTORTIONS)}",
                    repr(",".join(row)),
                )
            )
        for level in range(1, LEVELS + 1):
            yield _Planned(row[0].strip(), int(number), level)


def _drawn(names: Iterable[str], seed: int) -> Iterable[_Planned]:
    from jiqa.distortions.sets.kadid10k import KINDS
    from jiqa.distortions.sets.kadis import kadis_recipe

    numbers = {f"kadid10k/{kind.name}": n for n, kind in enumerate(KINDS, 1)}
    for row in kadis_recipe(names, seed):
        yield _Planned(row.name, numbers[row.kind], row.level)


def _record(folder: Folder, row: _Planned, reference: Path, seed: int) -> Record:
    from jiqa.distortions.sets.kadid10k import KINDS, published_level

    kind = KINDS[row.number - 1].name
    level = published_level(kind, row.level)
    name = f"{row.name.rpartition('.')[0]}_{row.number:02d}_{level:02d}"
    image = folder.find(*(f"dist_imgs/{name}{suffix}" for suffix in (".bmp", ".png")))
    return Record(
        image=image
        or Distorted(f"{name}.png", reference, f"kadid10k/{kind}", row.level, seed),
        name=image.name if image else f"{name}.png",
        reference=row.name,
        distortion=DISTORTIONS[row.number - 1],
        level=row.level,
    )


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(expected("seed", "a whole number", repr(text))) from None
