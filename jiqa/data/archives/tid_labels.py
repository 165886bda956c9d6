"""The layout that TID2008 and TID2013 share."""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.archives.folder import Folder
from jiqa.data.archives.label_files import number
from jiqa.data.schema import Contents, Info, Record
from jiqa.errors import LayoutError
from jiqa.io.read_table import read_text

LAYOUT = """\
reference_images/I01.BMP  references I01 to I25
distorted_images/i01_01_1.bmp  reference, type, level
mos_with_names.txt        score and file name, one line per image
mos_std.txt               deviations of the scores, in the same order; optional"""

#: The types by number from 1; TID2008 has the first 17 of TID2013's.
DISTORTIONS = (
    "additive Gaussian noise",
    "additive noise in colour components",
    "spatially correlated noise",
    "masked noise",
    "high frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "image denoising",
    "JPEG compression",
    "JPEG2000 compression",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "change of color saturation",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "image color quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)

_NAME = re.compile(r"i(\d\d)_(\d\d)_(\d)\.bmp", re.IGNORECASE)


def read_tampere(folder: Folder, info: Info) -> Contents:
    """Find references and distorted images; names differ in case from file to file.

    Args:
        folder: the unpacked archive.
        info: the data set, for its types of distortion and its layout.

    Raises:
        LayoutError: what is missing, or a label line that cannot be read.
    """
    labels = folder.need("mos_with_names.txt")
    lines = _lines(labels) if labels.is_file() else []
    deviations = _deviations(folder, len(lines))
    records = []
    references: dict[str, Path] = {}
    for line, (score, name) in enumerate(lines):
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
                deviation=deviations[line] if deviations else None,
                distortion=info.distortions[kind - 1],
                level=int(match[3]),
            )
        )
    folder.check(info.layout)
    return Contents(records, references)


def _lines(path: Path) -> list[tuple[float, str]]:
    rows = []
    for count, line in enumerate(read_text(path).splitlines(), 1):
        words, where = line.split(), f"{path}, line {count}"
        if len(words) == 2:
            rows.append((number(words[0], where), words[1]))
        elif words:
            raise LayoutError(
                expected(where, "a score and a file name", repr(line.strip()))
            )
    return rows


def _deviations(folder: Folder, count: int) -> list[float]:
    """``mos_std.txt``, one number a line in the order of the labels, if it is there."""
    path = folder.find("mos_std.txt")
    if path is None:
        return []
    found = [number(text, str(path)) for text in read_text(path).split()]
    if len(found) != count:
        raise LayoutError(expected(f"{path}", f"{count} numbers", f"{len(found)}"))
    return found
