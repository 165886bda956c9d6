"""What models are made of, against NumPy, SciPy, Pillow and PyTorch."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import torch
from jax.sharding import Mesh, PartitionSpec
from PIL import Image

from jiqa.models.parts import backbones, heads, losses, patches, resample, views
from jiqa.models.parts.maximum_entropy import histograms, maximum_entropy
from jiqa.nn import graph as layers
from jiqa.nn.batch_statistics import normalised, statistics_of
from jiqa.nn.graph import Node
from jiqa.nn.operations import BatchNorm, Conv, Relu
from jiqa.nn.train_mode import run_training

NODES = (Node("conv", Conv(4)), Node("bn", BatchNorm()), Node("relu", Relu()))


def _params(rng):
    found = {
        k: rng.normal(size=shape).astype(np.float32)
        for k, shape in layers.shapes(NODES).items()
    }
    return found | {"bn.variance": np.abs(found["bn.variance"]) + 0.5}


def test_batch_statistics_are_pytorchs(rng):
    params, x = _params(rng), rng.normal(size=(3, 6, 5, 3)).astype(np.float32)
    taps, new = run_training(NODES, params, jnp.asarray(x), ["conv", "bn", "relu"])
    norm: Any = torch.nn.BatchNorm2d(4)
    with torch.no_grad():
        for ours, theirs in (
            ("scale", norm.weight),
            ("bias", norm.bias),
            ("mean", norm.running_mean),
            ("variance", norm.running_var),
        ):
            theirs.copy_(torch.from_numpy(params[f"bn.{ours}"]))
        maps = torch.from_numpy(np.array(taps["conv"])).permute(0, 3, 1, 2)
        wanted = norm(maps).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(taps["bn"], wanted, atol=2e-6)
    np.testing.assert_allclose(taps["relu"], np.maximum(wanted, 0), atol=2e-6)
    np.testing.assert_allclose(new["bn.mean"], norm.running_mean, atol=1e-6)
    np.testing.assert_allclose(new["bn.variance"], norm.running_var, rtol=1e-5)
    assert set(new) == {"bn.mean", "bn.variance"}


def test_without_batch_statistics_training_infers(rng):
    params, x = _params(rng), jnp.asarray(rng.normal(size=(2, 6, 5, 3)), jnp.float32)
    found, new = run_training(NODES, params, x, ["relu"], batch_statistics=False)
    np.testing.assert_array_equal(
        found["relu"], layers.run(NODES, params, x, ["relu"])["relu"]
    )
    assert not new


def test_statistics_are_shared_over_an_axis(rng):
    x = rng.normal(3, 2, size=(4, 5, 2)).astype(np.float32)
    whole = statistics_of(jnp.asarray(x))
    parts = jax.vmap(lambda v: statistics_of(v, "data"), axis_name="data")(
        jnp.asarray(x.reshape(2, 2, 5, 2))
    )
    for a, b in zip(whole[:2], parts[:2], strict=True):
        np.testing.assert_allclose(b, np.stack([a, a]), rtol=1e-6)
    assert whole[2] == 20
    assert (np.asarray(parts[2]) == 20).all()
    np.testing.assert_allclose(whole[1], x.reshape(-1, 2).var(0), rtol=1e-5)


def test_statistics_under_shard_map(rng):
    mesh = Mesh(np.array(jax.devices()[:1]), ("data",))
    spec = PartitionSpec
    shared = jax.shard_map(
        lambda v: statistics_of(v, "data")[:2],
        mesh=mesh,
        in_specs=spec("data"),
        out_specs=spec(),
    )
    x = jnp.asarray(rng.normal(size=(4, 3)), jnp.float32)
    for a, b in zip(jax.jit(shared)(x), statistics_of(x)[:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def _by_definition(x, scale, bias, axis=None):
    mean, variance, _ = statistics_of(x, axis)
    return (x - mean) / jnp.sqrt(variance + 1e-3) * scale + bias


def test_batch_normalisation_differentiates_its_statistics(rng):
    x, slope = (jnp.asarray(rng.normal(2, 3, size=(4, 6, 5, 3))) for _ in range(2))
    scale, bias = (jnp.asarray(rng.normal(size=3)) for _ in range(2))

    def own(x, scale, bias, axis=None):
        return normalised(x, {"scale": scale, "bias": bias}, 1e-3, axis)[0]

    y, back = jax.vjp(own, x, scale, bias)
    wanted, plain = jax.vjp(_by_definition, x, scale, bias)
    np.testing.assert_allclose(y, wanted, atol=1e-5)
    whole = back(slope)
    for a, b in zip(whole, plain(slope), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-5)

    # Halves of the batch on two devices: the same slopes of what came in, and parts of
    # those of the parameters.
    def halved(x, slope):
        back = jax.vjp(lambda x, s, b: own(x, s, b, "data"), x, scale, bias)[1]
        return back(slope)

    parts = jax.vmap(halved, axis_name="data")(
        x.reshape(2, 2, 6, 5, 3), slope.reshape(2, 2, 6, 5, 3)
    )
    np.testing.assert_allclose(parts[0].reshape(x.shape), whole[0], atol=2e-5)
    for a, b in zip(parts[1:], whole[1:], strict=True):
        np.testing.assert_allclose(a.sum(0), b, rtol=1e-5, atol=2e-5)


def test_statistics_carry_no_derivative(rng):
    x = jnp.asarray(rng.normal(size=(4, 5, 5, 2)))
    own = {"scale": jnp.ones(2), "bias": jnp.zeros(2)}
    slope = jax.grad(lambda x: normalised(x, own, 1e-5)[2].sum())(x)
    np.testing.assert_array_equal(slope, 0)
    assert normalised(x.astype(jnp.bfloat16), own, 1e-5)[0].dtype == jnp.bfloat16


def test_dropout_of_batch_normalisation(rng):
    params, x = _params(rng), jnp.asarray(rng.normal(size=(4, 9, 9, 3)), jnp.float32)
    thin = {"key": jax.random.key(1), "dropout": {"bn": 0.75}}
    found = run_training(NODES, params, x, ["bn"], **thin)[0]["bn"]
    assert 0.7 < float((found == 0).mean()) < 0.8


def test_dropout_of_a_node(rng):
    params, x = _params(rng), jnp.asarray(rng.normal(size=(8, 9, 9, 3)), jnp.float32)
    rates = {"relu": 0.75}
    run = [
        run_training(NODES, params, x, ["bn", "relu"], key=key, dropout=rates)[0]
        for key in (jax.random.key(1), jax.random.key(1), jax.random.key(2), None)
    ]
    whole = np.asarray(run[3]["relu"])
    np.testing.assert_array_equal(run[0]["relu"], run[1]["relu"])
    assert (np.asarray(run[0]["relu"]) != run[2]["relu"]).any()
    kept = np.asarray(run[0]["relu"])[whole > 0] > 0
    assert abs(kept.mean() - 0.25) < 0.04
    np.testing.assert_allclose(
        np.asarray(run[0]["relu"])[whole > 0][kept], 4 * whole[whole > 0][kept]
    )


@pytest.mark.parametrize("name", backbones.TAPS)
def test_taps_are_of_different_sizes(name):
    """Each tap is smaller than the one before, and all are pooled into one row."""
    net = backbones.network(name)
    wanted = backbones.taps(name, "multi")
    assert wanted[-1] == net.trunk or name in ("alexnet", "vgg16")
    sides, chain = {}, {layers.IMAGES: 256}
    for node in layers.until(net.layers(), wanted):
        chain[node.name] = node.op.size(chain[node.inputs[0]], 0)
        if node.name in wanted:
            sides[node.name] = chain[node.name]
    assert list(sides) == list(wanted)
    assert sorted(sides.values(), reverse=True) == list(sides.values())
    assert len(set(sides.values())) == len(wanted)
    total = backbones.width(net, wanted)
    shapes = jax.eval_shape(
        lambda v, x: backbones.pooled(backbones.maps(net, wanted, v, x)[0]),
        jax.eval_shape(
            lambda k: heads.draw(k, backbones.needed(net, wanted)), jax.random.key(0)
        ),
        jax.ShapeDtypeStruct((2, 128, 128, 3), np.float32),
    )
    assert shapes.shape == (2, total)


def test_vgg_has_the_features_of_the_proposal():
    wanted = backbones.taps("vgg16", "multi")
    assert backbones.width(backbones.network("vgg16"), wanted) == 1472


def test_pooled_is_numpys(rng):
    maps = {
        "a": jnp.asarray(rng.normal(size=(2, 3, 4, 5)), jnp.float32),
        "b": jnp.asarray(rng.normal(size=(2, 2, 2, 3)), jnp.float32),
    }
    arrays = [np.asarray(v, np.float64) for v in maps.values()]
    means = np.concatenate([v.mean((1, 2)) for v in arrays], 1)
    np.testing.assert_allclose(backbones.pooled(maps), means, atol=1e-6)
    both = np.concatenate(
        [f for v in arrays for f in (v.mean((1, 2)), v.std((1, 2)))], 1
    )
    found = backbones.pooled(maps, "mean-deviation")
    np.testing.assert_allclose(found, both, atol=1e-6)
    with pytest.raises(ValueError, match="'c' is a vector"):
        backbones.pooled({"c": jnp.zeros((2, 3))}, "mean-deviation")


def _siamese(score, level, group, mask, margin):
    """The authors' loss as two loops over the batch, and its gradient by hand."""
    loss, gradient, count = 0.0, np.zeros(len(score)), 0
    for i, j in itertools.product(range(len(score)), repeat=2):
        if not (mask[i] and mask[j]) or min(level[i], level[j]) < 0:
            continue
        if group[i] != group[j] and min(group[i], group[j]) >= 0:
            continue
        if level[i] < level[j]:
            count += 1
            part = margin - (score[i] - score[j])
            if part > 0:
                loss += part
                gradient[i] -= 1
                gradient[j] += 1
    return loss / mask.sum(), gradient / mask.sum(), count


