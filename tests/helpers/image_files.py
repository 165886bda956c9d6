"""Image files of every layout, made byte by byte where libraries do not write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from jiqa.io.decode import peek, read_image
from jiqa.io.sources import Encoded

HEIGHT, WIDTH = 24, 35


def picture(channels: int = 3) -> np.ndarray:
    """A smooth ``[HEIGHT, WIDTH, channels]`` picture, uint8."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = np.stack([x * 7, y * 10, 255 - x * 3 - y * 6, (x + y) * 4], -1)
    return planes[..., :channels].astype(np.uint8)


def alpha_ramp() -> np.ndarray:
    """Transparency from none to full, ``[HEIGHT, WIDTH, 1]``, uint8."""
    ramp = np.linspace(0, 255, WIDTH).astype(np.uint8)
    return np.broadcast_to(ramp[:, None], (HEIGHT, WIDTH, 1)).copy()


def over(colour: np.ndarray, alpha: np.ndarray, background: float = 255) -> np.ndarray:
    """Colours of 8 bits over a background, before rounding."""
    share = alpha / 255
    return colour * share + background * (1 - share)


def as_bits(samples: np.ndarray, bits: int) -> np.ndarray:
    """8-bit samples at another depth, rounded."""
    scaled = np.floor(samples * ((2**bits - 1) / 255) + 0.5)
    return scaled.astype(np.uint8 if bits <= 8 else np.uint16)


def read(data: bytes, **options: Any) -> np.ndarray:
    """Decode, and hold the header's shape against the result."""
    image = read_image(Encoded("picture", data), **options)
    assert tuple(peek(Encoded("picture", data))) == (*image.shape, str(image.dtype))
    return image


def assert_shows(data: bytes, twin: np.ndarray, bits: int = 8, more: float = 0) -> None:
    """Check that a file shows a picture of 8 bits, but for rounding to ``bits``.

    Args:
        data: the file.
        twin: ``[H, W, 1 or 3]`` from 0 to 255, rounded or not.
        bits: of a stored sample.
        more: what conversions of colour may differ, in steps of 8 bits.
    """
    image = read(data)
    assert image.dtype == (np.uint8 if bits <= 8 else np.uint16)
    assert image.shape == twin.shape
    full = np.iinfo(image.dtype).max
    rounding = 127.5 / (2**bits - 1) + 127.5 / full + 1e-9 + more
    off = np.abs(image * (255 / full) - twin).max()
    assert off <= rounding, f"{off} of 255 is more than {rounding}"


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """What has to be stored so that an orientation shows ``pixels``."""
    # The first stored row is this side, and the first stored column that one.
    return {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: pixels.swapaxes(0, 1)[::-1],
        7: pixels.swapaxes(0, 1)[::-1, ::-1],
        8: pixels.swapaxes(0, 1)[:, ::-1],
    }[orientation].copy()


def little_cms(samples: np.ndarray) -> np.ndarray:
    """RGB that Little CMS makes of 8-bit Lab ``[H, W, 3]`` with an offset of 128.

    Without its optimisation, a table whose error near the limits of sRGB is up to 38.
    """
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"),
        ImageCms.createProfile("sRGB"),
        "LAB",
        "RGB",
        flags=ImageCms.Flags.NOOPTIMIZE,
    )
    signed = samples ^ np.array([0, 128, 128], np.uint8)
    height, width = samples.shape[:2]
    lab = Image.frombytes("LAB", (width, height), signed.tobytes())
    done = ImageCms.applyTransform(lab, transform)
    assert done is not None
    return np.asarray(done)


