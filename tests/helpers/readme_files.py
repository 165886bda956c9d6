"""The files that the README's commands name, small: images, tables and archives."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from tests.helpers import data_layouts, golden_open

#: Height and width of every image: the least that all classical metrics take is 176.
SIDE = 192
IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
_PHOTOGRAPHS = ("china", "chelsea", "astronaut", "hubble", "camera")


def photograph(number: int) -> Image.Image:
    """One of five photographs, in colour."""
    pixels = golden_open.image(f"{_PHOTOGRAPHS[number % 5]}_ref.png")
    pixels = np.broadcast_to(pixels[:SIDE, :SIDE], (SIDE, SIDE, 3))
    return Image.fromarray(np.ascontiguousarray(pixels))


def distorted(photo: Image.Image, kind: int, level: int) -> Image.Image:
    """Noise (1), blur (8) or JPEG (10): the numbers of TID2013."""
    if kind == 8:
        return photo.filter(ImageFilter.GaussianBlur(0.7 * level))
    if kind == 10:
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=(70, 40, 20, 10, 5)[level - 1])
        return Image.open(file).convert("RGB")
    noise = np.random.default_rng(level).normal(0, 9 * level, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8))


def image(path: Path, number: int = 0) -> Path:
    """A photograph, whole under a name such as ``reference.png``, else distorted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = photograph(number)
    whole = str(path.parent.name) + path.stem
    if not any(word in whole for word in ("ref", "orig", "photos")):
        seed = zlib.crc32(path.name.encode())
        picture = distorted(picture, (1, 8, 10)[seed % 3], 2 + seed % 3)
    picture.save(path)
    return path


def folder(path: Path) -> Path:
    """Three images; the names are the same in every folder."""
    for number in range(3):
        image(path / f"{number}.png", number)
    return path


def table(path: Path) -> Path:
    """Scores of 20 images that lie beside the table: the stronger, the lower."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "mos"])
        for number in range(20):
            name, level = f"{path.stem}-{number}.png", 1 + number % 5
            distorted(photograph(number // 5), 1, level).save(path.parent / name)
            rows.writerow([name, f"{5 - 0.8 * level + 0.01 * number:.2f}"])
    return path


def scores(path: Path) -> Path:
    """What two metrics say of 20 images, beside their MOS, without the images."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "mos", "ssim", "gmsd"])
        for number in range(20):
            mos, ssim = 1 + 0.2 * number, 0.4 + 0.03 * (number ^ 1)
            rows.writerow([f"{number}.png", mos, ssim, f"{0.3 - 0.01 * number:.2f}"])
    return path


def tid2013(root: Path) -> Path:
    """Five references, three kinds of distortion at two levels."""
    lines = []
    for part in ("reference_images", "distorted_images"):
        (root / part).mkdir(parents=True)
    for number in range(5):
        photo = photograph(number)
        photo.save(root / "reference_images" / f"I{number + 1:02}.BMP")
        for kind in (1, 8, 10):
            for level in (2, 5):
                name = f"i{number + 1:02}_{kind:02}_{level}.bmp"
                distorted(photo, kind, level).save(root / "distorted_images" / name)
                lines.append(f"{8 - level + 0.1 * number + 0.01 * kind:.5f} {name}")
    (root / "mos_with_names.txt").write_text("\n".join(lines) + "\n")
    return root


def koniq10k(root: Path) -> Path:
    """Sixty distorted photographs, of the official division by turns."""
    votes: dict[str, Sequence[int]] = {}
    (root / "1024x768").mkdir(parents=True)
    for number in range(60):
        level = 1 + number % 5
        name = f"{1000 + number}.jpg"
        picture = distorted(photograph(number // 5), (1, 8, 10)[number % 3], level)
        picture.save(root / "1024x768" / name, quality=95)
        votes[name] = (2 * level, 3, 10, 3, 12 - 2 * level)
    data_layouts.koniq_tables(root, votes)
    return root


#: Archives of data sets, by the set's name.
ARCHIVES: dict[str, Callable[[Path], Path]] = {"tid2013": tid2013, "koniq10k": koniq10k}
