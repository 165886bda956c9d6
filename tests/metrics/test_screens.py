"""Every metric on images that people have and photographs are not; see ``screens``.

Identical images score what the metric declares, no score leaves its range, symmetric
metrics are symmetric, and scores and first derivatives by both images are finite.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import jiqa
from jiqa.registry import get_metric
from tests.helpers.deep_cases import CASES, QUICK, identity_of, metric_of, random_params
from tests.helpers.screens import CHANGES, pairs, screens

FULL = jiqa.list_metrics(kind="full-reference", classical=True)
NONE = jiqa.list_metrics(kind="no-reference", classical=True)
#: Their gradients compile for long, or take long: they are tried in single precision.
_LONG = {
    *("butteraugli", "ciede2000_db", "delta_e", "flip", "hdrflip", "ifc", "iw_mse"),
    *("iw_psnr", "iw_ssim", "msvd", "nlpd", "psnr_ha", "ssimulacra2", "vif"),
}
#: Without a constant that tames windows of almost nothing, 1e-7 is a difference there
#: as large as any; and a spectrum has no scale, so that 1e-7 on black is salient.
_SEES_TINY = {"uqi", "cw_ssim", "sr_sim", "iw_psnr", "psnr_hvs", "psnr_hvs_m"}

#: In double precision 1e-7 on a flat image is texture: the distorted image of VIFp has
#: information that the reference has not, and VSI's saliency is stretched to [0, 1],
#: as in their authors' code.
_SEES_TINY_ON_FLAT = {"vifp", "vsi"}

_CASES = [
    pytest.param(name, size, x64, marks=marks, id=f"{name}-{size[0]}-{kind}")
    for size, x64, kind in (
        ((192, 192), False, "float32"),
        ((191, 201), True, "float64"),
    )
    for name in FULL
    if not (x64 and name in _LONG)
    for slow in (name in _LONG or size[0] % 2 == 1,)
    for marks in ([pytest.mark.slow] if slow else [],)
]


def _each(metric: Any, references: np.ndarray, distorted: np.ndarray) -> Any:
    """Scores and gradients by both images, one pair after the other."""
    slope = jax.value_and_grad(metric, (0, 1))
    return jax.tree.map(
        np.asarray,
        jax.jit(lambda r, d: jax.lax.map(lambda p: slope(*p), (r, d)))(
            references, distorted
        ),
    )


@pytest.mark.parametrize(("name", "size", "x64"), _CASES)
def test_full_reference(name: str, size: tuple[int, int], x64: bool) -> None:
    metric = get_metric(name)
    names, references, distorted = pairs(*size)
    with jax.enable_x64(x64):
        if x64:
            references, distorted = (v.astype(float) for v in (references, distorted))
        scores, gradients = _each(metric, references, distorted)
        low, high = metric.info.range
        identity = metric.info.identity
        for k, label in enumerate(names):
            assert low - 1e-6 <= scores[k] <= high + 1e-6, label
            for gradient in gradients:
                assert np.isfinite(gradient[k]).all(), label
                assert label != "photograph, noise" or gradient[k].any()
            if identity is not None and label.endswith(CHANGES[0]):
                np.testing.assert_allclose(
                    scores[k], identity, rtol=2e-6, atol=1e-5, err_msg=label
                )
            elif identity is not None and label.endswith(CHANGES[-1]):
                seen = name in _SEES_TINY or (
                    x64 and name in _SEES_TINY_ON_FLAT and label.startswith("flat")
                )
                if np.isfinite(identity) and not seen:
                    np.testing.assert_allclose(
                        scores[k], identity, rtol=1e-3, atol=1e-3, err_msg=label
                    )
        if metric.info.symmetric:
            # The program of a batch is the metric's own, without its gradient.
            back = np.asarray(metric(distorted, references))
            np.testing.assert_allclose(scores, back, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NONE)
def test_no_reference(name: str) -> None:
    metric = get_metric(name)
    side = max(metric.info.min_side, 192)
    found = screens(side, side)
    slope = jax.value_and_grad(metric)
    images = np.stack(list(found.values()))
    scores, gradients = jax.jit(lambda x: jax.lax.map(slope, x))(images)
    for label, score, gradient in zip(found, scores, gradients, strict=True):
        assert np.isfinite(score), label
        assert np.isfinite(gradient).all(), label


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if c in QUICK else [pytest.mark.slow]) for c in CASES],
)
def test_deep(case: str) -> None:
    """With random weights: what must hold with any."""
    name, options = CASES[case]
    metric, params = metric_of(name), random_params(case)
    names, references, distorted = pairs(64, 67)
    scores, gradients = _each(
        lambda r, d: metric(params, r, d, **options), references, distorted
    )
    identity = identity_of(case)
    for k, label in enumerate(names):
        assert np.isfinite(scores[k]), label
        for gradient in gradients:
            assert np.isfinite(gradient[k]).all(), label
        if identity is not None and label.endswith(CHANGES[0]):
            np.testing.assert_allclose(scores[k], identity, atol=1e-5, err_msg=label)
