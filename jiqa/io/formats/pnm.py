"""Netpbm's PBM, PGM and PPM, plain and binary, with any maximum up to 65535."""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np

from jiqa.io.formats.header import Header, Unsupported

_WANTED = "PBM, PGM or PPM (P1 to P6)"
_OTHERS = {b"P7": "PAM", b"PF": "PFM, floating-point", b"Pf": "PFM, floating-point"}
#: A number after white space and comments.
_NUMBER = rb"(?:\s|#[^\r\n]*[\r\n])+(\d+)"


def read_header(file: BinaryIO) -> Header:
    """The numbers before the samples; ``layout`` is the kind and where those begin."""
    file.seek(0)
    # Comments may be long, but not so long.
    head = file.read(2**16)
    kind = head[:2]
    if kind in _OTHERS:
        raise Unsupported(_WANTED, f"{_OTHERS[kind]} ({kind.decode()})")
    bilevel = kind in (b"P1", b"P4")
    match = re.match(rb"P[1-6]" + _NUMBER * (2 if bilevel else 3) + rb"\s", head)
    if match is None:
        raise ValueError("the file ends within its header, or that is broken")
    width, height, *rest = (int(n) for n in match.groups())
    peak = 1 if bilevel else rest[0]
    if not 0 < peak <= 65535:
        raise Unsupported("a maximum of 1 to 65535", str(peak))
    channels = 3 if kind in (b"P3", b"P6") else 1
    return Header(height, width, channels, peak, layout=(kind, match.end()))


def read_samples(file: BinaryIO, header: Header) -> np.ndarray:
    """Samples ``[H, W, C]``; 1 is white where the file is bilevel."""
    kind, start = header.layout
    file.seek(start)
    shape = (header.height, header.width, header.channels)
    count = header.height * header.width * header.channels
    if kind == b"P4":
        stride = -(-header.width // 8)
        packed = np.frombuffer(file.read(stride * header.height), np.uint8)
        _complete(packed.size, stride * header.height)
        bits = np.unpackbits(packed.reshape(header.height, stride), axis=1)
        return (1 - bits[:, : header.width])[..., None]
    if kind in (b"P5", b"P6"):
        dtype = np.dtype(np.uint8 if header.peak <= 255 else ">u2")
        data = file.read(count * dtype.itemsize)
        _complete(len(data), count * dtype.itemsize)
        pixels = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
    else:
        text = re.sub(rb"#[^\r\n]*", b"", file.read())
        # Digits of a plain bilevel file need no space between them.
        words = re.findall(rb"[01]" if kind == b"P1" else rb"\d+", text)[:count]
        _complete(len(words), count)
        pixels = np.array(words).astype(np.uint32)
        if kind == b"P1":
            pixels = 1 - pixels
    if pixels.size and pixels.max() > header.peak:
        got, most = pixels.max(), header.peak
        raise ValueError(f"its header says that samples are up to {most}, one is {got}")
    return pixels.astype(np.uint8 if header.peak <= 255 else np.uint16).reshape(shape)


def _complete(got: int, wanted: int) -> None:
    if got < wanted:
        raise ValueError(f"the file is truncated: {got} of {wanted} samples or bytes")
