"""Decode image files to arrays: every pixel as stored, without silent conversions.

``jiqa.io.formats`` has one module a family of files, and the table of what is read.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, NamedTuple

import numpy as np

from jiqa.checks import expected
from jiqa.errors import UsageError
from jiqa.io.formats import jpeg, jpeg2000, pillow, png, pnm, tiff, webp
from jiqa.io.formats.colour import finish, sample_type
from jiqa.io.formats.header import Header, Unsupported
from jiqa.io.sources import Encoded, Source, as_file

#: File name endings that a folder is searched for.
SUFFIXES = frozenset(
    (
        ".png .jpg .jpeg .jpe .jfif .bmp .dib .tif .tiff .webp .gif .jp2 .j2k .j2c "
        ".jpc .jpf .jpx .ppm .pgm .pbm .pnm"
    ).split()
)

#: Radiance HDR and OpenEXR, which ``jiqa.io.light`` reads.
_LIGHT = (b"#?", b"\x76\x2f\x31\x01")

#: Pixels of the largest image that is read unless more are asked for: what a small
#: file may unpack to is bounded, about 2 GB while RGB of 8 bits is decoded.
MAX_PIXELS = 500_000_000

#: The environment variable that sets another limit.
MAX_PIXELS_VARIABLE = "JIQA_MAX_PIXELS"


class DecodeError(ValueError):
    """A file that cannot be read as an image; the message names it and says why."""


class Shape(NamedTuple):
    """Size and sample type of a decoded image, known from the header."""

    height: int
    width: int
    channels: int
    dtype: str


def read_image(
    path: str | Path | Source,
    *,
    background: float = 1.0,
    max_pixels: int | None = None,
) -> np.ndarray:
    """Decode a file into ``[H, W, C]``, uint8 or uint16, C = 1 or 3.

    Samples of up to 8 bits are scaled to uint8, deeper ones to uint16. Palettes become
    RGB; bilevel and grey become C = 1; YCbCr, Lab and CMYK become RGB, CMYK without
    its profile as ``(1 - ink) * (1 - black)``. An alpha channel or transparent colour
    is composited, on the stored sRGB values, over a uniform ``background``. The
    orientation of EXIF or TIFF is applied. Of an animation the first frame counts, of
    a TIFF the first page. Colour profiles are ignored.

    Args:
        path: PNG, JPEG, BMP, TIFF, WebP, GIF, JPEG 2000, PNM; a file, or a source of
            its bytes. Its contents tell the format, not its name.
        background: grey level in [0, 1] behind transparent pixels; 1 is white.
        max_pixels: the largest image that is read; by default what the environment
            variable ``JIQA_MAX_PIXELS`` says, or else 500 million.

    Raises:
        DecodeError: no such file, not an image, truncated, too many pixels, or samples
            that have no agreed meaning as a picture, such as floating-point ones; a
            source that does not give its bytes.
        UsageError: ``JIQA_MAX_PIXELS`` is not a number of pixels.
    """
    limit = _limit(max_pixels)
    path = _encoded(path)
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of Pillow, about damaged metadata
            codec, header = _header(file, limit)
            pixels = codec.read_samples(file, header)
            return finish(_checked(pixels, header), header, background)
    except Exception as error:  # decoders raise nearly every type on broken files
        raise DecodeError(_message(path, error)) from error


def peek(path: str | Path | Source, *, max_pixels: int | None = None) -> Shape:
    """Shape and type that ``read_image`` will return, from the header alone.

    A source with a ``shape`` of its own has it from elsewhere, and is not read.

    Raises:
        DecodeError: as ``read_image``, where the header shows it.
        UsageError: as ``read_image``.
    """
    known = getattr(path, "shape", None)
    if known is not None:
        return known
    limit = _limit(max_pixels)
    path = _encoded(path)
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            _, header = _header(file, limit)
    except Exception as error:
        raise DecodeError(_message(path, error)) from error
    height, width = header.height, header.width
    if header.orientation >= 5:
        height, width = width, height
    return Shape(height, width, header.channels, sample_type(header).__name__)


def _limit(given: int | None) -> int:
    if given is not None:
        return given
    text = os.environ.get(MAX_PIXELS_VARIABLE, "")
    if not text:
        return MAX_PIXELS
    if not text.isdecimal() or not int(text):
        wanted = "a number of pixels"
        raise UsageError(expected(MAX_PIXELS_VARIABLE, wanted, repr(text)))
    return int(text)


def _encoded(source: str | Path | Source) -> Path | Encoded:
    try:
        return as_file(source)
    except Exception as error:  # readers of records raise types of their own
        raise DecodeError(f"{source}: cannot be read: {error}") from error


def _header(file: BinaryIO, limit: int) -> tuple[ModuleType, Header]:
    """The module that decodes a file, and what its header says."""
    codec = _codec(file.read(16))
    header = codec.read_header(file)
    height, width = header.height, header.width
    if height < 1 or width < 1:
        raise ValueError(f"its header says {width} x {height} pixels")
    if height * width > limit:
        got = f"{width} x {height} = {height * width:,}"
        hint = f"set the environment variable {MAX_PIXELS_VARIABLE} to read it"
        raise Unsupported(f"at most {limit:,} pixels", got, hint)
    return codec, header


def _codec(head: bytes) -> ModuleType:
    """The module for a file that begins with ``head``."""
    if head.startswith(png.SIGNATURE):
        return png
    if head.startswith(jpeg.SIGNATURE):
        return jpeg
    if head.startswith(tiff.SIGNATURES):
        return tiff
    if head.startswith((jpeg2000.SIGNATURE_BOX, jpeg2000.CODESTREAM)):
        return jpeg2000
    if head[:1] == b"P" and head[1:2] in b"1234567fF" and head[2:3].isspace():
        return pnm
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return webp
    if head.startswith(_LIGHT):
        hint = "hdrflip, pu_psnr and pu_ssim take it"
        raise Unsupported("an sRGB image", "linear light of high dynamic range", hint)
    if head.startswith(pillow.SIGNATURES) or pillow.is_dib(head):
        return pillow
    raise _NotAnImageError


class _NotAnImageError(Exception):
    pass


def _checked(pixels: np.ndarray, header: Header) -> np.ndarray:
    """Samples that are of the size that the header says."""
    if pixels.shape[:2] != (header.height, header.width):
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise ValueError(f"{size} pixels where its header says otherwise")
    return pixels


def _message(path: Path | Encoded, error: Exception) -> str:
    if isinstance(error, Unsupported):
        return expected(f"{path}", error.wanted, error.got, error.hint)
    return f"{path}: {_reason(path, error)}"


def _reason(path: Path | Encoded, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "is a folder, not an image"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(path, Encoded) and not path.data:
        return "the file is empty"
    if isinstance(path, Path) and path.is_file() and path.stat().st_size == 0:
        return "the file is empty"
    if isinstance(error, _NotAnImageError):
        return (
            "not an image in a format that can be read: PNG, JPEG, BMP, TIFF, WebP, "
            "GIF, JPEG 2000, PNM"
        )
    return f"cannot be decoded: {error or type(error).__name__}"
