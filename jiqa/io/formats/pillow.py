"""BMP, GIF and WebP, whose samples are of 8 bits: Pillow decodes."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from jiqa.io.formats.header import Header, exif_orientation

#: The mode that an image is converted to, by its own; with a transparent colour, the
#: second one.
_MODES = {"1": ("L", "LA"), "L": ("L", "LA"), "P": ("RGB", "RGBA")}


def read_header(file: BinaryIO) -> Header:
    """What Pillow tells without decoding; ``layout`` is the mode to convert to."""
    image = _open(file)
    mode = _mode(image)
    width, height = image.size
    return Header(
        height,
        width,
        channels=1 if mode in ("L", "LA") else 3,
        peak=255,
        alpha="straight" if mode in ("LA", "RGBA") else "none",
        orientation=exif_orientation(
            image.info.get("exif", b""), image.info.get("xmp", b"")
        ),
        layout=mode,
    )


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, 1 to 4]`` of the first frame."""
    image = _open(file)
    if image.mode != header.layout:
        image = image.convert(header.layout)
    pixels = np.array(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _mode(image: Any) -> str:
    if image.mode == "RGB":
        return "RGBA" if "transparency" in image.info else "RGB"
    if image.mode in ("LA", "RGBA"):
        return image.mode
    opaque, transparent = _MODES.get(image.mode, ("RGB", "RGBA"))
    return transparent if "transparency" in image.info else opaque


def _open(file: BinaryIO) -> Any:
    """The image, of whatever size: ``Image.open`` has a limit that is not ours."""
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    file.seek(0)
    kind = {b"BM": BmpImageFile, b"GI": GifImageFile}.get(file.read(2), WebPImageFile)
    file.seek(0)
    return kind(file)