def test_siamese_loss_is_two_loops(rng):
    size = 24
    batch = {
        "level": rng.integers(-1, 5, size).astype(np.int32),
        "group": rng.integers(-1, 3, size).astype(np.int32),
        "mask": rng.random(size) < 0.8,
    }
    score = rng.normal(0, 6, size).astype(np.float32)

    def loss(s):
        total, logs = losses.ranking(
            s, batch, kind="hinge", margin=6.0, average="images"
        )
        return total.total / total.count, logs

    (value, logs), gradient = jax.value_and_grad(loss, has_aux=True)(jnp.asarray(score))
    wanted, slope, count = _siamese(score, margin=6.0, **batch)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient, slope, atol=1e-6)
    assert logs["ordered"].count == count > 20
    pairs = losses.ranking(score, batch, kind="hinge", margin=6.0, average="pairs")[0]
    assert pairs.count == count


def test_the_other_losses_of_a_pair():
    lead = jnp.asarray([-3.0, 0.0, 0.5, 4.0, -80.0])
    np.testing.assert_allclose(
        losses.logistic(lead, 2.0), np.log1p(np.exp(-np.asarray(lead) / 2)), rtol=1e-5
    )
    p = 1 / (1 + np.exp(-np.asarray(lead, np.float64) / 2))
    np.testing.assert_allclose(losses.fidelity(lead, 2.0), 1 - np.sqrt(p), atol=1e-6)
    for kind in losses.PAIRWISE.values():
        slope = jax.vmap(jax.grad(lambda d, kind=kind: kind(d, 2.0)))(lead)
        assert np.isfinite(slope).all()
        assert (slope <= 0).all()


