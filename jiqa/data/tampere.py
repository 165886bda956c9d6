"""The layout that TID2008 and TID2013 share."""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.data.folder import Folder, LayoutError
from jiqa.data.schema import Contents, Info, Record

LAYOUT = """\
reference_images/I01.BMP  references I01 to I25
distorted_images/i01_01_1.bmp  reference, type, level
mos_with_names.txt        score and file name, a line an image"""

_NAME = re.compile(r"i(\d\d)_(\d\d)_(\d)\.bmp", re.IGNORECASE)


def read_tampere(folder: Folder, info: Info) -> Contents:
    """Find references and distorted images; names differ in case from file to file.

    Args:
        folder: the unpacked archive.
        info: the data set, for its types of distortion and its layout.

    Raises:
        LayoutError: what is missing, or a label line that cannot be read.
    """
    labels = folder.need("mos_with_names.txt", "mos_with_names.TXT")
    deviations = _deviations(folder)
    records = []
    references: dict[str, Path] = {}
    if labels.is_file():
        for line, (score, name) in enumerate(_lines(labels)):
            match = _NAME.fullmatch(name)
            kind = int(match[2]) if match else 0
            if not match or not 1 <= kind <= len(info.distortions):
                raise LayoutError(
                    f"{labels}, line {line + 1}: {name} does not name a reference, a "
                    f"type from 1 to {len(info.distortions)} and a level"
                )
            key = f"I{match[1]}"
            if key not in references:
                references[key] = folder.need(f"reference_images/{key}.bmp")
            records.append(
                Record(
                    image=folder.need(f"distorted_images/{name}"),
                    name=name,
                    reference=key,
                    score=score,
                    deviation=deviations[line] if line < len(deviations) else None,
                    distortion=info.distortions[kind - 1],
                    level=int(match[3]),
                )
            )
    folder.check(info.layout)
    return Contents(records, references)


def _lines(path: Path) -> list[tuple[float, str]]:
    rows = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            score, name = line.split()
            rows.append((float(score), name))
        except ValueError:
            raise LayoutError(
                f"{path}, line {number}: {line.strip()!r}; needed are a score and a "
                "file name"
            ) from None
    return rows


def _deviations(folder: Folder) -> list[float]:
    """``mos_std.txt``, one number a line in the order of the labels, if it is there."""
    path = folder.find("mos_std.txt")
    if path is None:
        return []
    return [float(x) for x in path.read_text("utf-8-sig").split()]
