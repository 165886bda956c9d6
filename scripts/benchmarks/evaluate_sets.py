"""Generated data sets for evaluate.py and memory.py."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from timing import natural_pair

#: What one reference has in TID2013: 24 types of distortion at 5 levels.
_EACH, _LEVELS = 120, 5


def prepare_pairs(
    archive: Path, data_dir: Path, images: int, size: tuple[int, int] = (512, 384)
) -> dict[str, str]:
    """Write TID2013 with so many images, and the same as JPEG; prepare both.

    Args:
        archive: folder for the two archives.
        data_dir: folder for the prepared sets.
        images: up to 3,000, 120 a reference.
        size: width and height of an image; TID2013's by default.

    Returns:
        The sets' names, by the format of their files.
    """
    bitmaps, photos = archive / "tid2013", archive / "jpeg"
    for folder in ("reference_images", "distorted_images"):
        (bitmaps / folder).mkdir(parents=True)
    (photos / "images").mkdir(parents=True)
    labels, table = [], []
    for place, (kind, level, reference, distorted) in enumerate(_pairs(images, size)):
        number = place // _EACH + 1
        name = f"i{number:02d}_{kind:02d}_{level}"
        score = 7 - level + 0.1 * (place % 7)
        if place % _EACH == 0:
            reference.save(bitmaps / f"reference_images/I{number:02d}.BMP")
            reference.save(photos / f"images/i{number:02d}.jpg", quality=95)
        distorted.save(bitmaps / f"distorted_images/{name}.bmp")
        distorted.save(photos / f"images/{name}.jpg", quality=95)
        labels.append(f"{score:.5f} {name}.bmp\n")
        table.append((f"{name}.jpg", f"i{number:02d}.jpg", score, kind, level))
    (bitmaps / "mos_with_names.txt").write_text("".join(labels))
    _write_table(photos, ("image", "reference", "mos", "distortion", "level"), table)
    return {
        "BMP": _prepare("tid2013", bitmaps, data_dir),
        "JPEG": _prepare("table/jpeg", photos, data_dir),
    }


def prepare_small(
    archive: Path,
    data_dir: Path,
    images: int,
    references: int,
    size: tuple[int, int] = (64, 64),
) -> str:
    """Write a table of small PNG images and prepare it.

    Args:
        archive: folder for the files.
        data_dir: folder for the prepared set.
        images: a multiple of ``references``.
        references: each has as many images.
        size: width and height of an image.

    Returns:
        The set's name.
    """
    from PIL import Image

    (archive / "images").mkdir(parents=True)
    draw = np.random.default_rng(0)
    table = []
    for number, clean in enumerate(natural_pair(references, size[1], size[0])[0]):
        name = f"reference_{number:03d}.png"
        Image.fromarray(clean).save(archive / "images" / name, compress_level=1)
        for place in range(images // references):
            strength = draw.uniform(1, 30)
            noise = strength * draw.standard_normal(clean.shape, np.float32)
            noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
            own = f"{number:03d}_{place:05d}.png"
            Image.fromarray(noisy).save(archive / "images" / own, compress_level=1)
            score = 5 - strength / 10 + 0.3 * draw.standard_normal()
            table.append((own, name, score))
    _write_table(archive, ("image", "reference", "mos"), table)
    return _prepare("table/small", archive, data_dir)


def _pairs(images: int, size: tuple[int, int]) -> Iterator[tuple[int, int, Any, Any]]:
    """Type and level of distortion, reference and distorted image."""
    from PIL import Image, ImageFilter

    draw = np.random.default_rng(0)
    for place in range(images):
        kind, level = place % _EACH // _LEVELS + 1, place % _LEVELS + 1
        if place % _EACH == 0:
            clean = natural_pair(1, size[1], size[0], seed=place)[0][0]
            reference = Image.fromarray(clean)
        if kind % 2:
            noise = 4 * level * draw.standard_normal(clean.shape, np.float32)
            noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
            yield kind, level, reference, Image.fromarray(noisy)
        else:
            blur = ImageFilter.GaussianBlur(0.5 * level + kind / 24)
            yield kind, level, reference, reference.filter(blur)


def _write_table(
    folder: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    with (folder / "scores.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def _prepare(name: str, archive: Path, data_dir: Path) -> str:
    from jiqa.data.store import prepare

    return prepare(name, archive, data_dir, workers=2).name
