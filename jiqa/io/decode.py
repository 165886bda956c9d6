"""Decode image files to arrays: every pixel as stored, without silent conversions.

Pillow reads almost everything. It silently drops 16-bit colour to 8 bits, so those
PNG and TIFF files go through imagecodecs and tifffile.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jiqa.checks import expected
from jiqa.io.sources import Encoded, Source, as_file, stream

#: File name endings that a folder is searched for.
SUFFIXES = frozenset(
    (
        ".png .jpg .jpeg .jpe .jfif .bmp .dib .tif .tiff .webp .gif .jp2 .j2k .j2c "
        ".jpc .jpf .jpx .ppm .pgm .pbm .pnm"
    ).split()
)

_ORIENTATION_TAG = 0x0112
_GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N", "I", "F"}


class DecodeError(ValueError):
    """A file that cannot be read as an image; the message names it and says why."""


class Shape(NamedTuple):
    """Size and sample type of a decoded image, known from the header."""

    height: int
    width: int
    channels: int
    dtype: str


def read_image(path: str | Path | Source, *, background: float = 1.0) -> np.ndarray:
    """Decode a file into ``[H, W, C]``, uint8 or uint16, C = 1 or 3.

    Palettes become RGB; bilevel and grey become C = 1; CMYK, YCbCr and Lab become RGB
    as Pillow converts them. An alpha channel is composited, on the stored sRGB values,
    over a uniform ``background``. EXIF orientation is applied. Of an animation the
    first frame counts. Colour profiles are ignored.

    Args:
        path: PNG, JPEG, BMP, TIFF, WebP, GIF, JPEG 2000, PNM; a file, or a source of
            its bytes.
        background: grey level in [0, 1] behind transparent pixels; 1 is white.

    Raises:
        DecodeError: no such file, not an image, truncated, or floating-point samples; a
            source that does not give its bytes.
    """
    path = _encoded(path)
    try:
        with warnings.catch_warnings():
            # A picture of 90 megapixels is no attack here.
            warnings.simplefilter("ignore")
            pixels, orientation = _decode(path)
    except DecodeError:
        raise
    except Exception as error:  # decoders raise nearly every type on broken files
        raise DecodeError(f"{path}: {_reason(path, error)}") from error
    return _upright(_composite(pixels, background), orientation)


def peek(path: str | Path | Source) -> Shape:
    """Shape and type that ``read_image`` will return, from the header alone.

    A source with a ``shape`` of its own has it from elsewhere, and is not read.

    Raises:
        DecodeError: as ``read_image``, where the header shows it.
    """
    known = getattr(path, "shape", None)
    if known is not None:
        return known
    path = _encoded(path)
    try:
        with warnings.catch_warnings(), _open(path) as image:
            warnings.simplefilter("ignore")
            wide = _is_wide(path, image)
            width, height = image.size
            mode = image.mode
            grey = mode in _GREY_MODES
            if wide:
                grey = _wide_is_grey(path, image)
            deep = wide or mode.startswith("I")
            if _orientation(image) >= 5:
                width, height = height, width
    except DecodeError:
        raise
    except Exception as error:
        raise DecodeError(f"{path}: {_reason(path, error)}") from error
    return Shape(height, width, 1 if grey else 3, "uint16" if deep else "uint8")


def _encoded(source: str | Path | Source) -> Path | Encoded:
    try:
        return as_file(source)
    except Exception as error:  # readers of records raise types of their own
        raise DecodeError(f"{source}: cannot be read: {error}") from error


def _open(path: Path | Encoded) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(stream(path))
    except UnidentifiedImageError:
        if path.suffix.lower() in (".tif", ".tiff"):
            return _TiffHeader(path)
        raise


class _TiffHeader:
    """What ``peek`` asks of a TIFF file that Pillow does not open (16-bit colour)."""

    def __init__(self, path: Path | Encoded) -> None:
        import tifffile

        with tifffile.TiffFile(stream(path)) as file:
            page: Any = file.pages[0]
            self.bits = page.bitspersample
            self.size = (page.imagewidth, page.imagelength)
            tag = page.tags.get(_ORIENTATION_TAG)
            self.orientation = int(tag.value) if tag else 1
            self.mode = "L" if page.photometric.name.startswith("MINIS") else "RGB"
            self.format = "TIFF"

    def __enter__(self) -> _TiffHeader:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def getexif(self) -> dict[int, int]:
        return {_ORIENTATION_TAG: self.orientation}


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
    if type(error).__name__ == "UnidentifiedImageError":
        return "not an image in a format that can be read"
    return f"cannot be decoded: {error}"


def _orientation(image: Any) -> int:
    value = image.getexif().get(_ORIENTATION_TAG, 1)
    return value if value in range(1, 9) else 1


def _is_wide(path: Path | Encoded, image: Any) -> bool:
    """Whether samples are 16 bits deep in a layout that Pillow would cut to 8."""
    if image.format == "PNG":
        return _png_header(path) in ((16, 2), (16, 4), (16, 6))
    if image.format == "TIFF":
        bits = getattr(image, "bits", None)
        if bits is None:
            stored = image.tag_v2.get(258, (8,))
            bits = max(stored) if isinstance(stored, tuple) else stored
        return bits == 16
    return False


def _png_header(path: Path | Encoded) -> tuple[int, int]:
    """Bit depth and colour type, bytes 24 and 25 of a PNG file."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[24], head[25]


