"""BMP and GIF, whose samples are of 8 bits: Pillow decodes."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from jiqa.io.formats.header import Header, Unsupported

SIGNATURES = (b"BM", b"GIF8")

#: Sizes of the headers that a BMP without its file header begins with.
_DIB_SIZES = (12, 40, 52, 56, 64, 108, 124)

#: The mode that an image is converted to, by its own; with a transparent colour, the
#: second one.
_MODES = {"1": ("L", "LA"), "L": ("L", "LA"), "P": ("RGB", "RGBA")}


def is_dib(head: bytes) -> bool:
    """Whether the first 16 bytes are of a BMP without its file header."""
    planes = (head[8:10], head[12:14])
    return int.from_bytes(head[:4], "little") in _DIB_SIZES and b"\1\0" in planes


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
        layout=mode,
    )


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, 1 to 4]`` of the first frame."""
    return pixels(file, header.layout)


def pixels(file: BinaryIO, mode: str) -> np.ndarray:
    """Samples ``[H, W, 1 to 4]`` of the first frame, converted to a mode of Pillow."""
    image = _open(file)
    if image.mode != mode:
        image = image.convert(mode)
    samples = np.array(image)
    return samples[..., None] if samples.ndim == 2 else samples


def _mode(image: Any) -> str:
    if image.mode == "RGB":
        return "RGBA" if "transparency" in image.info else "RGB"
    if image.mode in ("LA", "RGBA"):
        return image.mode
    opaque, transparent = _MODES.get(image.mode, ("RGB", "RGBA"))
    return transparent if "transparency" in image.info else opaque


def _open(file: BinaryIO) -> Any:
    """The image: ``Image.open`` would have a limit to its size that is not ours."""
    from PIL import Image
    from PIL.BmpImagePlugin import BmpImageFile, DibImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    kinds = {b"BM": BmpImageFile, b"GI": GifImageFile, b"RI": WebPImageFile}
    file.seek(0)
    kind = kinds.get(file.read(2), DibImageFile)
    file.seek(0)
    try:
        return kind(file)
    except Image.DecompressionBombError as error:
        raise Unsupported("an animation that Pillow reads", str(error)) from error
