"""Metrics on learned features: the authors' values, and what every metric promises."""

from __future__ import annotations

import csv
import functools
from collections import defaultdict
from typing import Any, cast

import golden_open
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa import weights
from jiqa.catalogue import get_metric
from jiqa.learned import LearnedMetric

#: The golden's name: metric, its options.
GOLDEN = {
    "lpips_alex_v0.1": ("lpips", {}),
    "lpips_vgg_v0.1": ("lpips", {"net": "vgg"}),
    "dists_no_resize": ("dists", {}),
}
#: What must hold of each, on a network that compiles soon where there is a choice.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
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
    "dfb_iqa": ("dfb_iqa", {"net": "alexnet", "layers": ("relu1", "relu5")}),
    "dfb_iqa_map": (
        "dfb_iqa",
        {"net": "alexnet", "layers": ("relu2",), "cosine": "map"},
    ),
    "dists": ("dists", {}),
    "lpips": ("lpips", {}),
    "lpips_squeeze": ("lpips", {"net": "squeeze"}),
    "lpips_v0.0": ("lpips", {"version": "0.0"}),
    "style_loss": ("style_loss", {"net": "alexnet", "layers": ("relu1", "relu3")}),
}


def _metric(name: str) -> LearnedMetric:
    return cast(LearnedMetric, get_metric(name))


@functools.cache
def _random(case: str) -> dict[str, jax.Array]:
    """Parameters of the right shapes, for what holds with any."""
    name, options = CASES[case]
    rng = np.random.default_rng(5)
    params = {}
    learned = _metric(name).learned
    assert learned is not None
    for key, shape in learned.wiring(**options).shapes.items():
        spread = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) == 4 else 0.1
        value = rng.normal(0, spread, shape)
        value = np.abs(value) if key.startswith(("lpips", "dists")) else value
        params[key] = jnp.asarray(value, jnp.float32)
    return params


def test_every_learned_metric_is_tried():
    # PieAPP has its own network, and test_pieapp.py, where that is narrow.
    tried = {name for name, _ in CASES.values()} | {"pieapp"}
    assert tried == set(jiqa.list_metrics(classical=False))