def exif(orientation: int) -> bytes:
    """An EXIF block with nothing but an orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def pack(samples: np.ndarray, bits: int) -> bytes:
    """Rows ``[H, N]`` of samples, most significant bit first, each on whole bytes."""
    digits = (samples[..., None].astype(np.uint32) >> np.arange(bits)[::-1]) & 1
    rows = digits.reshape(len(samples), -1).astype(np.uint8)
    return np.packbits(rows, axis=1).tobytes()


def png(
    samples: np.ndarray,
    bits: int,
    kind: int,
    chunks: Iterable[tuple[bytes, bytes]] = (),
    *,
    interlaced: bool = False,
    late: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    """A PNG file of samples ``[H, W, C]``; ``late`` chunks come after them."""
    height, width = samples.shape[:2]
    passes = [samples]
    if interlaced:
        starts = [(0, 0), (0, 4), (4, 0), (0, 2), (2, 0), (0, 1), (1, 0)]
        steps = [(8, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1)]
        passes = [
            samples[y::down, x::across]
            for (y, x), (down, across) in zip(starts, steps, strict=True)
        ]
    rows = b"".join(
        b"\0" + pack(row.reshape(1, -1), bits) for part in passes for row in part
    )
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, int(interlaced))
    body = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), *late]
    parts = [
        struct.pack(">I", len(data))
        + name
        + data
        + struct.pack(">I", zlib.crc32(name + data))
        for name, data in [*body, (b"IEND", b"")]
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(
    rows: bytes,
    height: int,
    width: int,
    bits: list[int],
    photometric: int,
    tags: Mapping[int, list[int] | list[tuple[int, int]]] | None = None,
    order: str = "<",
) -> bytes:
    """A TIFF file of one strip without compression.

    Args:
        rows: the strip.
        height: rows.
        width: pixels of a row.
        bits: of each sample of a pixel.
        photometric: TIFF's number.
        tags: further ones by number: short integers, or pairs for fractions.
        order: ``"<"`` or ``">"``.
    """
    entries: dict[int, Any] = {
        256: [width],
        257: [height],
        258: bits,
        259: [1],
        262: [photometric],
        273: [8],
        277: [len(bits)],
        278: [height],
        279: [len(rows)],
        **(tags or {}),
    }
    rows += b"\0" * (len(rows) % 2)
    directory = 8 + len(rows)
    beyond = directory + 2 + 12 * len(entries) + 4
    table, values = b"", b""
    for number, content in sorted(entries.items()):
        if isinstance(content[0], tuple):
            kind, data = 5, b"".join(struct.pack(order + "II", *c) for c in content)
        else:
            long = number in (273, 279)
            kind, code = (4, "I") if long else (3, "H")
            data = struct.pack(f"{order}{len(content)}{code}", *content)
        if len(data) <= 4:
            data = data.ljust(4, b"\0")
        else:
            values, data = values + data, struct.pack(order + "I", beyond + len(values))
        table += struct.pack(order + "HHI", number, kind, len(content)) + data
    head = b"II" if order == "<" else b"MM"
    head += struct.pack(order + "HI", 42, directory)
    count = struct.pack(order + "H", len(entries))
    return head + rows + count + table + b"\0\0\0\0" + values


def box(name: bytes, data: bytes) -> bytes:
    """A box of a JPEG 2000 file."""
    return struct.pack(">I", 8 + len(data)) + name + data


def jp2(
    codestream: bytes,
    colour: int | bytes,
    boxes: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A JPEG 2000 file around a codestream.

    Args:
        codestream: the bare one.
        colour: number of an enumerated colour space, or an ICC profile.
        boxes: others of the header, such as a palette.
        after: boxes between the header and the codestream.
    """
    width, height = struct.unpack(">II", codestream[8:16])
    count, depth = struct.unpack(">HB", codestream[40:43])
    image = struct.pack(">IIHBBBB", height, width, count, depth, 7, 0, 0)
    if isinstance(colour, int):
        space = b"\1\0\0" + struct.pack(">I", colour)
    else:
        space = b"\2\0\0" + colour
    header = box(b"ihdr", image) + boxes + box(b"colr", space)
    return b"".join(
        [
            box(b"jP  ", b"\r\n\x87\n"),
            box(b"ftyp", b"jp2 \0\0\0\0jp2 "),
            box(b"jp2h", header),
            after,
            box(b"jp2c", codestream),
        ]
    )
