"""AVA: 255,530 photographs of a contest, each with votes from 1 to 10."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import Folder
from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Contents, Info, Record, Scale
from jiqa.errors import LayoutError
from jiqa.io.read_table import read_text

VOTES = tuple(range(1, 11))

#: Images that may be missing: 20 to 30 of them have left the contest's site.
KNOWN_GONE = 100

#: Index, image, ten counts, two tags, challenge.
_COLUMNS = 15


class Ava(QualityDataset):
    """AVA with the votes as histogram, their mean as score.

    The archive holds labels only, the photographs were fetched from the contest's
    site, and copies lack some 20 to 30 of them: those are left out and listed. Up to
    ``KNOWN_GONE`` may be missing; a copy that lacks more is rejected as incomplete.

    Where the archive's list ``generic_test.jpgl`` is there, its images are the split
    ``test`` and all others ``train``, as in the papers on NIMA and after; the lists
    of single categories are not read.
    """

    INFO = Info(
        title="AVA",
        kind="authentic",
        layout=(
            "AVA.txt  index, image, ten counts of votes, two tags, challenge\n"
            "images/953619.jpg  the photographs (also image/ or images/images/)\n"
            "aesthetics_image_lists/generic_test.jpgl  images of the official test,\n"
            "                  optional"
        ),
        citation=(
            "Murray, Marchesotti, Perronnin: AVA: a large-scale database for aesthetic "
            "visual analysis. CVPR 2012. doi:10.1109/CVPR.2012.6247954"
        ),
        homepage="https://github.com/imfing/ava_downloader",
        scales={
            "": Scale(
                "MOS",
                "higher",
                1.0,
                10.0,
                deviation="ratings",
                note="beauty more than quality; 78 to 549 votes per photograph",
            )
        },
        images=255530,
        histogram=tuple(map(float, VOTES)),
        licence="the photographers keep all rights; do not redistribute",
    )

    def read(self, root: Path) -> Contents:
        """Find the photographs that ``AVA.txt`` names."""
        folder = Folder(root)
        table = folder.need("AVA.txt", "AVA_dataset/AVA.txt")
        images = _images(folder)
        official = folder.find(
            "aesthetics_image_lists/generic_test.jpgl",
            "AVA_dataset/aesthetics_image_lists/generic_test.jpgl",
        )
        test = set(read_text(official).split()) if official else set()
        records, gone = [], []
        for count, line in enumerate(_lines(table), 1):
            image, votes = _row(line, f"{table}, line {count}")
            path = images.get(f"{image}.jpg")
            if path is None:
                gone.append(f"{image}.jpg")
                continue
            records.append(
                _record(path, votes, _split(image, test) if official else "")
            )
        if images and len(gone) > KNOWN_GONE:
            for name in gone:
                folder.miss(f"images/{name}")
        folder.check(self.INFO.layout)
        return Contents(records, notes=_notes(gone))


def _images(folder: Folder) -> dict[str, Path]:
    """The photographs by name."""
    for place in ("images/images", "images", "image", "AVA_dataset/images"):
        found = folder.images(place, (".jpg",))
        if found:
            return {path.name.lower(): path for path in found}
    folder.miss("images/<number>.jpg, or image/ or images/images/")
    return {}


def _lines(table: Path) -> list[str]:
    text = read_text(table) if table.is_file() else ""
    return [line for line in text.splitlines() if line.strip()]


def _row(line: str, where: str) -> tuple[str, list[int]]:
    parts = line.split()
    try:
        votes = [int(x) for x in parts[2:12]]
    except ValueError:
        votes = []
    if len(parts) != _COLUMNS or not any(votes) or min(votes) < 0:
        wanted = "index, image, ten counts of votes, two tags and challenge"
        raise LayoutError(expected(where, wanted, repr(line.strip())))
    return parts[1], votes


def _record(path: Path, votes: Sequence[int], split: str) -> Record:
    total = sum(votes)
    mean = sum(v * n for v, n in zip(VOTES, votes, strict=True)) / total
    square = sum((v - mean) ** 2 * n for v, n in zip(VOTES, votes, strict=True))
    return Record(
        image=path,
        name=path.name,
        score=mean,
        deviation=math.sqrt(square / total),
        histogram=votes,
        split=split,
    )


def _split(image: str, test: set[str]) -> str:
    return "test" if image in test else "train"


def _notes(gone: Sequence[str]) -> list[str]:
    if not gone:
        return []
    return [f"images of AVA.txt that are missing: {len(gone)} ({', '.join(gone)})"]