def _wide_is_grey(path: Path | Encoded, image: Any) -> bool:
    if image.format == "PNG":
        return _png_header(path)[1] == 4
    return image.mode in _GREY_MODES


def _decode(path: Path | Encoded) -> tuple[np.ndarray, int]:
    """Pixels ``[H, W, 1 to 4]`` and the EXIF orientation."""
    with _open(path) as image:
        orientation = _orientation(image)
        if _is_wide(path, image):
            return _decode_wide(path, image.format), orientation
        mode = image.mode
        if mode == "F":
            wanted = "8 or 16 bits per sample"
            hint = "the range of a floating-point file is unknown"
            raise DecodeError(
                expected(f"{path}", wanted, "floating-point samples", hint)
            )
        if mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        elif mode == "1":
            image = image.convert("L")
        elif mode in ("RGB", "L") and "transparency" in image.info:
            image = image.convert("RGBA" if mode == "RGB" else "LA")
        elif mode == "PA":
            image = image.convert("RGBA")
        elif mode not in ("L", "LA", "RGB", "RGBA") and not mode.startswith("I"):
            image = image.convert("RGB")
        pixels = np.array(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if mode.startswith("I"):
        if pixels.min() < 0 or pixels.max() > 65535:
            wanted = "8 or 16 bits per sample"
            raise DecodeError(expected(f"{path}", wanted, "32-bit samples"))
        pixels = pixels.astype(np.uint16)
    return pixels, orientation


def _decode_wide(path: Path | Encoded, kind: str) -> np.ndarray:
    if kind == "PNG":
        import imagecodecs

        pixels = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    else:
        import tifffile

        with tifffile.TiffFile(stream(path)) as file:
            page: Any = file.pages[0]
            pixels = page.asarray()
            if page.photometric.name == "MINISWHITE":
                pixels = 65535 - pixels
            if pixels.ndim == 3 and page.planarconfig.name == "SEPARATE":
                pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[-1] > 4 or pixels.dtype != np.uint16:
        got = f"{pixels.shape[-1]} of {pixels.dtype}"
        raise DecodeError(
            expected(f"{path}", "1 to 4 samples of 16 bits per pixel", got)
        )
    return pixels


def _composite(pixels: np.ndarray, background: float) -> np.ndarray:
    if pixels.shape[-1] in (1, 3):
        return pixels
    peak = np.iinfo(pixels.dtype).max
    colour = pixels[..., :-1].astype(np.float64)
    alpha = pixels[..., -1:] / peak
    blended = colour * alpha + background * peak * (1 - alpha)
    return np.floor(blended + 0.5).astype(pixels.dtype)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
