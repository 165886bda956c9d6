"""Test cases of metrics on learned features."""

from __future__ import annotations

import functools
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from jiqa.core.deep_metric import DeepMetric
from jiqa.registry import get_metric

#: What must hold of each, on a network that compiles soon where there is a choice.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "adists": ("adists", {}),
    "alexnet": ("cnn_iqm", {}),
    "cnn_histogram": ("cnn_histogram", {"layers": ("relu1", "relu2")}),
    "cnn_iqm": ("cnn_iqm", {"layers": ("conv1", "conv2")}),
    "cnn_iqm_gmsd": ("cnn_iqm", {"metric": "gmsd", "layers": ("conv1",)}),
    "cnn_iqm_mae": (
        "cnn_iqm",
        {"metric": "mae", "pool_layer": "mean", "layers": ("conv1", "conv2")},
    ),
    "content_loss": ("content_loss", {"net": "alexnet", "layers": ("relu3",)}),
    "deepsim": ("deepsim", {"layers": ("conv1_1", "relu1_2", "pool2")}),
    "deepwsd": ("deepwsd", {}),
    "dfb_iqa": ("dfb_iqa", {"net": "alexnet", "layers": ("relu1", "relu5")}),
    "dfb_iqa_map": (
        "dfb_iqa",
        {"net": "alexnet", "layers": ("relu2",), "cosine": "map"},
    ),
    "dists": ("dists", {}),
    "lpips": ("lpips", {}),
    "lpips_squeeze": ("lpips", {"net": "squeeze"}),
    "lpips_v0.0": ("lpips", {"version": "0.0"}),
    "stlpips": ("stlpips", {}),
    "style_loss": ("style_loss", {"net": "alexnet", "layers": ("relu1", "relu3")}),
}
#: Tried in full without ``-m slow``; the others are their relatives, or large.
QUICK = ("cnn_histogram", "cnn_iqm", "content_loss", "deepsim", "dfb_iqa", "lpips")


def metric_of(name: str) -> DeepMetric:
    """A metric by name."""
    return cast(DeepMetric, get_metric(name))


def identity_of(case: str) -> float | None:
    """The value of two identical images.

    That of ``cnn_iqm`` is its inner metric's: 1 of SSIM, 0 of distances and of GMSD, a
    deviation.
    """
    name, options = CASES[case]
    if options.get("metric") in ("mae", "gmsd"):
        return 0.0
    return metric_of(name).info.identity


@functools.cache
def random_params(case: str) -> dict[str, jax.Array]:
    """Parameters of the right shapes, for what holds with any."""
    name, options = CASES[case]
    return random_params_of(name, **options)


def random_params_of(name: str, **options: Any) -> dict[str, jax.Array]:
    """The same for a metric with its options."""
    rng = np.random.default_rng(5)
    params = {}
    deep = metric_of(name).deep
    assert deep is not None
    for key, shape in deep.spec_for(**options).shapes.items():
        spread = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) == 4 else 0.1
        value = rng.normal(0, spread, shape)
        value = np.abs(value) if key.startswith(("lpips", "dists")) else value
        params[key] = jnp.asarray(value, jnp.float32)
    return params


def noise(rng, *shape: int) -> np.ndarray:
    """Noise."""
    return rng.random(shape).astype(np.float32)
