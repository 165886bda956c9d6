"""Images that people have and photographs are not: screens, product shots, letterboxes.

All are RGB, float32 in [0, 1] and in whole grey levels of 0..255, so that equal ones
are equal to the bit. Each comes with itself and with six distorted ones: dimmed,
moved by a pixel, with one differing sample, with noise, as a
negative, and different by 1e-7.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.helpers.golden_open import FOLDER

#: How an image is distorted, in the order of ``pairs``.
CHANGES = ("itself", "dimmed", "moved", "one pixel", "noise", "negative", "1e-7")


def screens(height: int, width: int) -> dict[str, np.ndarray]:
    """The images by name, each ``[height, width, 3]``."""
    y, x = np.mgrid[:height, :width]
    photo = _photo(height, width)
    inside = ((y * 2 / height - 1) / 0.6) ** 2 + ((x * 2 / width - 1) / 0.5) ** 2 < 1
    rng = np.random.default_rng(7)
    stars = np.where(rng.random((height, width)) < 0.004, 255, 0)
    one = np.zeros((height, width))
    one[height // 3, width // 2] = 255
    box = np.zeros((height, width))
    box[height // 3 : height // 2, width // 4 : width // 2] = 255
    bars = abs(y - height / 2) > height * 0.35
    block = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255]]
    )
    found = {
        "flat": np.full((height, width), 128),
        "black": np.zeros((height, width)),
        "white": np.full((height, width), 255),
        "one pixel": one,
        "box": box,
        "ramp": np.floor(x * 255 / (width - 1)),
        "ramp down": np.floor(y * 255 / (height - 1)),
        "checkerboard": (x // 8 + y // 8) % 2 * 255,
        "diagonal": (x + y) // 8 % 2 * 255,
        "grid": ((x % 16 == 0) | (y % 16 == 0)) * 255,
        "text": _text(height, width),
        "letterbox": np.where(bars[..., None], 0, photo),
        "product": np.where(inside[..., None], photo, 255),
        "stars": stars,
        "primary colours": block[(x * 5 // width + y * 5 // height) % 5],
        "four greys": photo[..., 1] // 64 * 85,
        "photograph": photo,
    }
    return {k: _levels(v) for k, v in found.items()}


def pairs(height: int, width: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, references and distorted images ``[N, H, W, 3]``; see ``CHANGES``."""
    names, references, distorted = [], [], []
    for name, image in screens(height, width).items():
        dot = image.copy()
        row, column = height // 2, width // 3
        dot[row, column] = np.where(dot[row, column] > 0.5, 0, 1)
        rng = np.random.default_rng(3)
        tiny = rng.choice([-1e-7, 1e-7], image.shape)
        noise = np.clip(image * 255 + rng.normal(0, 13, image.shape), 0, 255)
        changed = (
            image,
            _levels(np.rint(image * 255 * 0.9 + 5)),
            np.roll(image, 1, 1),
            dot,
            _levels(np.rint(noise)),
            1 - image,
            np.clip(image + tiny.astype(np.float32), 0, 1),
        )
        for change, other in zip(CHANGES, changed, strict=True):
            names.append(f"{name}, {change}")
            references.append(image)
            distorted.append(other)
    return names, np.stack(references), np.stack(distorted)


def _levels(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        values = values[..., None]
    values = np.broadcast_to(values, (*values.shape[:2], 3))
    return values.astype(np.uint8).astype(np.float32) / 255


def _photo(height: int, width: int) -> np.ndarray:
    whole = Image.open(FOLDER / "images" / "chelsea_ref.png").convert("RGB")
    return np.asarray(whole.resize((width, height), Image.Resampling.BICUBIC), float)


def _text(height: int, width: int) -> np.ndarray:
    page = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(11)
    for line in range(4, height - 12, 14):
        words = "The quick brown fox jumps over the lazy dog 0123456789"
        draw.text((4, line), words[line % 17 :], fill=0, font=font)
    return np.asarray(page, float)
