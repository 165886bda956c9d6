"""Every layout of TIFF shows what its plain 8-bit twin shows, or says what it is."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from jiqa.io.decode import DecodeError
from tests.helpers.image_files import (
    HEIGHT,
    WIDTH,
    alpha_ramp,
    as_bits,
    assert_shows,
    little_cms,
    over,
    pack,
    picture,
    read,
    tiff,
    turned,
)

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
CIELAB, ICCLAB = 8, 9
EXTRA_SAMPLES, SAMPLE_FORMAT, COLOUR_MAP, ORIENTATION = 338, 339, 320, 274
PREMULTIPLIED, STRAIGHT, UNSPECIFIED = 1, 2, 0
#: Of the tags above; 258 and so on are the usual ones.
Tags = dict[int, Any]


def _file(
    samples: np.ndarray,
    bits: int,
    photometric: int,
    tags: Tags | None = None,
    order: str = "<",
) -> bytes:
    height, width, count = samples.shape
    flat = samples.reshape(height, -1)
    if bits == 16:
        rows = flat.astype(order + "u2").tobytes()
    else:
        rows = pack(flat, bits)
    return tiff(rows, height, width, [bits] * count, photometric, tags, order)


def _saved(samples: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8, 10, 12, 14, 16])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB])
def test_grey_and_colour(photometric, bits, order):
    twin = picture(3 if photometric == RGB else 1)
    stored = as_bits(255 - twin if photometric == WHITE_IS_ZERO else twin, bits)
    assert_shows(_file(stored, bits, photometric, order=order), twin, bits)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("entries", ["times 257", "times 256", "eight bits"])
def test_palette(bits, entries):
    colours = np.zeros((2**bits, 3), np.int64)
    some = picture().reshape(-1, 3)[: 2**bits]
    colours[: len(some)] = some
    factor = {"times 257": 257, "times 256": 256, "eight bits": 1}[entries]
    tags = {COLOUR_MAP: (colours.T * factor).ravel().tolist()}
    indices = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1) % len(some)
    data = _file(indices, bits, PALETTE, tags)
    assert_shows(data, colours[indices[..., 0]])


def test_palette_of_16_bits_and_with_alpha():
    colours = np.arange(768).reshape(3, 256) * 79
    indices = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH, 1) % 256
    image = read(_file(indices, 8, PALETTE, {COLOUR_MAP: colours.ravel().tolist()}))
    np.testing.assert_array_equal(image, colours.T[indices[..., 0]])
    eight = picture().reshape(-1, 3)[:256].T.astype(int)
    tags = {COLOUR_MAP: (eight * 257).ravel().tolist(), EXTRA_SAMPLES: [STRAIGHT]}
    data = _file(np.concatenate([indices, alpha_ramp()], -1), 8, PALETTE, tags)
    assert_shows(data, over(eight.T[indices[..., 0]], alpha_ramp()))


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK])
@pytest.mark.parametrize("extra", [None, STRAIGHT, PREMULTIPLIED, UNSPECIFIED])
def test_extra_samples(photometric, extra, bits):
    colour = picture({RGB: 3, CMYK: 4}.get(photometric, 1))
    alpha = alpha_ramp()
    twin = colour
    if photometric == CMYK:
        twin = np.asarray(Image.fromarray(colour, mode="CMYK").convert("RGB"))
    elif photometric == WHITE_IS_ZERO:
        twin = 255 - colour
    stored = as_bits(np.concatenate([colour, alpha], -1), bits)
    if extra == PREMULTIPLIED:
        product = stored[..., :-1] * (stored[..., -1:] / (2**bits - 1))
        stored[..., :-1] = np.floor(product + 0.5)
    tags = {} if extra is None else {EXTRA_SAMPLES: [extra]}
    shown = twin if extra == UNSPECIFIED else over(twin, alpha)
    # Alpha, products with it and Pillow's CMYK are rounded too.
    more = 255 / (2**bits - 1) + (1 if photometric == CMYK else 0)
    assert_shows(_file(stored, bits, photometric, tags), shown, bits, more)


def test_alpha_among_other_samples():
    twin, alpha = picture(), alpha_ramp()
    stored = np.concatenate([twin, 255 - alpha, alpha, 255 - alpha], -1)
    kinds = [UNSPECIFIED, STRAIGHT, UNSPECIFIED]
    assert_shows(_file(stored, 8, RGB, {EXTRA_SAMPLES: kinds}), over(twin, alpha))
    several = _file(stored, 8, RGB, {EXTRA_SAMPLES: [UNSPECIFIED] * 3})
    assert_shows(several, twin)


@pytest.mark.parametrize("bits", [8, 16])
def test_cmyk(bits):
    inks = picture(4)
    twin = np.asarray(Image.fromarray(inks, mode="CMYK").convert("RGB"))
    assert_shows(_file(as_bits(inks, bits), bits, CMYK), twin, bits, more=0.5)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", [CIELAB, ICCLAB])
def test_lab(photometric, bits):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    # Lightness over its range; colours that sRGB has.
    lab = np.stack([x * 100 / WIDTH, (y - 12) * 1.5, (x - 15) * 0.8], -1)
    units = np.array([100, 1, 1]) / np.array([255, 1, 1])
    offset = np.array([0, 128, 128])
    eight = np.floor(lab / units + offset + 0.5)
    twin = little_cms(eight.astype(np.uint8))
    scale = 1 if bits == 8 else 256
    stored = (eight * scale).astype(np.uint8 if bits == 8 else np.uint16)
    if bits == 16:
        most = 65535 if photometric == CIELAB else 65280
        stored[..., 0] = np.floor(eight[..., 0] / 255 * most + 0.5)
    if photometric == CIELAB:
        stored[..., 1:] ^= 128 * scale
    assert_shows(_file(stored, bits, photometric), twin, bits, more=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_ycbcr(bits):
    image = Image.fromarray(picture()).convert("YCbCr")
    parts, twin = np.asarray(image), np.asarray(image.convert("RGB"))
    stored = as_bits(parts, bits)
    if bits == 16:  # no chroma is the middle, not 128 / 255
        chroma = 32768 + (parts[..., 1:].astype(int) - 128) * 257
        stored[..., 1:] = chroma.clip(0, 65535)
    whole = {530: [1, 1]}
    assert_shows(_file(stored, bits, YCBCR, whole), twin, bits, more=1)
    half, full = 2 ** (bits - 1), 2**bits - 1
    # Studio levels: 16 to 235 and 16 to 240.
    y = parts[..., :1] / 255 * (219 / 255) + 16 / 255
    chroma = (parts[..., 1:] - 128.0) / 127 * (112 / 255) * full + half
    stored = np.concatenate([y * full, chroma], -1) + 0.5
    levels = [16 * full // 255, 235 * full // 255]
    levels += [half, half + 112 * full // 255] * 2
    tags = {**whole, 532: [(level, 1) for level in levels]}
    dtype = np.uint8 if bits == 8 else np.uint16
    assert_shows(_file(stored.astype(dtype), bits, YCBCR, tags), twin, bits, more=3)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "YCbCr"])
def test_jpeg_inside(mode):
    image, file = Image.fromarray(picture()).convert(mode), io.BytesIO()
    image.save(file, "TIFF", compression="jpeg", quality=100)
    twin = image.convert("L" if mode == "L" else "RGB")
    twin = np.asarray(twin).reshape(HEIGHT, WIDTH, -1)
    # YCbCr is subsampled.
    assert_shows(file.getvalue(), twin, more=12 if mode == "YCbCr" else 4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "options",
    [
        {"tile": (16, 32)},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "rowsperstrip": 5},
        {"compression": "packbits"},
        {"compression": "zstd"},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "tile": (16, 16), "compression": "lzw"},
        {"bigtiff": True},
    ],
    ids=lambda options: " ".join(f"{k}={v}" for k, v in options.items()),
)
def test_storage(options, bits, order):
    twin = picture()
    stored = as_bits(twin, bits)
    if options.get("planarconfig") == "separate":
        stored = np.moveaxis(stored, -1, 0)
    data = _saved(stored, photometric="rgb", byteorder=order, **options)
    assert_shows(data, twin, bits)


@pytest.mark.parametrize("coding", ["group3", "group4", "tiff_ccitt", "packbits"])
def test_fax(coding):
    image, file = Image.fromarray(picture()).convert("1"), io.BytesIO()
    image.save(file, "TIFF", compression=coding)
    assert_shows(file.getvalue(), np.asarray(image)[..., None] * 255, 1)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(orientation, bits):
    twin = picture()
    stored = as_bits(turned(twin, orientation), bits)
    data = _file(stored, bits, RGB, {ORIENTATION: [orientation]})
    assert_shows(data, twin, bits)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lzw_of_every_number_of_samples(channels, bits):
    colours = 1 if channels < 3 else 3
    twin, file = picture(colours), io.BytesIO()
    stored = twin
    if channels > colours:
        stored = np.concatenate([twin, np.full_like(twin[..., :1], 255)], -1)
    with tifffile.TiffWriter(file) as writer:
        for page in (as_bits(stored, bits), 255 - stored):
            kind = "rgb" if colours == 3 else "minisblack"
            extra = ["unassalpha"] if channels > colours else None
            writer.write(
                page.squeeze(),
                photometric=kind,
                planarconfig="contig" if channels > 1 else None,
                extrasamples=extra,
                compression="lzw",
            )
    assert_shows(file.getvalue(), twin, bits)


def test_first_page_of_several():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in (picture(), 255 - picture(), picture(1)[..., 0]):
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack")
    assert_shows(file.getvalue(), picture())


def _samples(dtype: str, channels: int = 3) -> bytes:
    kind = "rgb" if channels == 3 else "minisblack"
    return _saved(np.zeros((8, 9, channels), dtype).squeeze(), photometric=kind)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_samples("f2"), "expected integer samples .*, got floating-point samples"),
        (_samples("f4"), "got floating-point samples .*range"),
        (_samples("f4", 1), "got floating-point samples"),
        (_samples("f8"), "got floating-point samples"),
        (_samples("u4"), "expected integer samples of 1 to 16 bits, got 32-bit"),
        (_samples("u4", 1), "got 32-bit samples"),
        (_samples("i2", 1), "got signed samples"),
        (_samples("i1"), "got signed samples"),
        (_samples("c8", 1), "got floating-point samples"),
        (tiff(bytes(80), 5, 8, [5, 6, 5], RGB), r"got depths of \(5, 6, 5\) bits"),
        (_file(picture(2), 8, RGB), "expected 3 samples a pixel, got 2"),
        (_file(picture(1), 8, 32803), "got photometric interpretation CFA"),
        (_file(picture(1), 8, 999), "got photometric interpretation 999"),
        (_file(picture(4), 8, CMYK, {332: [2]}), "expected CMYK, got other inks"),
        (_file(picture(), 12, CIELAB), "expected Lab of 8 or 16 bits, got 12"),
        (_file(picture(), 8, YCBCR, {530: [2, 2]}), "got subsampled YCbCr"),
        (_file(picture(), 8, YCBCR), "got subsampled YCbCr"),
        (
            _file(picture(4), 8, BLACK_IS_ZERO, {EXTRA_SAMPLES: [0, 0, 0]}),
            "expected grey, .*, got 4 samples a pixel",
        ),
    ],
)
def test_refusals(data, why):
    with pytest.raises(DecodeError, match=f"picture: .*{why}"):
        read(data)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_truncated(compression, share, rng):
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = _saved(noise, photometric="rgb", compression=compression, rowsperstrip=16)
    with pytest.raises(DecodeError, match="picture: cannot be decoded"):
        read(data[: int(len(data) * share)])
