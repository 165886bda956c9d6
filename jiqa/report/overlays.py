"""Signed values over a picture: red for, blue against."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jiqa.io.atomic import replacing

_RED, _BLUE = (0.84, 0.07, 0.1), (0.03, 0.3, 0.85)
#: Opacity of the full colour.
_OPAQUE = 0.85
#: The share of the largest magnitudes that may be cut off.
_CUT = 0.5
#: Deviation of the Gaussian that smooths a map to be looked at, in parts of the
#: shorter side: single pixels of a gradient are noise to the eye, regions are not.
_SMOOTH = 0.015


def smoothed(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Smooth values ``[H, W]`` for the eye; their sum stays.

    Returns:
        The values, and the Gaussian's standard deviation in pixels.
    """
    from scipy.ndimage import gaussian_filter

    sigma = _SMOOTH * min(values.shape)
    return gaussian_filter(values.astype(np.float64), sigma, mode="reflect"), sigma


def full_colour(values: np.ndarray) -> float:
    """The magnitude that ``overlay`` draws in full colour: all but .5 % are below."""
    return float(np.percentile(np.abs(values), 100 - _CUT))


def scale_bar(width: int = 256, height: int = 14) -> np.ndarray:
    """The colours of ``overlay`` on white, from full blue to full red.

    Returns:
        ``[height, width, 3]``, uint8.
    """
    values = np.broadcast_to(np.linspace(-1, 1, width), (height, width))
    return overlay(np.ones((height, width, 1)), values, limit=1.0)


def overlay(
    pixels: np.ndarray, values: np.ndarray, limit: float | None = None
) -> np.ndarray:
    """Lay values over a greyed picture.

    Args:
        pixels: ``[H, W, C]``, uint8, uint16 or in [0, 1].
        values: ``[h, w]``; positive ones are red, negative ones blue. If smaller than
            the picture, they are enlarged without smoothing.
        limit: magnitude of the full colour; by default the largest but .5 % of them.

    Returns:
        ``[H, W, 3]``, uint8.
    """
    unit = _unit(pixels)
    grey = (unit @ np.full((unit.shape[-1], 1), 1 / unit.shape[-1])) * 0.7 + 0.3
    rows, columns = (
        np.minimum(np.arange(n) * size // n, size - 1)
        for n, size in zip(unit.shape[:2], values.shape, strict=True)
    )
    values = values[rows][:, columns]
    if limit is None:
        limit = full_colour(values)
    share = np.clip(np.abs(values) / limit if limit > 0 else 0 * values, 0, 1)
    alpha = _OPAQUE * share[..., None]
    colour = np.where(values[..., None] > 0, _RED, _BLUE)
    return np.round(255 * (grey * (1 - alpha) + colour * alpha)).astype(np.uint8)


def _unit(pixels: np.ndarray) -> np.ndarray:
    if np.issubdtype(pixels.dtype, np.integer):
        return pixels / np.iinfo(pixels.dtype).max
    return np.asarray(pixels, np.float64)


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """A picture in [0, 1], uint8 or uint16 as uint8 ``[H, W, C]``."""
    return np.round(255 * np.clip(_unit(pixels), 0, 1)).astype(np.uint8)


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """Write ``[H, W, C]``, uint8, as a PNG."""
    from PIL import Image

    picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    with replacing(path) as draft:
        picture.save(draft, "PNG")
