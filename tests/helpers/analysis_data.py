"""A miniature rated set for the tests of the analysis: a table of noise, blur, JPEG."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageFilter

from jiqa.data.store import prepare

SIDE = 64
LEVELS = (1, 2, 3)


def pictures(side: int = SIDE) -> list[np.ndarray]:
    """Four parts of photographs ``[side, side, 3]``, uint8."""
    astronaut, coffee = skimage.data.astronaut(), skimage.data.coffee()
    corners = (
        (astronaut, 60, 180),
        (astronaut, 300, 60),
        (coffee, 100, 250),
        (coffee, 250, 60),
    )
    return [
        np.ascontiguousarray(x[r : r + 2 * side : 2, c : c + 2 * side : 2])
        for x, r, c in corners
    ]


def versions(pixels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Noise, blur and JPEG at three strengths, by name."""
    rng, image, found = np.random.default_rng(seed), Image.fromarray(pixels), {}
    for level in LEVELS:
        noisy = pixels + rng.normal(0, 12 * level, pixels.shape)
        found[f"noise{level}"] = np.clip(noisy, 0, 255).astype(np.uint8)
        found[f"blur{level}"] = np.asarray(
            image.filter(ImageFilter.GaussianBlur(0.6 * level))
        )
        file = io.BytesIO()
        image.save(file, "JPEG", quality=(50, 20, 5)[level - 1])
        found[f"jpeg{level}"] = np.asarray(Image.open(file))
    return found


def write_pairs(root: Path, side: int = SIDE) -> list[tuple[Path, Path]]:
    """The pictures and their versions as files: ``(reference, distorted)``."""
    root.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number, pixels in enumerate(pictures(side)):
        reference = root / f"r{number}.png"
        Image.fromarray(pixels).save(reference)
        for name, version in versions(pixels, number).items():
            path = root / f"r{number}_{name}.png"
            Image.fromarray(version).save(path)
            pairs.append((reference, path))
    return pairs


def falling(pairs: Sequence[tuple[Path, Path]]) -> list[float]:
    """Scores that fall with the level, by another step for each kind and picture."""
    rng = np.random.default_rng(0)
    levels = [int(path.stem[-1]) for _, path in pairs]
    return (8 - 2 * np.array(levels) + rng.normal(0, 0.3, len(pairs))).tolist()


def prepare_rated(
    root: Path, rate: Callable[[Sequence[tuple[Path, Path]]], Sequence[float]]
) -> Path:
    """Prepare ``table/mini`` of 36 pairs with the scores that ``rate`` gives them.

    Returns:
        The folder of prepared sets.
    """
    pairs = write_pairs(root / "archive")
    lines = ["image,reference,mos"]
    for (reference, path), score in zip(pairs, rate(pairs), strict=True):
        lines.append(f"{path.name},{reference.name},{float(score):.17g}")
    (root / "archive" / "mini.csv").write_text("\n".join(lines) + "\n")
    prepare(
        "table/mini",
        root / "archive" / "mini.csv",
        root / "prepared",
        options={"direction": "higher"},
    )
    return root / "prepared"
