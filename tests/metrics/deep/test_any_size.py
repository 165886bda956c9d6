"""Deep metrics: one program for any size gives what those of single sizes give.

With random parameters, and the images in arrays that hold noise elsewhere.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.core import any_size
from jiqa.core.bound_metric import BoundMetric
from jiqa.core.deep_metric import tapped
from jiqa.nn import NETWORKS
from tests.helpers.any_size import in_noise, pair
from tests.helpers.deep_cases import CASES, QUICK, metric_of, random_params_of

_MORE = {
    "cnn_histogram_levels": ("cnn_histogram", {"levels": (0, 2, 5)}),
    "cnn_iqm_psnr": ("cnn_iqm", {"metric": "psnr"}),
    "cnn_iqm_symmetric": ("cnn_iqm", {"border": "symmetric"}),
    "cnn_iqm_uqi": ("cnn_iqm", {"metric": "uqi", "layers": ("conv1",)}),
    "cnn_iqm_zero": ("cnn_iqm", {"border": "zero", "peak": 1.0}),
    "content_loss_vgg": ("content_loss", {}),
    "deepsim_all": ("deepsim", {}),
    "deepsim_deviation": ("deepsim", {"layers": ("pool2",), "pool_map": "fd"}),
    "deepsim_lowest": ("deepsim", {"layers": ("pool2",), "pool_map": "p30"}),
    "deepsim_resized": ("deepsim", {"layers": ("relu2_1",), "resize": 64}),
    "dfb_iqa_layer": ("dfb_iqa", {"net": "alexnet", "cosine": "layer"}),
    "dfb_iqa_vgg": ("dfb_iqa", {}),
    "lpips_vgg": ("lpips", {"net": "vgg"}),
    "pieapp": ("pieapp", {}),
    "style_loss_vgg": ("style_loss", {}),
}
#: Enlarges maps by the image's size, or cuts them by it: a program for each size.
_EXACT = {"adists", "deepwsd"}
_ALL: dict[str, tuple[str, dict[str, Any]]] = {
    case: made for case, made in {**CASES, **_MORE}.items() if made[0] not in _EXACT
}
_each = pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if c in QUICK else [pytest.mark.slow]) for c in _ALL],
)

#: The same code as others on larger networks, or with other weights, whose programs
#: take up to half a minute to compile: one comparison of each is enough.
_LARGE = {
    "alexnet",
    "content_loss_vgg",
    "deepsim_all",
    "dfb_iqa_vgg",
    "lpips_v0.0",
    "lpips_vgg",
    "style_loss_vgg",
}
_SMALL = [case for case in _ALL if case not in _LARGE]

#: Odd, prime and even.
_SIZES = [(97, 131), (101, 64), (128, 113)]
_BUCKETS = [(144, 136), (160, 152)]


def _member(case: str) -> BoundMetric:
    name, options = _ALL[case]
    return BoundMetric(metric_of(name), options)


@functools.cache
def _params(case: str) -> dict[str, jax.Array]:
    name, options = _ALL[case]
    return random_params_of(name, **options)


def _sets(case: str) -> dict[str, Any]:
    """The parameters as a program takes them, all in the first of the sets."""
    spec = _member(case).spec
    assert spec is not None
    return {name: {} for name in spec.weights} | {spec.weights[0]: _params(case)}


@functools.cache
def _program(case: str) -> Any:
    member = _member(case)

    @jax.jit
    def program(params: Any, rows: Any, cols: Any, *images: Any) -> Any:
        return any_size.scores(member, params, any_size.Extent(rows, cols), *images)

    return program


def _scored(case: str, height: int, width: int, bucket: tuple[int, int]) -> float:
    rows, cols = np.array([[height], [width]], np.int32)
    images = (in_noise(x, bucket) for x in pair(height, width))
    return float(_program(case)(_sets(case), rows, cols, *images)[0])


def _exact(case: str, height: int, width: int) -> float:
    name, options = _ALL[case]
    return float(metric_of(name)(_params(case), *pair(height, width), **options))


@_each
def test_a_program_for_any_size_agrees_with_that_of_the_size(case):
    assert _member(case).any_size
    for height, width in _SIZES:
        got = _scored(case, height, width, _BUCKETS[0])
        assert got == pytest.approx(_exact(case, height, width), rel=1e-6)
    known = _program(case)._cache_size()
    # A new size compiles nothing.
    _scored(case, 83, 127, _BUCKETS[0])
    assert _program(case)._cache_size() == known


@pytest.mark.slow
@pytest.mark.parametrize("case", _SMALL)
def test_double_precision_agrees_over_many_sizes(case):
    side = max(_member(case).min_side, any_size.LEAST_SIDE)
    with jax.enable_x64(True):
        for height, width in ((67, 149), (side, side)):
            got = _scored(case, height, width, _BUCKETS[1])
            want = _exact(case, height, width)
            assert got == pytest.approx(want, rel=1e-10), (height, width)


@pytest.mark.slow
@pytest.mark.parametrize("case", _SMALL)
def test_gradients_agree_and_are_0_outside(case):
    height, width = 97, 83
    member, params = _member(case), _params(case)
    extent = any_size.Extent(*np.array([[height], [width]], np.int32))

    @jax.jit
    def within(params: Any, reference: Any, distorted: Any) -> Any:
        def score(last: Any) -> Any:
            return any_size.scores(member, params, extent, reference, last)[0]

        return jax.grad(score)(distorted)

    @jax.jit
    def exact(params: Any, reference: Any, distorted: Any) -> Any:
        def score(last: Any) -> Any:
            core = member.metric.core
            return jnp.asarray(core(params, reference, last, **member.options))

        return jax.grad(score)(distorted)

    images = [x.astype(np.float32) / 255 for x in pair(height, width)]
    flat = np.full((height, width, 3), 0.5, np.float32)
    for both in (images, [flat] * 2, [np.zeros_like(flat)] * 2, [images[0]] * 2):
        arrays = [in_noise(x, (112, 96)) for x in both]
        found = np.array(within(_sets(case), *arrays))[0]
        assert np.isfinite(found).all()
        inside = found[:height, :width].copy()
        found[:height, :width] = 0
        assert not found.any()
        if both is images:
            want = np.asarray(exact(params, *both))
            assert np.abs(inside - want).max() <= 1e-4 * np.abs(want).max()


def test_what_has_no_program_for_any_size_says_so():
    for name, options in (
        ("lpips", {"output": "map"}),
        ("lpips", {"output": "layers"}),
    ):
        assert not BoundMetric(metric_of(name), options).any_size
    lpips = metric_of("lpips")
    x = jnp.zeros((64, 64, 3))
    extent = any_size.Extent(jnp.asarray(50, jnp.int32), jnp.asarray(60, jnp.int32))
    with pytest.raises(ValueError, match="no program for images of any size"):
        lpips.core({}, x, x, extent=extent, output="map")


def test_every_deep_metric_has_a_program_and_is_tried():
    names = set(jiqa.list_metrics(classical=False))
    # quality takes no reference: test_quality.py tries it.
    assert {name for name, _ in _ALL.values()} | {"quality"} | _EXACT == names
    assert {name for name in names if not metric_of(name).any_size} == _EXACT


def test_sizes_that_a_network_takes():
    google = NETWORKS["bn_inception"].layers()
    spec = tapped(("bn_inception",), google, ("inception_5b",))
    assert spec.fits(64, 96)
    assert not spec.fits(64, 90)
    assert BoundMetric(metric_of("lpips")).fits(64, 31)
    assert not BoundMetric(metric_of("lpips")).fits(64, 30)
    assert BoundMetric(metric_of("deepsim"), {"resize": 64}).fits(3, 3)
    assert BoundMetric(jiqa.metrics.ssim).fits(3, 3)