def test_earth_movers_distance(rng):
    p, q = (rng.dirichlet(np.ones(10), 3) for _ in range(2))
    away = np.cumsum(p, -1) - np.cumsum(q, -1)
    for r in (1, 2):
        wanted = (np.abs(away) ** r).mean(-1) ** (1 / r)
        np.testing.assert_allclose(
            losses.earth_movers(jnp.asarray(p), jnp.asarray(q), r), wanted, rtol=1e-4
        )
    squared = losses.earth_movers(jnp.asarray(p), jnp.asarray(q), root=False)
    np.testing.assert_allclose(squared, (away**2).mean(-1), rtol=1e-4)
    slope = jax.grad(lambda v: losses.earth_movers(v, v * 1).sum())(jnp.asarray(p))
    assert np.isfinite(slope).all()


@pytest.mark.parametrize(("mean", "deviation"), [(4.2, None), (7.9, 1.3), (2.0, 0.9)])
def test_maximum_entropy_is_what_scipy_finds(mean, deviation):
    s = np.arange(1.0, 11.0)
    rules = [lambda p: p.sum() - 1, lambda p: p @ s - mean]
    if deviation:
        rules.append(lambda p: p @ (s - mean) ** 2 - deviation**2)
    best = scipy.optimize.minimize(
        lambda p: (p * np.log(np.maximum(p, 1e-300))).sum(),
        np.full(10, 0.1),
        bounds=[(1e-12, 1)] * 10,
        constraints=[{"type": "eq", "fun": rule} for rule in rules],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    p = maximum_entropy(s, mean, deviation)
    np.testing.assert_allclose(p, best.x, atol=2e-5)
    np.testing.assert_allclose([p.sum(), p @ s], [1, mean], rtol=1e-9)
    if deviation:
        np.testing.assert_allclose(p @ (s - mean) ** 2, deviation**2, rtol=1e-8)


def test_maximum_entropy_at_the_limits():
    s = np.arange(10.0)
    np.testing.assert_array_equal(maximum_entropy(s, 0.0), s == 0)
    np.testing.assert_array_equal(maximum_entropy(s, 9.0, 2.0), s == 9)
    # Nothing with mean 0.24 on whole numbers is narrower than .427; 9 is too wide.
    for deviation in (0.05, 9.0):
        p = maximum_entropy(s, 0.24, deviation)
        np.testing.assert_allclose([p.sum(), p @ s], [1, 0.24], rtol=1e-8)
    narrow = maximum_entropy(s, 0.24, 0.05)
    assert narrow[:2].sum() > 0.97
    with pytest.raises(ValueError, match=r"mean: expected 0 to 9, got 9\.1"):
        maximum_entropy(s, 9.1)
    rows = histograms(s, [3.0, np.nan], [np.nan, 1.0])
    np.testing.assert_allclose(rows[0], maximum_entropy(s, 3.0))
    assert np.isnan(rows[1]).all()


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(20, 31), (64, 80)])
def test_resize_is_pillows(rng, size: tuple[int, int], method: Any):
    image: Any = rng.integers(60, 196, (41, 57, 3)).astype(np.uint8)
    how = Image.Resampling[method.upper()]
    wanted = np.asarray(Image.fromarray(image).resize((size[1], size[0]), how))
    np.testing.assert_array_equal(resample.resized_host(image, *size, method), wanted)
    ours = resample.resized(jnp.asarray(image, jnp.float32), *size, method)
    # Pillow rounds twice, and bicubic weights add up to 1.25 without their signs.
    limit = {"bilinear": 1.01, "bicubic": 0.5 * 1.25 + 0.51}[method]
    assert np.abs(np.asarray(ours) - wanted).max() < limit
    deep = resample.resized_host(image.astype(np.uint16) * 257, *size, method)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - wanted).max() < limit
    rows, columns = size
    nearest = np.asarray(
        Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.NEAREST)
    )
    np.testing.assert_array_equal(
        resample.resized_host(image, rows, columns, "nearest"), nearest
    )
    np.testing.assert_array_equal(
        resample.resized(jnp.asarray(image), rows, columns, "nearest"), nearest
    )


