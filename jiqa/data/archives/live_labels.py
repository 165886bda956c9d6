"""The labels of LIVE release 2: MATLAB files by position, or a table by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import Folder
from jiqa.data.archives.label_files import number, numbers, read_csv, read_matlab, texts
from jiqa.errors import LayoutError
from jiqa.io.read_table import read_text

#: Folders in the order of the labels: number of images, what was done to them.
FOLDERS = {
    "jp2k": (227, "JPEG2000 compression"),
    "jpeg": (233, "JPEG compression"),
    "wn": (174, "white noise"),
    "gblur": (174, "Gaussian blur"),
    "fastfading": (174, "fast fading"),
}

#: A table that may stand in for the MATLAB files, and their variables by configuration.
TABLE = "scores.csv"
_VARIABLES = {
    "realigned": ("dmos_realigned.mat", "dmos_new", "dmos_std"),
    "original": ("dmos.mat", "dmos", ""),
}

#: Columns of the table, and what tables in circulation call them, too.
_COLUMNS = {
    "realigned": ("dmos_realigned",),
    "original": ("dmos", "dmos_cdatabase"),
    "hidden": ("hidden", "is_hidden_reference"),
}


@dataclass(frozen=True)
class Label:
    """What is known about one image.

    Attributes:
        folder: its folder.
        image: its file, with the folder.
        reference: file name of its reference.
        hidden: whether it is a reference itself.
        score: difference score, ``None`` if it has none.
        deviation: standard deviation of the score, ``None`` if it is not given.
    """

    folder: str
    image: str
    reference: str
    hidden: bool
    score: float | None
    deviation: float | None


def read_labels(folder: Folder, config: str) -> list[Label]:
    """The labels of ``realigned`` or ``original`` scores; ``[]`` if files are missing.

    Raises:
        LayoutError: a file that does not hold what it should.
    """
    name, variable, spread = _VARIABLES[config]
    table = folder.find(TABLE)
    if folder.find(name) is None and table is not None:
        return _from_table(table, config)
    file = folder.need(name, TABLE)
    if not file.is_file():
        return []
    scores = _vector(file, variable)
    hidden = _vector(_flags(folder, file), "orgs")
    deviations = _vector(file, spread) if spread else None
    return [
        Label(
            kind,
            image,
            reference,
            hidden[row] != 0,
            scores[row],
            deviations[row] if deviations and hidden[row] == 0 else None,
        )
        for row, (kind, image, reference) in enumerate(_images(folder))
        if reference
    ]


def _flags(folder: Folder, file: Path) -> Path:
    """The file that marks the references: this one, or the other."""
    import scipy.io

    inside = {name for name, _, _ in scipy.io.whosmat(file)}
    other = folder.find("dmos.mat")
    return other if "orgs" not in inside and other else file


def _vector(file: Path, variable: str) -> list[float]:
    total = sum(count for count, _ in FOLDERS.values())
    values = numbers(*read_matlab(file, variable))
    if len(values) != total:
        wanted = f"{total} numbers in {variable}"
        raise LayoutError(expected(f"{file}", wanted, f"{len(values)}"))
    return values


def _images(folder: Folder) -> list[tuple[str, str, str]]:
    """Folder, file and reference of every image in the order of the labels.

    The reference is empty where the only folder that names it is missing.
    """
    files = [
        (kind, f"{kind}/img{position}.bmp")
        for kind, (count, _) in FOLDERS.items()
        for position in range(1, count + 1)
    ]
    path = folder.find("refnames_all.mat")
    if path is not None:
        names = texts(*read_matlab(path, "refnames_all"))
        if len(names) != len(files):
            wanted = f"{len(files)} names, one per image"
            raise LayoutError(expected(f"{path}", wanted, f"{len(names)}"))
        return [(*file, name) for file, name in zip(files, names, strict=True)]
    known: dict[str, str] = {}
    for kind, (count, _) in FOLDERS.items():
        if folder.find(kind) is None:
            continue
        info = folder.need("refnames_all.mat", f"{kind}/info.txt")
        lines = _info(info, kind) if info.is_file() else {}
        if lines and len(lines) != count:
            raise LayoutError(expected(f"{info}", f"{count} images", f"{len(lines)}"))
        known |= lines
    return [(kind, image, known.get(image, "")) for kind, image in files]


def _info(path: Path, kind: str) -> dict[str, str]:
    """``info.txt`` of a folder: reference, image and strength, one line per image."""
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if any(len(line) < 2 for line in lines):
        raise LayoutError(f"{path}: expected a reference and an image on every line")
    return {f"{kind}/{line[1].lower()}": line[0] for line in lines}


def _from_table(path: Path, config: str) -> list[Label]:
    rows = read_csv(path, ("image", "reference"))
    columns = list(rows[0]) if rows else []
    score = _column(path, columns, config)
    hidden = _column(path, columns, "hidden")
    labels = []
    for row in rows:
        image = row["image"].replace("\\", "/")
        kind = image.split("/")[0].lower()
        if kind not in FOLDERS:
            raise LayoutError(
                f"{path}: {image} is in none of the folders {', '.join(FOLDERS)}"
            )
        where = f"{path}, {image}"
        flag = number(row[hidden] or 0, where) != 0
        spread = row.get("dmos_realigned_std") if config == "realigned" else ""
        labels.append(
            Label(
                kind,
                image,
                Path(row["reference"]).name,
                flag,
                number(row[score], where) if row[score] else None,
                number(spread, where) if spread and not flag else None,
            )
        )
    return labels


def _column(path: Path, columns: Sequence[str], what: str) -> str:
    names = [name for name in _COLUMNS[what] if name in columns]
    if not names:
        raise LayoutError(f"{path} has no column {' or '.join(_COLUMNS[what])}")
    return names[0]
