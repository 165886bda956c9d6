"""What is taken as an image: each kind of array is scored right, or refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from PIL import Image

import jiqa
from jiqa.core.images import as_array
from jiqa.metrics import mse, psnr, ssim
from tests.helpers.deep_cases import metric_of, random_params

LEVELS = np.random.default_rng(3).integers(0, 256, (12, 16, 3), np.uint8)
IMAGE = LEVELS.astype(np.float32) / 255
OTHER = IMAGE[::-1] * np.float32(0.9)


def _unaligned(image: np.ndarray) -> np.ndarray:
    odd = np.frombuffer(b"x" + image.tobytes(), np.uint8)[1:]
    return odd.view(image.dtype).reshape(image.shape)


def _read_only(image: np.ndarray) -> np.ndarray:
    image = image.copy()
    image.setflags(write=False)
    return image


class _Wrapped:
    """An array of another library."""

    def __init__(self, image: np.ndarray) -> None:
        self._image = image

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self._image


class _WrappedJax:
    def __jax_array__(self) -> jax.Array:
        return jnp.asarray(IMAGE)


#: name: what is given instead of ``IMAGE``.
RIGHT: dict[str, Any] = {
    "big-endian, 32 bits": IMAGE.astype(">f4"),
    "big-endian, 64 bits": IMAGE.astype(">f8"),
    "little-endian": IMAGE.astype("<f4"),
    "big-endian uint16": LEVELS.astype(">u2") * np.asarray(257, ">u2"),
    "uint8": LEVELS,
    "read-only": _read_only(IMAGE),
    "other order in memory": np.asfortranarray(IMAGE),
    "channels were first": np.ascontiguousarray(np.moveaxis(IMAGE, -1, 0)).transpose(
        1, 2, 0
    ),
    "negative strides": np.ascontiguousarray(IMAGE[::-1])[::-1],
    "every second row": np.repeat(IMAGE, 2, 0)[::2],
    "not aligned": _unaligned(IMAGE),
    "nested lists": IMAGE.tolist(),
    "list of arrays": list(IMAGE),
    "mask that hides nothing": np.ma.MaskedArray(IMAGE),
    "torch": torch.from_numpy(IMAGE.copy()),
    "torch, uint8, other strides": torch.from_numpy(
        np.moveaxis(LEVELS, -1, 0).copy()
    ).permute(1, 2, 0),
    "Pillow": Image.fromarray(LEVELS),
    "__array__": _Wrapped(IMAGE),
    "__jax_array__": _WrappedJax(),
    "JAX": jnp.asarray(IMAGE),
}


@pytest.mark.parametrize("name", RIGHT)
def test_arrays_that_are_right(name):
    wanted = float(mse(IMAGE, OTHER))  # first: the program of the native array is kept
    constant = jax.jit(lambda other: mse(RIGHT[name], other))
    for value in (
        mse(RIGHT[name], OTHER),
        mse(OTHER, RIGHT[name]),
        jiqa.load("mse")(RIGHT[name], OTHER),
        constant(OTHER),
    ):
        np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_half_precision_in_the_other_byte_order():
    half = IMAGE.astype(np.float16)
    assert float(mse(half.astype(">f2"), half)) == 0


def test_memory_mapped(tmp_path: Path):
    path = tmp_path / "image.raw"
    path.write_bytes(IMAGE.astype(">f4").tobytes())
    mapped = np.memmap(path, ">f4", "r", shape=IMAGE.shape)
    assert float(mse(mapped, IMAGE)) == 0
    mapped = np.memmap(path, np.uint8, "c", shape=(16, 16, 3))
    assert float(mse(mapped, np.array(mapped))) == 0


def test_black_and_white_in_the_other_byte_order_differ():
    black, white = np.zeros((32, 32, 1), "f4"), np.ones((32, 32, 1), "f4")
    native = float(psnr(black, white)), float(ssim(black, white))
    foreign = black.astype(">f4"), white.astype(">f4")
    assert (float(psnr(*foreign)), float(ssim(*foreign))) == native
    assert native[0] == 0 and native[1] < 1e-3
    mask = np.zeros((32, 32), "f4")
    mask[:16] = 1
    half = white.copy()
    half[:16] = 0
    assert float(ssim(black, half, mask=mask)) == 1
    assert float(ssim(black, half, mask=mask.astype(">f4"))) == 1
    loaded = jiqa.load("ssim", mask=mask.astype(">f4"))
    assert float(loaded(black, half)) == 1
    together = jiqa.load(["mse", "psnr"]).prepare(foreign[0])(foreign[1])
    assert float(together["psnr"]) == 0


_MANY = "an array of numbers"
#: name: what is given, and the message.
REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": (None, f"{_MANY} .*got an object of type NoneType"),
    "file": ("a.png", f"{_MANY} .*got an object of type str"),
    "path": (Path("a.png"), f"{_MANY} .*got an object of type pathlib"),
    "ragged": ([[[0.5], [0.5]], [[0.5]]], r"got an object of type list \(.*inhomog"),
    "number": (0.5, r"got shape \(\)"),
    "0-d": (np.float32(0.5), r"got shape \(\)"),
    "0-d array": (np.array(0.5, "f4"), r"got shape \(\)"),
    "0-d JAX": (jnp.asarray(0.5), r"got shape \(\)"),
    "no rows": (IMAGE[:0], "side of at least 1 pixel.*got 16x0"),
    "no columns": (IMAGE[:, :0], "side of at least 1 pixel.*got 0x12"),
    "no channels": (IMAGE[..., :0], "got 0, shape"),
    "complex": (IMAGE + 0j, "got dtype complex64"),
    "integers": (LEVELS.astype(int), "got dtype int64"),
    "big-endian integers": (LEVELS.astype(">i4"), "got dtype int32"),
    "objects": (IMAGE.astype(object), "got dtype object"),
    "fields": (np.zeros((12, 16, 3), [("x", "f4")]), "got dtype"),
    "128 bits": (IMAGE.astype(np.longdouble), "up to 64 bits.*got dtype float128"),
    "masked": (np.ma.MaskedArray(IMAGE, IMAGE > 0.5), r"mask hides.*filled\(0\)"),
    "torch that needs gradients": (
        torch.from_numpy(IMAGE.copy()).requires_grad_(),
        r"got an object of type torch.Tensor \(Can't call numpy.*detach",
    ),
    "torch, bfloat16": (
        torch.from_numpy(IMAGE.copy()).bfloat16(),
        r"type torch.Tensor \(.*BFloat16",
    ),
    "torch on another device": (
        torch.empty(12, 16, 3, device="meta"),
        r"type torch.Tensor \(can't convert meta",
    ),
    "torch, channels first": (
        torch.from_numpy(IMAGE.copy()).permute(2, 0, 1),
        r"channels seem to come first: jnp.moveaxis",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arrays_that_are_refused(name):
    image, message = REFUSED[name]
    for score in (mse, jiqa.load("mse")):
        with pytest.raises(
            ValueError, match=rf"^(reference|mse): expected .*{message}"
        ):
            score(image, image)


def test_no_images_have_no_scores():
    none = np.zeros((0, 2, 32, 32, 3), np.float32)
    for name in ("mse", "gmsd", "brisque"):
        pair = [none] * (1 if name == "brisque" else 2)
        scores = jiqa.load(name)(*pair)
        assert scores.shape == (0, 2) and scores.dtype == np.float32
        assert jax.jit(jax.vmap(jiqa.load(name)))(*pair).shape == (0, 2)


def test_parameters_in_the_other_byte_order_are_refused():
    params = {k: np.asarray(v) for k, v in random_params("lpips").items()}
    params["lpips.relu1"] = params["lpips.relu1"].astype(">f4")
    image = np.zeros((32, 32, 3), np.float32)
    with pytest.raises(ValueError, match=r"byte order .* lpips\.relu1"):
        metric_of("lpips")(params, image, image)


def test_a_deleted_array_is_refused_by_jax():
    gone = jnp.asarray(IMAGE)
    gone.delete()
    with pytest.raises(RuntimeError, match="has been deleted"):
        mse(gone, OTHER)


def test_native_arrays_are_not_copied():
    assert as_array(IMAGE, "image") is IMAGE
    assert np.shares_memory(as_array(torch.from_numpy(IMAGE), "image"), IMAGE)
    assert re.search("f4", str(as_array(IMAGE.astype(">f4"), "image").dtype.str))
