"""Read files of linear light of any brightness: Radiance HDR, PFM and OpenEXR.

Metrics of high dynamic range take what these hold. Files of 8 and 16 bits, which are
sRGB-encoded, are read by ``jiqa.io.decode``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jiqa.checks import expected
from jiqa.io.decode import MAX_PIXELS, DecodeError, Shape
from jiqa.io.formats.header import Unsupported
from jiqa.io.sources import Source, as_file

#: File name endings that a folder is searched for.
LIGHT_SUFFIXES = frozenset((".hdr", ".pfm", ".exr"))

_HDR, _EXR, _PFM = b"#?", b"\x76\x2f\x31\x01", (b"PF", b"Pf")
_WANTED = "linear light in a Radiance HDR, PFM or OpenEXR file"
#: Bytes that hold a header.
_HEAD = 2**16
#: Kind, width, height and scale.
_PFM_HEADER = re.compile(rb"(PF|Pf)\s+(\d+)\s+(\d+)\s+([-+.\deE]+)\s")


class _Read(NamedTuple):
    """How one format is read."""

    shape: Callable[[Path, bytes], tuple[int, int, int]]
    samples: Callable[[Path, bytes], np.ndarray]


def read_light(path: str | Path | Source, *, background: float = 1.0) -> np.ndarray:
    """Decode a file into linear light ``[H, W, C]``, float32, C = 1 or 3.

    Values are those of the file: what a sample of 1 means in cd/m2, or which primaries
    it has, is not looked at. Alpha is left out.

    Args:
        path: a file; its contents tell the format, not its name.
        background: not used, since light has no alpha here; as for ``read_image``.

    Raises:
        DecodeError: no such file, another format, a broken one, light that is negative,
            infinite or NaN, or an OpenEXR file without the package that reads it.
    """
    del background
    samples = _read(path, lambda read, *given: read.samples(*given), -1)
    low, high = samples.min(), samples.max()
    if not (low >= 0 and high < np.inf):
        wanted = "finite light of 0 or more"
        got = "NaN" if np.isnan(low) else f"values from {low:.6g} to {high:.6g}"
        raise DecodeError(expected(str(path), wanted, got))
    return np.ascontiguousarray(samples, np.float32)


def peek_light(path: str | Path | Source) -> Shape:
    """Shape and type that ``read_light`` will return, from the header alone.

    Raises:
        DecodeError: as ``read_light``, where the header shows it.
    """
    height, width, channels = _read(
        path, lambda read, *given: read.shape(*given), _HEAD
    )
    return Shape(height, width, channels, "float32")


def _read(path: str | Path | Source, step: Callable[..., Any], size: int) -> Any:
    """What a step gives of the first ``size`` bytes of a file, or of all (-1)."""
    try:
        file = as_file(path)
        if not isinstance(file, Path):
            raise Unsupported("a file", "a record of a data set")
        with file.open("rb") as opened:
            data = opened.read(size)
        read = _format(data)
        height, width, _ = read.shape(file, data)
        if height < 1 or width < 1 or height * width > MAX_PIXELS:
            wanted = f"1 to {MAX_PIXELS:,} pixels"
            raise Unsupported(wanted, f"{width} x {height}")
        return step(read, file, data)
    except Unsupported as error:
        message = expected(str(path), error.wanted, error.got, error.hint)
        raise DecodeError(message) from error
    except FileNotFoundError as error:
        raise DecodeError(f"{path}: no such file") from error
    except Exception as error:  # decoders raise several types on broken files
        reason = str(error) or type(error).__name__
        raise DecodeError(f"{path}: cannot be decoded: {reason}") from error


def _format(data: bytes) -> _Read:
    if data.startswith(_HDR):
        return _Read(_hdr_shape, _hdr_samples)
    if data.startswith(_EXR):
        return _Read(_exr_shape, _exr_samples)
    if data[:2] in _PFM and data[2:3].isspace():
        return _Read(_pfm_shape, _pfm_samples)
    hint = "hdrflip, pu_psnr and pu_ssim take no sRGB-encoded images"
    raise Unsupported(_WANTED, "another file" if data else "an empty file", hint)


def _hdr_shape(path: Path, data: bytes) -> tuple[int, int, int]:
    if b"32-bit_rle_xyze" in data[:4096]:
        raise Unsupported("RGB", "CIE XYZ in a Radiance file")
    match = re.search(rb"\n\n([-+][XY]) (\d+) ([-+][XY]) (\d+)\n", data[:_HEAD])
    if match is None:
        raise ValueError("the file ends within its header, or that is broken")
    if (match[1], match[3]) != (b"-Y", b"+X"):
        turned = f"{match[1].decode()} {match[3].decode()}"
        raise Unsupported("rows from top to bottom (-Y +X)", turned)
    return int(match[2]), int(match[4]), 3


def _hdr_samples(path: Path, data: bytes) -> np.ndarray:
    import imagecodecs

    return np.asarray(imagecodecs.rgbe_decode(data))


def _pfm_shape(path: Path, data: bytes) -> tuple[int, int, int]:
    match = _PFM_HEADER.match(data[:1024])
    if match is None:
        raise ValueError("the file ends within its header, or that is broken")
    return int(match[3]), int(match[2]), 3 if match[1] == b"PF" else 1


def _pfm_samples(path: Path, data: bytes) -> np.ndarray:
    """Rows from the bottom up; a negative scale says little endian.

    Its size is not applied: programs do not agree on what it means.
    """
    shape = _pfm_shape(path, data)
    match = _PFM_HEADER.match(data[:1024])
    assert match is not None
    order = "<" if float(match[4]) < 0 else ">"
    wanted = 4 * int(np.prod(shape))
    found = data[match.end() : match.end() + wanted]
    if len(found) < wanted:
        raise ValueError(f"the file is truncated: {len(found)} of {wanted} bytes")
    samples = np.frombuffer(found, f"{order}f4").reshape(shape)[::-1]
    return samples.astype(np.float32)


def _exr_file(path: Path, *, header_only: bool) -> Any:
    try:
        import OpenEXR  # pyright: ignore[reportMissingImports]
    except ImportError:
        got, hint = "an OpenEXR file, and no OpenEXR", "pip install 'jiqa[hdr]'"
        raise Unsupported("the package that reads it", got, hint) from None
    return OpenEXR.File(str(path), separate_channels=True, header_only=header_only)


def _exr_channels(names: Any) -> list[str]:
    for wanted in (["R", "G", "B"], ["Y"]):
        if set(wanted) <= set(names):
            return wanted
    raise Unsupported("channels R, G and B, or Y", ", ".join(sorted(names)) or "none")


def _exr_shape(path: Path, data: bytes) -> tuple[int, int, int]:
    header = _exr_file(path, header_only=True).header()
    (left, top), (right, bottom) = header["dataWindow"]
    names = [channel.name for channel in header["channels"]]
    count = len(_exr_channels(names))
    return int(bottom - top) + 1, int(right - left) + 1, count


def _exr_samples(path: Path, data: bytes) -> np.ndarray:
    channels = _exr_file(path, header_only=False).channels()
    planes = [channels[name].pixels for name in _exr_channels(channels)]
    return np.stack(planes, -1).astype(np.float32)
