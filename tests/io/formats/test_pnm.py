"""Netpbm's formats show what their plain 8-bit twin shows, whatever the maximum."""

from __future__ import annotations

import numpy as np
import pytest

from jiqa.io.decode import DecodeError
from tests.helpers.image_files import (
    HEIGHT,
    WIDTH,
    as_bits,
    assert_shows,
    pack,
    picture,
    read,
)


def _file(kind: str, peak: int | None, body: bytes) -> bytes:
    lines = [kind, "# a comment", f"{WIDTH} {HEIGHT}", *([str(peak)] if peak else [])]
    return "\n".join(lines).encode() + b"\n" + body


def _plain(samples: np.ndarray) -> bytes:
    return b"\n".join(
        b" ".join(b"%d" % v for v in row) for row in samples.reshape(len(samples), -1)
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["P2", "P3", "P5", "P6"])
def test_grey_and_colour(kind, bits):
    twin = picture(3 if kind in ("P3", "P6") else 1)
    stored = as_bits(twin, bits)
    binary = stored.astype(">u2" if bits > 8 else "u1").tobytes()
    body = _plain(stored) if kind in ("P2", "P3") else binary
    assert_shows(_file(kind, 2**bits - 1, body), twin, bits)


@pytest.mark.parametrize("kind", ["P1", "P1 without spaces", "P4"])
def test_bilevel(kind):
    stored = as_bits(picture(1), 1)[..., 0]
    body = pack(1 - stored, 1) if kind == "P4" else _plain(1 - stored)
    if "without" in kind:
        body = body.replace(b" ", b"")
    image = read(_file(kind[:2], None, body))
    np.testing.assert_array_equal(image[..., 0], stored * 255)


def test_a_maximum_that_is_no_power_of_two():
    stored = np.array([[0, 50, 100]], np.uint8)
    image = read(b"P5 3 1 100\n" + stored.tobytes())
    assert image[0, :, 0].tolist() == [0, 128, 255]
    deep = np.array([[0, 500, 1000]], ">u2")
    image = read(b"P5 3 1 1000\n" + deep.tobytes())
    assert image[0, :, 0].tolist() == [0, 32768, 65535]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"P7\nWIDTH 3\n", r"expected PBM, PGM or PPM .*, got PAM"),
        (b"PF\n3 1\n-1\n" + bytes(36), "got PFM, floating-point"),
        (b"P5 3 1 70000\n" + bytes(6), "expected a maximum of 1 to 65535, got 70000"),
        (b"P5 3 1 100\n\0\0\xff", "samples are up to 100, one is 255"),
        (b"P5 3 1 255\n\0\0", "truncated"),
        (b"P4 9 2\n\0\0\0", "truncated"),
        (b"P2 3 1 255\n1 2", "truncated"),
        (b"P5 3", "ends within its header"),
    ],
)
def test_refusals(data, why):
    with pytest.raises(DecodeError, match=f"picture: .*{why}"):
        read(data)