@functools.cache
def _rows() -> dict[tuple[str, str], list[tuple[str, str, float]]]:
    table = defaultdict(list)
    with (golden_open.FOLDER / "deep.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            pair = [row[k].removeprefix("images/") for k in ("reference", "distorted")]
            group = pair[0].split("_")[0]
            table[row["metric"], group].append((*pair, float(row["value"])))
    return dict(table)


def test_every_golden_is_asked_for():
    assert {metric for metric, _ in _rows()} == set(GOLDEN)
    assert sum(len(rows) for rows in _rows().values()) == 102


@functools.cache
def _loaded(case: str) -> Any:
    name, options = GOLDEN[case]
    return jiqa.load(name, **options)


def _check_group(case: str, group: str, relative: float, some: int = 99) -> None:
    metric, rows = _loaded(case), _rows()[case, group][:some]
    assert all(w.published for w in metric.weights.values())
    (reference,) = {row[0] for row in rows}
    distorted = np.stack([golden_open.image(row[1]) for row in rows])
    values = metric.prepare(golden_open.image(reference))(distorted)
    np.testing.assert_allclose(values, [row[2] for row in rows], rtol=relative)


@pytest.mark.parametrize("case", GOLDEN)
@pytest.mark.parametrize(
    "group",
    [
        "china",
        *(
            pytest.param(g, marks=pytest.mark.slow)
            for g in ("astronaut", "camera", "chelsea", "hubble")
        ),
    ],
)
def test_golden_float32(case, group):
    _check_group(case, group, 1e-4, some=99 if group != "china" else 2)


@pytest.mark.parametrize("case", GOLDEN)
@pytest.mark.parametrize(
    "some", [1, pytest.param(99, marks=pytest.mark.slow)], ids=["one", "all"]
)
def test_golden_float64(case, some):
    with jax.enable_x64(True):
        for group in ["china"] if some == 1 else sorted({g for _, g in _rows()}):
            _check_group(case, group, 1e-6, some)


def test_golden_pairwise():
    reference, distorted, value = _rows()["lpips_alex_v0.1", "chelsea"][0]
    pair = [golden_open.image(name) for name in (reference, distorted)]
    np.testing.assert_allclose(_loaded("lpips_alex_v0.1")(*pair), value, rtol=1e-4)


#: Tried in full without ``-m slow``; the others are their relatives, or large.
QUICK = ("cnn_histogram", "cnn_iqm", "content_loss", "deepsim", "dfb_iqa", "lpips")


@pytest.fixture(
    params=[
        pytest.param(case, marks=[] if case in QUICK else [pytest.mark.slow])
        for case in CASES
        if case != "alexnet"
    ]
)
def score(request):
    name, options = CASES[request.param]
    return functools.partial(_metric(name), _random(request.param), **options)


def _images(rng, *shape: int) -> np.ndarray:
    return rng.random(shape).astype(np.float32)


def _info(score: Any) -> Any:
    return score.func.info


def test_identity(score, rng):
    wanted = _info(score).identity
    if score.keywords.get("metric") in ("mae", "gmsd"):
        wanted = 0.0
    for image in (_images(rng, 40, 45, 3), np.zeros((40, 45, 3), np.float32)):
        assert float(score(image, image)) == wanted


def test_symmetric_and_grey_is_three_equal_channels(score, rng):
    x, y = _images(rng, 40, 45, 1), _images(rng, 40, 45, 1)
    value = float(score(x, y))
    assert value != _info(score).identity
    np.testing.assert_allclose(score(y, x), value, rtol=1e-5)
    colour = [np.repeat(v, 3, -1) for v in (x, y)]
    np.testing.assert_allclose(score(*colour), value, rtol=1e-5)


def test_prepared_is_direct_and_batch_is_loop(score, rng):
    x, y = _images(rng, 40, 45, 3), _images(rng, 2, 2, 40, 45, 3)
    metric, params, options = score.func, score.args[0], score.keywords
    once = metric.features(params, x, **options)
    values = metric.compare(
        params, once, metric.features(params, y, **options), **options
    )
    assert values.shape == (2, 2)
    flat = y.reshape(4, 40, 45, 3)
    loop = [float(score(x, image)) for image in flat]
    np.testing.assert_allclose(values.ravel(), loop, rtol=1e-5)
    np.testing.assert_allclose(score(np.stack([x] * 4), flat), loop, rtol=1e-5)


def test_integers_are_scaled_at_the_door(score, rng):
    x, y = (rng.integers(0, 256, (40, 45, 3), np.uint8) for _ in range(2))
    wanted = score(*(v.astype(np.float32) / 255 for v in (x, y)))
    np.testing.assert_allclose(score(x, y), wanted, rtol=1e-4)


def test_gradient_is_finite(score, rng):
    gradient = jax.jit(jax.grad(lambda y, x: score(x, y)))
    noise = jnp.asarray(_images(rng, 40, 45, 3))
    for x in (noise, jnp.zeros_like(noise), jnp.full_like(noise, 0.5)):
        assert np.isfinite(gradient(x, x)).all()
        apart = gradient(1 - noise, x)
        assert np.isfinite(apart).all()
        assert np.abs(apart).max() > 1e-7


def test_transparent_inside_jit_and_vmap(score, rng):
    x, y = (jnp.asarray(_images(rng, 2, 40, 45, 3)) for _ in range(2))
    wanted = score(x, y)
    np.testing.assert_allclose(jax.jit(score)(x, y), wanted, rtol=1e-4)
    np.testing.assert_allclose(jax.vmap(score)(x, y), wanted, rtol=1e-4)


@pytest.mark.parametrize("case", ["cnn_iqm", "dists", "deepsim", "lpips"])
def test_layers_add_up(case, rng):
    name, options = CASES[case]
    x, y = _images(rng, 40, 45, 3), _images(rng, 40, 45, 3)
    parts = _metric(name)(_random(case), x, y, output="layers", **options)
    score = _metric(name)(_random(case), x, y, **options)
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
    x, y = _images(rng, 40, 45, 3), _images(rng, 40, 45, 3)
    metric, params, options = _metric(name), _random(case), options | more
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


@functools.cache
def _photo() -> np.ndarray:
    return golden_open.image("chelsea_ref.png")[40:168, 60:188]


@pytest.mark.parametrize(
    "name",
    [
        "cnn_histogram",
        "cnn_iqm",
        "lpips",
        pytest.param("deepsim", marks=pytest.mark.slow),
        pytest.param("dfb_iqa", marks=pytest.mark.slow),
        pytest.param("dists", marks=pytest.mark.slow),
        pytest.param("content_loss", marks=pytest.mark.slow),
    ],
)
def test_stronger_distortion_is_worse(name, rng):
    """With the real weights, on a photograph: noise, blur and JPEG."""
    import io

    from PIL import Image, ImageFilter

    photo = _photo()
    picture = Image.fromarray(photo)
    noise = rng.normal(0, 1, photo.shape)

    def jpeg(quality: int) -> np.ndarray:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    ladders = [
        [np.clip(photo + s * noise, 0, 255).astype(np.uint8) for s in (0, 5, 15, 45)],
        [
            np.asarray(picture.filter(ImageFilter.GaussianBlur(r)))
            for r in (0, 0.7, 1.5, 4)
        ],
        [photo, jpeg(85), jpeg(30), jpeg(5)],
    ]
    metric = jiqa.load(name).prepare(photo)
    sign = 1 if get_metric(name).info.direction == "lower" else -1
    for ladder in ladders:
        assert (np.diff(sign * np.asarray(metric(np.stack(ladder)))) > 0).all()


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_taken(dtype, rng):
    x, y = (jnp.asarray(_images(rng, 40, 45, 3)).astype(dtype) for _ in range(2))
    found = _metric("lpips")(_random("lpips"), x, y)
    assert found.dtype == jnp.float32
    wanted = _metric("lpips")(
        _random("lpips"), x.astype(jnp.float32), y.astype(jnp.float32)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("case", sorted({"lpips", "cnn_iqm_gmsd", "deepsim"}))
def test_minimum_side_is_enforced_and_enough(case, rng):
    name, options = CASES[case]
    metric, params = _metric(name), _random(case)
    side = metric.min_side(**options)
    enough = _images(rng, side, side + 3, 3)
    assert np.isfinite(metric(params, enough, 1 - enough, **options))
    with pytest.raises(ValueError, match=f"shorter side of {side}"):
        metric(params, enough[:-1], enough[:-1], **options)


def test_gradient_reaches_the_parameters(rng):
    x, y = (jnp.asarray(_images(rng, 33, 33, 3)) for _ in range(2))
    lpips = _metric("lpips")
    gradient = jax.jit(jax.grad(lambda p: lpips(p, x, y)))(_random("lpips"))
    assert all(np.isfinite(g).all() and np.any(g != 0) for g in gradient.values())


def test_no_recompilation_on_a_second_call(rng):
    x, y = _images(rng, 33, 34, 3), _images(rng, 33, 34, 3)
    lpips: Any = _metric("lpips")
    lpips(_random("lpips"), x, y)
    before = lpips.compiled._cache_size()
    lpips(_random("lpips"), y, x)
    assert lpips.compiled._cache_size() == before


def test_map_is_the_score_by_place(rng):
    x = _images(rng, 64, 80, 3)
    y = x.copy()
    y[:32, :40] = _images(rng, 32, 40, 3)
    pair = np.stack([x, x]), np.stack([y, x])
    found = _metric("lpips")(_random("lpips"), *pair, output="map")
    assert found.shape == (2, 64, 80)
    assert np.all(found[1] == 0)
    assert found[0, :20, :20].mean() > 3 * found[0, -20:, -20:].mean()


def test_cnn_iqm_of_every_map(rng):
    x, y = _images(rng, 40, 45, 3), _images(rng, 40, 45, 3)
    metric, params = _metric("cnn_iqm"), _random("alexnet")
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

    from jiqa.feature_maps import structural_similarity as of_maps

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
    x, y = _images(rng, 40, 45, 3), _images(rng, 40, 45, 3)
    options = {"layers": ("conv1_1",)}
    metric, params = _metric("deepsim"), _random("deepsim")
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
    metric, params = _metric("cnn_histogram"), _random("alexnet")
    x = _images(rng, 96, 96, 3)
    turned = x[::-1, ::-1]
    whole = float(metric(params, x, turned, levels=(0,)))
    cells = float(metric(params, x, turned, levels=(2,)))
    assert cells < whole < 1


def test_loaded_together_equals_alone(rng):
    x, y = _images(rng, 40, 45, 3), _images(rng, 3, 40, 45, 3)
    names = ["lpips", "cnn_iqm", "psnr"]
    several = jiqa.load(names)
    assert list(several.weights) == ["alexnet", "lpips-alex-v0.1"]
    values = several(np.stack([x] * 3), y)
    prepared = several.prepare(x)(y)
    for name in names:
        alone = jiqa.load(name)
        np.testing.assert_allclose(values[name], alone(np.stack([x] * 3), y), rtol=1e-5)
        np.testing.assert_allclose(prepared[name], values[name], rtol=1e-5)
        np.testing.assert_allclose(alone.prepare(x)(y[0]), values[name][0], rtol=1e-5)


def test_metrics_on_one_network_share_its_pass():
    names = ["cnn_iqm", "cnn_histogram"]

    def convolutions(*names: str) -> int:
        loaded = jiqa.load(list(names))
        image = jax.ShapeDtypeStruct((96, 96, 3), jnp.float32)
        lowered: Any = loaded._compiled.lower(loaded._params, image, image)
        return lowered.compile().as_text().count(" convolution(")

    assert convolutions(*names) == convolutions("cnn_iqm") > 0


def test_prepare_refuses(rng):
    loaded = jiqa.load("lpips")
    with pytest.raises(ValueError, match=r"prepare needs one image"):
        loaded.prepare(_images(rng, 2, 40, 45, 3))
    with pytest.raises(ValueError, match=r"needed is that of the reference"):
        loaded.prepare(_images(rng, 40, 45, 3))(_images(rng, 40, 44, 3))
    with pytest.raises(TypeError, match=r"niqe\(\) takes 1 images"):
        jiqa.load("niqe").prepare(_images(rng, 200, 200, 3))
    metric, params = _metric("lpips"), _random("lpips")
    two, three = (metric.features(params, _images(rng, n, 40, 45, 3)) for n in (2, 3))
    with pytest.raises(ValueError, match="needed is one reference"):
        metric.compare(params, two, three)


def test_refusals(rng):
    params, lpips = _random("lpips"), _metric("lpips")
    x = _images(rng, 33, 33, 3)
    with pytest.raises(TypeError, match=r"parameters first.*load_together"):
        lpips(cast(Any, x), x, x)
    with pytest.raises(ValueError, match=r"31 missing: conv1_1\.kernel"):
        lpips({k: v for k, v in params.items() if "kernel" in k}, x, x, net="vgg")
    with pytest.raises(ValueError, match=r"conv1\.bias is \(3,\), needed is"):
        lpips(params | {"conv1.bias": jnp.zeros(3)}, x, x)
    with pytest.raises(ValueError, match="shorter side of 31"):
        lpips(params, x[:30], x[:30])
    with pytest.raises(ValueError, match="divide by 255"):
        lpips(params, x * 255, x)
    with pytest.raises(ValueError, match="one shape"):
        lpips(params, x[:32], x)
    for options in ({"net": "resnet"}, {"version": "1"}, {"output": "both"}):
        with pytest.raises(ValueError, match="needed is"):
            lpips(params, x, x, **options)
    with pytest.raises(TypeError, match="no option size"):
        lpips(params, x, x, size=3)
    params = _random("alexnet")
    with pytest.raises(ValueError, match=r"no layer 'relu9'"):
        _metric("dfb_iqa")(params, x, x, net="alexnet", layers=("relu9",))
    with pytest.raises(ValueError, match="whole numbers from 0 to 6"):
        _metric("cnn_histogram")(params, x, x, levels=(9,))
    with pytest.raises(ValueError, match="positive number"):
        _metric("cnn_iqm")(params, x, x, peak=-1.0)


def test_weights_that_are_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path))
    with pytest.raises(weights.WeightsNotFound, match=r"vgg19\.safetensors"):
        jiqa.load("dfb_iqa", net="vgg19")
