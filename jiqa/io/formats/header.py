"""What every format says of an image before its samples are decoded."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

#: The tag of EXIF and TIFF that says which way the image is to be turned.
ORIENTATION_TAG = 0x0112


class Unsupported(Exception):
    """A layout that is not read: what is, what came, and what to do about it."""

    def __init__(self, wanted: str, got: str, hint: str = "") -> None:
        """Say what was expected, what came, and a hint."""
        super().__init__(f"expected {wanted}, got {got}")
        self.wanted, self.got, self.hint = wanted, got, hint


@dataclass(frozen=True)
class Header:
    """The layout of an image's samples.

    Attributes:
        height: rows as stored, before an orientation is applied.
        width: columns as stored.
        channels: of the image without alpha, in grey (1) or RGB (3).
        peak: the largest value of a sample: 255 for 8 bits.
        alpha: of the last sample: ``"straight"``, or ``"premultiplied"`` where the
            colours are multiplied by it.
        orientation: 1 to 8, as in EXIF.
        to_colour: from samples in [0, 1], ``[..., C]`` without alpha, to grey or RGB in
            [0, 1]; None if the samples are that.
        layout: what the format's module needs to know besides.
    """

    height: int
    width: int
    channels: int
    peak: int
    alpha: Literal["none", "straight", "premultiplied"] = "none"
    orientation: int = 1
    to_colour: Callable[[np.ndarray], np.ndarray] | None = None
    layout: Any = None


def exif_orientation(exif: bytes, xmp: bytes = b"") -> int:
    """The orientation of an EXIF block, or else of an XMP one; 1 if there is none.

    Damaged metadata does not keep an image from being read: it has no orientation.
    """
    from PIL import Image

    value = None
    if exif:
        found = Image.Exif()
        with contextlib.suppress(Exception):  # Pillow raises several types
            found.load(exif)
            value = found.get(ORIENTATION_TAG)
    if value is None:
        match = re.search(rb'tiff:Orientation(?:="|>)([1-8])', xmp)
        value = int(match[1]) if match else 1
    return valid_orientation(value)


def valid_orientation(value: Any) -> int:
    """An orientation of 1 to 8; 1 for anything else."""
    return int(value) if value in range(1, 9) else 1
