"""Scores of a folder of images, from Python.

    python scripts/examples/score_folder.py [REFERENCE DISTORTED_FOLDER]

Without arguments it scores the nine distorted versions of the photograph that ships
with jiqa. Prints a line an image, best first. ``jiqa score`` does the same from the
command line, in batches, with tables and reports.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jiqa
from jiqa.io.decode import SUFFIXES, read_image

SAMPLE = Path(jiqa.__file__).parent / "sample"


def main(words: list[str]) -> None:
    """Score and print."""
    reference, folder = map(Path, words or (SAMPLE / "reference.png", SAMPLE))
    metrics = jiqa.load(["ssim", "gmsd", "haarpsi"])  # one compiled pass for all three
    against = metrics.prepare(read_image(reference))  # the reference's part, once
    rows = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path != reference:
            scores = against(read_image(path))
            rows.append(
                {"image": path.name, **{k: float(v) for k, v in scores.items()}}
            )
    rows.sort(key=lambda row: row["ssim"], reverse=True)
    for row in rows:
        print(
            "  ".join(
                [
                    f"{row['image']:16}",
                    *(f"{k} {v:.4f}" for k, v in list(row.items())[1:]),
                ]
            )
        )


if __name__ == "__main__":
    main(sys.argv[1:])