def test_training_crops(rng):
    image = rng.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    windows = {
        (t, x): image[t : t + 32, x : x + 32].tobytes()
        for t in range(9)
        for x in range(29)
    }
    known = {v: k for k, v in windows.items()}
    seen = set()
    for seed in range(40):
        crop = views.training_crop(image, np.random.default_rng(seed), crop=32)
        straight = known.get(crop.tobytes())
        turned = known.get(np.ascontiguousarray(crop[:, ::-1]).tobytes())
        assert (straight is None) != (turned is None)
        seen.add((straight is None, (straight or turned or (0, 0))[0]))
    assert {s[0] for s in seen} == {True, False}
    assert len({s[1] for s in seen}) > 4
    middle = views.training_crop(image, None, crop=32)
    np.testing.assert_array_equal(middle, image[4:36, 14:46])
    small = views.training_crop(image[:20, :25, :1], rng, crop=32)
    assert small.shape == (32, 32, 3)
    assert (small == small[..., :1]).all()
    with pytest.raises(
        ValueError,
        match=r"image: expected 6 channels, got shape .*\(those of the image, then",
    ):
        views.training_crop(image, None, crop=32, channels=6)


def test_grids_and_patches(rng):
    image = jnp.asarray(rng.random((10, 15, 3)), jnp.float32)
    crops = views.grid(image, 6, 3)
    assert crops.shape == (9, 6, 6, 3)
    np.testing.assert_array_equal(crops[0], image[:6, :6])
    np.testing.assert_array_equal(crops[8], image[4:, 9:])
    np.testing.assert_array_equal(views.grid(image, 12, 1)[0], image[:, 1:13])
    cut = patches.cut(image, 4)
    assert cut.shape == (6, 4, 4, 3)
    np.testing.assert_array_equal(cut[4], image[4:8, 4:8])
    np.testing.assert_array_equal(views.trimmed(image, 8), image[1:9, 3:11])
    column = patches.patch_column(np.asarray(image), None, side=4, count=5)
    assert column.shape == (20, 4, 3)
    back = patches.from_column(jnp.asarray(column)[None], 4)
    np.testing.assert_array_equal(back[0, 0], image[:4, :4])
    drawn = patches.patch_column(np.asarray(image), rng, side=4, count=5)
    assert drawn.shape == column.shape
    assert (drawn != column).any()
    with pytest.raises(
        ValueError, match=r"image: expected at least 11x11 pixels.*got 15x10"
    ):
        patches.patch_column(np.asarray(image), None, side=11, count=5)
