"""Colour quantisation of KADID-10k (type 6) on the host: a palette, then dithering."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import Array

from jiqa.distortions.kadid_ranges import needs_colour, to_bytes
from jiqa.distortions.palettes import dithered_indices, variance_palette, whole_colours


def colour_quantization(
    image: Array | np.ndarray, colours: int, key: Any = None
) -> np.ndarray:
    """At most ``colours`` colours, with Floyd-Steinberg dithering.

    As MATLAB's ``rgb2ind(image, colours)``, which cuts the colour cube into boxes by
    variance and dithers; dithered by Pillow on whole 8-bit levels.

    Raises:
        ValueError: a grey image, or a count outside 1..256.
    """
    del key
    needs_colour(image, "colour_quantization")
    if not 1 <= colours <= 256:
        raise ValueError(f"colours: {colours}; needed are 1 to 256")
    pixels = to_bytes(image)
    palette = variance_palette(pixels, colours)
    indexed = dithered_indices(pixels, whole_colours(palette))
    return (palette[indexed] / 255).astype(image.dtype)
