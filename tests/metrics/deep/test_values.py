"""What single metrics on learned features compute, and what they return in parts."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers.deep_cases import CASES, metric_of, noise, random_params


@pytest.mark.parametrize("case", ["cnn_iqm", "dists", "deepsim", "lpips"])
def test_layers_add_up(case, rng):
    name, options = CASES[case]
    x, y = noise(rng, 40, 45, 3), noise(rng, 40, 45, 3)
    parts = metric_of(name)(random_params(case), x, y, output="layers", **options)
    score = metric_of(name)(random_params(case), x, y, **options)
    pooled = {
        "cnn_iqm": lambda v: np.prod(np.abs(v)) ** (1 / len(v)),
        "deepsim": np.mean,
    }.get(case, np.sum)
    np.testing.assert_allclose(pooled(np.asarray(parts)), score, rtol=1e-5)


@pytest.mark.parametrize(
    ("case", "more"),
    [
        ("content_loss", {}),
        ("deepsim", {}),
        ("dfb_iqa", {"cosine": "map"}),
        ("lpips", {}),
        pytest.param("dists", {}, marks=pytest.mark.slow),
    ],
)
def test_maps_add_up(case, more, rng):
    name, options = CASES[case]
    x, y = noise(rng, 40, 45, 3), noise(rng, 40, 45, 3)
    metric, params, options = metric_of(name), random_params(case), options | more
    maps = np.asarray(metric(params, x, y, output="maps", **options))
    layers = np.asarray(metric(params, x, y, output="layers", **options))
    once = metric.features(params, x, **options)
    widths = [once[k].shape[-1] for k in options.get("layers", sorted(once))]
    if case == "lpips":
        widths = [64, 192, 384, 256, 256]
    if case == "dists":  # texture and structure of each
        widths, layers = [3, 64, 128, 256, 512, 512], layers.reshape(-1, 2).sum(1)
    parts = np.split(maps, np.cumsum(widths)[:-1])
    assert sum(widths) == len(maps)
    pool = np.sum if case in ("lpips", "dists") else np.mean
    np.testing.assert_allclose([pool(p) for p in parts], layers, rtol=1e-4)


def test_map_is_the_score_by_place(rng):
    x = noise(rng, 64, 80, 3)
    y = x.copy()
    y[:32, :40] = noise(rng, 32, 40, 3)
    pair = np.stack([x, x]), np.stack([y, x])
    found = metric_of("lpips")(random_params("lpips"), *pair, output="map")
    assert found.shape == (2, 64, 80)
    assert np.all(found[1] == 0)
    assert found[0, :20, :20].mean() > 3 * found[0, -20:, -20:].mean()


def test_cnn_iqm_of_every_map(rng):
    x, y = noise(rng, 40, 45, 3), noise(rng, 40, 45, 3)
    metric, params = metric_of("cnn_iqm"), random_params("alexnet")
    maps = np.asarray(metric(params, x, y, per_map=True))
    assert maps.shape == (1152,)
    layers = np.asarray(metric(params, x, y, output="layers"))
    parts = np.split(maps, np.cumsum([64, 192, 384, 256]))
    np.testing.assert_allclose([p.mean() for p in parts], layers, rtol=1e-5)
    infinite = metric(params, x, x, per_map=True, metric="psnr")
    assert np.isinf(infinite).all()


def test_cnn_iqm_ssim_is_scikit_images(rng):
    """With windows that lie inside, a peak of 1 and population moments."""
    from skimage.metrics import structural_similarity

    from jiqa.metrics.parts.feature_maps import structural_similarity as of_maps

    x, y = (rng.normal(0, 1, (30, 34, 5)).astype(np.float32) for _ in range(2))
    found = of_maps(jnp.asarray(x), jnp.asarray(y), jnp.float32(1), "valid")
    for k in range(5):
        outcome: Any = structural_similarity(
            x[..., k].astype(float),
            y[..., k].astype(float),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        inside = outcome[1][5:-5, 5:-5]
        np.testing.assert_allclose(found[..., k], inside, rtol=1e-3, atol=2e-5)


def test_deepsim_pools(rng):
    x, y = noise(rng, 40, 45, 3), noise(rng, 40, 45, 3)
    options = {"layers": ("conv1_1",)}
    metric, params = metric_of("deepsim"), random_params("deepsim")
    everything = metric(params, x, y, pool_map="p100", **options)
    np.testing.assert_allclose(everything, metric(params, x, y, **options), rtol=1e-5)
    lowest = metric(params, x, y, pool_map="p10", **options)
    assert float(lowest) < float(everything)
    maps = np.asarray(metric(params, x, y, output="maps", **options))
    assert len(maps) == 64
    for share, count in (("p10", 7), ("p50", 32), ("p90", 58)):
        found = metric(params, x, y, pool_channel=share, **options)
        wanted = np.sort(maps)[:count].mean()
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
    parts = [
        float(metric(params, x, y, pool_channel=k, **options))
        for k in ("sd", "mad", "fd")
    ]
    assert parts[2] == pytest.approx((parts[0] + parts[1]) / 2, rel=1e-5)
    demo = metric(params, x, y, preset="official_demo", **options)
    assert float(demo) == pytest.approx(parts[0], rel=1e-6)
    assert float(metric(params, x, x, preset="official_demo", **options)) == 0


def test_histograms_see_what_and_where(rng):
    metric, params = metric_of("cnn_histogram"), random_params("alexnet")
    x = noise(rng, 96, 96, 3)
    turned = x[::-1, ::-1]
    whole = float(metric(params, x, turned, levels=(0,)))
    cells = float(metric(params, x, turned, levels=(2,)))
    assert cells < whole < 1


def test_content_and_style_are_the_papers_equations(rng):
    """Johnson et al. 2016, eqs. 2 to 4, in NumPy on the features of two layers."""
    x, y = noise(rng, 40, 45, 3), noise(rng, 40, 45, 3)
    options = {"net": "alexnet", "layers": ("relu1", "relu3")}
    params, content = random_params("style_loss"), metric_of("content_loss")
    one, other = (
        {
            k: np.asarray(content.features(params, image, **options)[k], np.float64)
            for k in options["layers"]
        }
        for image in (x, y)
    )

    def gram(maps: np.ndarray) -> np.ndarray:
        flat = maps.reshape(-1, maps.shape[-1])
        return flat.T @ flat / flat.size

    expected = {
        "content_loss": [((one[k] - other[k]) ** 2).mean() for k in one],
        "style_loss": [((gram(one[k]) - gram(other[k])) ** 2).sum() for k in one],
    }
    for name, layers in expected.items():
        metric = metric_of(name)
        found = metric(params, x, y, output="layers", **options)
        np.testing.assert_allclose(found, layers, rtol=1e-5)
        score = metric(params, x, y, **options)
        np.testing.assert_allclose(score, np.sum(layers), rtol=1e-5)
