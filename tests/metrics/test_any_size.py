"""One program for any size gives what the programs of single sizes give.

Few sizes, since the exact program is compiled for each; scripts/checks/any_size.py
goes over twenty.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.core import any_size
from jiqa.core.bound_metric import BoundMetric
from jiqa.metrics import all_metrics
from jiqa.ops.resize import automatic_factor
from tests.helpers.any_size import in_noise, pair

#: Options that take another way through the arithmetic than the defaults.
_VARIANTS: dict[str, list[dict[str, Any]]] = {
    "adm": [{"scale": 3, "gain_limit": 1.0}],
    "brisque": [{"flat": "authors"}, {"luma": "bt601"}],
    "butteraugli": [{"pooling": "3-norm"}],
    "ciede2000_db": [{"yuv": "bt601-full-444", "quantise": False}],
    "haarpsi": [{"subsample": False}],
    "iw_ssim": [{"parent": False}],
    "mdsi": [{"combination": "mult"}],
    "ms_gmsd": [{"chromatic": True}, {"border": "symmetric"}, {"sample": True}],
    "ms_ssim": [{"preset": "metrix-mux"}, {"pooling": "weighted-sum"}],
    "msvd": [{"partial": "mirror"}, {"middle": "lower"}],
    "niqe": [{"flat": "authors"}],
    "piqe": [{"border": "symmetric"}],
    "psnr": [{"colour": "luma"}, {"colour": "luma", "luma": "matlab"}],
    "psnr_hvs": [{"preset": "xiph"}, {"preset": "xiph", "yuv": "bt601-full-444"}],
    "ssim": [{"preset": "scikit-image"}, {"downsample": "auto"}, {"luma": "matlab"}],
    "svd_projection": [{"partial": "mirror", "pooling": "deviation"}],
    "vmaf": [{"model": "neg", "bits": 8}],
    "vmaf_vif": [{"scale": 3}],
}

#: Metrics without a program for any size.
_EXACT = {
    "adists", "cambi", "cvvdp", "cw_ssim", "deepwsd", "ifc", "mad", "nqm", "sr_sim",
    "vif", "vsnr", "wsnr", "xpsnr",
}  # fmt: skip

_CLASSICAL = [n for n, m in all_metrics().items() if m.any_size and m.deep is None]
_CASES = [BoundMetric(all_metrics()[name]) for name in _CLASSICAL]
#: The program of ``iw_ssim`` but for the last step, and compiled for long: that they
#: agree in double precision is enough.
_RELATIVES = {"iw_mse", "iw_psnr"}
_DISTINCT = [member for member in _CASES if member.name not in _RELATIVES]
_OTHERS = [
    BoundMetric(all_metrics()[name], options)
    for name in _CLASSICAL
    for options in _VARIANTS.get(name, [])
]

#: Odd and prime; the last is decimated by 2 where a metric decimates.
_SIZES = [(189, 211), (401, 386)]
_BUCKETS = [(448, 416), (640, 512)]


def _program(member: BoundMetric, factor: int) -> Any:
    key = (member.label, factor)
    if key not in _PROGRAMS:
        _PROGRAMS[key] = _made(member, factor)
    return _PROGRAMS[key]


_PROGRAMS: dict[tuple[str, int], Any] = {}


def _made(member: BoundMetric, factor: int) -> Any:
    @jax.jit
    def program(rows: Any, cols: Any, *images: Any) -> Any:
        extent = any_size.Extent(rows, cols, factor)
        return any_size.scores(member, {}, extent, *images)

    return program


def _factor(member: BoundMetric, height: int, width: int) -> int:
    decimates = member.metric.decimates(**member.options)
    return automatic_factor(height, width) if decimates else 1


def _scored(
    member: BoundMetric, images: tuple[np.ndarray, ...], bucket: tuple[int, int]
) -> float:
    height, width = images[0].shape[:2]
    rows, cols = np.array([[height], [width]], np.int32)
    program = _program(member, _factor(member, height, width))
    return float(program(rows, cols, *(in_noise(x, bucket) for x in images))[0])


def _images(member: BoundMetric, height: int, width: int) -> tuple[np.ndarray, ...]:
    images = pair(height, width)
    return images if member.needs_reference else images[1:]


def _exact(member: BoundMetric, images: tuple[np.ndarray, ...]) -> float:
    return float(member.metric(*images, **member.options))


@pytest.mark.parametrize("member", _DISTINCT, ids=lambda m: m.label)
def test_a_program_for_any_size_agrees_with_that_of_the_size(member):
    for height, width in _SIZES:
        images = _images(member, height, width)
        got = _scored(member, images, _BUCKETS[0])
        assert got == pytest.approx(_exact(member, images), rel=1e-6), (height, width)


@pytest.mark.parametrize("member", _DISTINCT, ids=lambda m: m.label)
def test_a_new_size_compiles_nothing(member):
    program = _program(member, 1)
    for height, width in ((183, 197), (199, 383), (351, 200)):
        _scored(member, _images(member, height, width), _BUCKETS[0])
    known = program._cache_size()
    for height, width in ((185, 301), (317, 231)):
        _scored(member, _images(member, height, width), _BUCKETS[0])
    assert program._cache_size() == known


@pytest.mark.slow
@pytest.mark.parametrize("member", [*_CASES, *_OTHERS], ids=lambda m: m.label)
def test_double_precision_agrees_down_to_the_smallest_size(member):
    side = max(member.min_side, any_size.LEAST_SIDE)
    with jax.enable_x64(True):
        for height, width in (_SIZES[1], (side, side + 37)):
            images = _images(member, height, width)
            got, want = _scored(member, images, _BUCKETS[1]), _exact(member, images)
            assert got == pytest.approx(want, rel=1e-10), (height, width)


@pytest.mark.slow
@pytest.mark.parametrize("member", _DISTINCT, ids=lambda m: m.label)
def test_gradients_agree_and_are_0_outside(member):
    height, width = 189, 211
    photographs = tuple(x.astype(np.float32) / 255 for x in _images(member, 189, 211))
    flat = np.full((height, width, 3), 0.5, np.float32)
    black = np.zeros_like(flat)
    extent = any_size.Extent(*np.array([[height], [width]], np.int32))

    @jax.jit
    def padded(*images: Any) -> Any:
        def score(last: Any) -> Any:
            return any_size.scores(member, {}, extent, *images[:-1], last)[0]

        return jax.grad(score)(images[-1])

    @jax.jit
    def exact(*images: Any) -> Any:
        def score(last: Any) -> Any:
            return jnp.asarray(member.metric.core(*images[:-1], last))

        return jax.grad(score)(images[-1])

    for images in (
        photographs,
        *((x,) * len(photographs) for x in (flat, black, photographs[0])),
    ):
        arrays = [np.zeros((1, 256, 256, 3), np.float32) for _ in images]
        for array, image in zip(arrays, images, strict=True):
            array[0, :height, :width] = image
        found = np.asarray(padded(*arrays))[0]
        assert np.isfinite(found).all()
        assert not found[height:].any() and not found[:, width:].any()
        want = np.asarray(exact(*images))
        if images is photographs:
            error = np.abs(found[:height, :width] - want).max()
            assert error <= 1e-4 * np.abs(want).max()


def test_metrics_that_need_every_size_compiled_are_known():
    """What is written is kept: a metric does not lose its program for any size."""
    assert {n for n, m in all_metrics().items() if not m.any_size} == _EXACT
