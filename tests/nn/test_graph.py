"""Graphs of operations: what they compute, and what they leave alone."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jiqa.nn import NETWORKS, preprocessing
from jiqa.nn import graph as layers
from jiqa.nn.graph import Node
from jiqa.nn.networks import (
    alexnet,
    bn_inception,
    googlenet,
    mobilenet_v1,
    resnet,
    scnn,
    vgg,
)
from jiqa.nn.operations import Add, Affine, Concat, Conv, Dense, Flatten, Relu, Relu6
from jiqa.nn.pooling import (
    AdaptiveMean,
    BlurPool,
    GlobalMean,
    L2Pool,
    MaxPool,
    MeanPool,
)

#: Narrow enough to run many times.
NARROW = alexnet.Config((4, 6, 8, 6, 5), hidden=16, classes=7)


def _abstract(config: Any) -> dict[str, jax.ShapeDtypeStruct]:
    shapes = layers.shapes(config.layers())
    return {k: jax.ShapeDtypeStruct(s, jnp.float32) for k, s in shapes.items()}


def _random(config: Any) -> dict[str, jax.Array]:
    shapes = layers.shapes(config.layers())
    return layers.initial(jax.random.key(3), tuple(shapes.items()))


def _products(config: Any, taps: tuple[str, ...]) -> int:
    """How many convolutions and products of matrices a program has."""
    # Where windows are larger than the map a program holds two ways to compute them.
    images = jax.ShapeDtypeStruct((1, 128, 128, 3), jnp.float32)
    program = jax.make_jaxpr(lambda p, x: layers.run(config.layers(), p, x, taps))(
        _abstract(config), images
    )
    text = str(program)
    return text.count("conv_general_dilated[") + text.count("dot_general[")


def test_nothing_is_computed_that_the_taps_do_not_need():
    assert _products(vgg.VGG16, ("relu1_1",)) == 1
    assert _products(vgg.VGG16, ("relu2_2", "conv1_1")) == 4
    assert _products(vgg.VGG16, ("pool5",)) == 13
    # Other branches of the same module, though written down before, stay out.
    google = googlenet.Config()
    assert _products(google, ("inception_3a_1x1",)) == 4
    assert _products(google, ("inception_3a_pool_proj_relu",)) == 4
    assert _products(google, ("inception_3a",)) == 3 + 6
    assert _products(google, ("logits",)) == 3 + 9 * 6 + 1
    # Two products are the means that this head begins with.
    assert _products(google, ("logits", "aux1_logits")) == 58 + 3 + 2


@pytest.mark.parametrize("name", NETWORKS)
def test_names_are_unique_and_end_in_logits(name):
    nodes = NETWORKS[name].layers()
    names = [node.name for node in nodes]
    assert len(set(names)) == len(names)
    assert names[-1] == "logits"
    assert all(name.isidentifier() for name in names)
    known = {layers.IMAGES}
    for node in layers.linked(nodes):
        assert known.issuperset(node.inputs)
        known.add(node.name)


@pytest.mark.parametrize("name", NETWORKS)
def test_features_need_no_head(name):
    config = NETWORKS[name]
    needed = layers.required(config)
    assert set(needed) < set(layers.shapes(config.layers()))
    params = {k: jax.ShapeDtypeStruct(s, jnp.float32) for k, s in needed.items()}
    run = functools.partial(layers.run, config.layers())
    images = jax.ShapeDtypeStruct((2, 96, 96, 3), jnp.float32)
    trunk = jax.eval_shape(lambda p, x: run(p, x, [config.trunk]), params, images)
    assert trunk[config.trunk].ndim == 4
    with pytest.raises(ValueError, match=r"parameters: \d+ missing: .*\.kernel"):
        jax.eval_shape(lambda p, x: run(p, x, ["logits"]), params, images)


def test_published_sizes():
    # Parameters that are learned, as torchvision, timm, Keras and Cadene count them.
    counts = {
        "alexnet": 61_100_840,
        "vgg16_bn": 138_365_992,
        "resnet50": 25_557_032,
        "squeezenet1_1": 1_235_496,
        "mobilenet_v1": 4_231_976,
        "mobilenet_v2": 3_504_872,
        "efficientnet_lite0": 4_652_008,
        "efficientnet_lite1": 5_416_680,
        "efficientnet_lite2": 6_092_072,
        "googlenet": 13_004_888,
        "inception_v3": 27_161_264,
        "inception_resnet_v2": 55_843_464,
        "bn_inception": 11_295_240,
    }
    for name, count in counts.items():
        shapes = layers.shapes(NETWORKS[name].layers())
        learned = (s for k, s in shapes.items() if not k.endswith(("mean", "variance")))
        assert sum(int(np.prod(s)) for s in learned) == count, name


def test_leading_dimensions_are_kept(rng):
    params = _random(NARROW)
    images = jnp.asarray(rng.normal(size=(2, 1, 63, 71, 3)), jnp.float32)
    taps = ["pool2", "logits"]
    found = jax.jit(lambda p, x: NARROW.apply(p, x, taps))(params, images)
    assert found["pool2"].shape == (2, 1, 3, 3, 6)
    assert found["logits"].shape == (2, 1, 7)
    single = jax.jit(lambda p, x: NARROW.logits(p, x))(params, images[1, 0])
    np.testing.assert_allclose(found["logits"][1, 0], single, rtol=1e-4, atol=1e-5)


def test_batch_vmap_and_gradient_agree(rng):
    config = mobilenet_v1.Config()
    needed = layers.shapes(layers.until(config.layers(), ["conv_pw_2_relu"]))
    params = layers.initial(jax.random.key(3), tuple(needed.items()))
    images = jnp.asarray(rng.normal(size=(2, 12, 14, 3)), jnp.float32)

    def total(x: jax.Array) -> jax.Array:
        return (
            mobilenet_v1.Config()
            .apply(params, x, ["conv_pw_2_relu"])["conv_pw_2_relu"]
            .sum()
        )

    batch = jax.jit(jax.grad(total))(images)
    single = jax.jit(jax.vmap(jax.grad(total)))(images)
    np.testing.assert_allclose(batch, single, rtol=1e-3, atol=1e-3)
    assert float(jnp.abs(batch).max()) > 0


def test_only_the_parameters_on_the_way_are_needed(rng):
    first = {k: v for k, v in _random(NARROW).items() if k.startswith("conv1")}
    images = jnp.asarray(rng.random((2, 20, 24, 3)), jnp.float32)
    found = NARROW.apply(first, images, ["relu1"])
    assert found["relu1"].shape == (2, 4, 5, 4)
    first["conv1.bias"] = jnp.zeros(3)
    with pytest.raises(
        ValueError, match=r"conv1\.bias: expected shape \(4,\), got \(3,\)"
    ):
        NARROW.apply(first, images, ["relu1"])


def test_unknown_tap_is_named():
    with pytest.raises(
        ValueError, match=r"unknown layer 'relu_1_1'; did you mean relu1_1"
    ):
        vgg.VGG16.apply({}, jnp.zeros((32, 32, 3)), ["relu_1_1"])
    with pytest.raises(
        ValueError, match="taps: expected a sequence of layer names, got 'relu1_1'"
    ):
        vgg.VGG16.apply({}, jnp.zeros((32, 32, 3)), "relu1_1")
    with pytest.raises(ValueError, match="did you mean layer1_0_relu") as caught:
        resnet.RESNET50.apply({}, jnp.zeros((32, 32, 3)), ["layer1_0_rel"])
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", NETWORKS)
def test_min_side_is_the_smallest_that_works(name):
    config = NETWORKS[name]
    nodes, params = config.layers(), _abstract(config)

    def samples(side: int, tap: str) -> int:
        images = jax.ShapeDtypeStruct((side, side, 3), jnp.float32)
        found = jax.eval_shape(
            lambda p, x: layers.run(nodes, p, x, [tap]), params, images
        )
        return min(found[tap].shape[:-1], default=1)

    for tap in (nodes[3].name, nodes[len(nodes) // 2].name, config.trunk, "logits"):
        side = layers.min_side(nodes, [tap])
        assert samples(side, tap) > 0
        if side > 1:
            try:
                left = samples(side - 1, tap)
            except (TypeError, ValueError, AssertionError, ZeroDivisionError):
                left = 0
            assert left <= 0


def _channels_first(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x).permute(0, 3, 1, 2)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(
    ("window", "stride", "padding"),
    [(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 0), (3, 3, 1), (2, 3, 1)],
)
def test_pooling_is_pytorchs(rng, window, stride, padding, ceil):
    options = (window, stride, padding, ceil)
    for side in ((5, 6), (7, 8), (9, 11)):
        x = rng.normal(size=(2, *side, 3)).astype(np.float32)
        theirs = torch.nn.functional.max_pool2d(
            _channels_first(x), window, stride, padding, ceil_mode=ceil
        )
        pool = MaxPool(*options)
        found = pool({}, jnp.asarray(x))
        np.testing.assert_array_equal(found, theirs.permute(0, 2, 3, 1))
        assert tuple(pool.size(n, 0) for n in side) == found.shape[1:3]
        for count in (True, False):
            theirs = torch.nn.functional.avg_pool2d(
                _channels_first(x), window, stride, padding, ceil, count
            )
            found = MeanPool(*options, count_padding=count)({}, jnp.asarray(x))
            np.testing.assert_allclose(
                found, theirs.permute(0, 2, 3, 1), rtol=1e-5, atol=1e-6
            )


@pytest.mark.parametrize("side", [(1, 3), (4, 4), (5, 9), (13, 6)])
def test_adaptive_mean_is_pytorchs(rng, side):
    x = rng.normal(size=(2, *side, 3)).astype(np.float32)
    for cells in (1, 4, 6):
        theirs = torch.nn.functional.adaptive_avg_pool2d(_channels_first(x), cells)
        found = AdaptiveMean(cells)({}, jnp.asarray(x))
        np.testing.assert_allclose(found, theirs.permute(0, 2, 3, 1), atol=1e-6)
    np.testing.assert_allclose(
        GlobalMean()({}, jnp.asarray(x)), x.mean((1, 2)), atol=1e-6
    )


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_in_groups_with_uneven_zeros(rng, groups, stride):
    x = rng.normal(size=(2, 9, 8, 6)).astype(np.float32)
    conv = Conv(12 if groups < 6 else 6, (3, 2), stride, ((0, 1), (2, 0)), groups)
    shapes = conv.parameters(6)
    assert shapes["kernel"] == (3, 2, 6 // groups, conv.features)
    params = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
    found = conv(params, jnp.asarray(x))
    wanted = torch.nn.functional.conv2d(
        torch.nn.functional.pad(_channels_first(x), (2, 0, 0, 1)),
        torch.from_numpy(params["kernel"].transpose(3, 2, 0, 1).copy()),
        torch.from_numpy(params["bias"]),
        stride,
        groups=groups,
    )
    np.testing.assert_allclose(found, wanted.permute(0, 2, 3, 1), atol=1e-5)
    assert (conv.size(9, 0), conv.size(8, 1)) == found.shape[1:3]


def test_depthwise_convolution_is_one_on_every_platform(rng):
    # The CPU adds shifted maps; accelerators get one grouped convolution.
    conv = Conv(6, 3, 2, ((0, 1), (0, 1)), groups=6, bias=False)
    x = jnp.asarray(rng.normal(size=(2, 9, 8, 6)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(3, 3, 1, 6)), jnp.float32)
    np.testing.assert_allclose(
        conv._shifted(x, kernel), conv._conv(x, kernel), atol=1e-5
    )
    assert "convolution" in str(
        jax.jit(lambda x: conv({"kernel": kernel}, x))
        .trace(x)
        .lower(lowering_platforms=("cuda",))
        .as_text()
    )
    run = jax.grad(lambda k: conv({"kernel": k}, x).sum())
    assert run(kernel).shape == kernel.shape


@pytest.mark.parametrize("side", [(1, 1), (2, 2), (2, 9), (9, 1)])
@pytest.mark.parametrize("stride", [1, 2])
def test_windows_larger_than_the_map(rng, side, stride):
    conv = Conv(5, 3, stride, ((1, 1), (1, 2)))
    x = jnp.asarray(rng.normal(size=(3, *side, 4)), jnp.float32)
    params = {
        k: jnp.asarray(rng.normal(size=s), jnp.float32)
        for k, s in conv.parameters(4).items()
    }
    plain = conv._conv(x, params["kernel"]) + params["bias"]
    np.testing.assert_allclose(conv(params, x), plain, atol=2e-5)
    np.testing.assert_allclose(
        conv._joined(x, params["kernel"]) + params["bias"], plain, atol=2e-5
    )
    slopes = jax.grad(lambda x: jnp.sin(conv(params, x)).sum())(x)
    wanted = jax.grad(
        lambda x: jnp.sin(conv._conv(x, params["kernel"]) + params["bias"]).sum()
    )(x)
    np.testing.assert_allclose(slopes, wanted, atol=5e-5)


def test_graph_joins_adds_and_scales(rng):
    nodes = (
        Node("shift", Affine((1.0, 2.0), (0.5, -1.0))),
        Node("positive", Relu()),
        Node("capped", Relu6(), ("shift",)),
        Node("sum", Add(-0.25), ("positive", "capped")),
        Node("both", Concat(), ("sum", "images")),
        Node("vector", Flatten(2)),
        Node("logits", Dense(3)),
    )
    assert layers.shapes(nodes, 2) == {"logits.kernel": (16, 3), "logits.bias": (3,)}
    x = 9 * rng.normal(size=(1, 2, 2, 2)).astype(np.float32)
    params = {"logits.kernel": np.eye(16, 3), "logits.bias": np.zeros(3)}
    taps = ["both", "logits", "capped"]
    found = layers.run(nodes, params, jnp.asarray(x), taps)
    shift = x * [1, 2] + [0.5, -1]
    capped = np.clip(shift, 0, 6)
    total = np.maximum(shift, 0) - 0.25 * capped
    np.testing.assert_allclose(found["capped"], capped, rtol=1e-5)
    both = np.concatenate([total, x], -1)
    np.testing.assert_allclose(found["both"], both, rtol=1e-5, atol=1e-5)
    # Channel by channel, as in PyTorch.
    wanted = both.transpose(0, 3, 1, 2).reshape(1, -1)[:, :3]
    np.testing.assert_allclose(found["logits"], wanted, rtol=1e-5, atol=1e-5)


def test_l2_pooling_is_the_hann_windowed_root_mean_square(rng):
    x = rng.normal(size=(1, 9, 12, 2)).astype(np.float32)
    hann = np.hanning(5)[1:-1]
    kernel = torch.from_numpy(np.outer(hann, hann) / np.outer(hann, hann).sum())
    channels = _channels_first(x).double()
    wanted = torch.nn.functional.conv2d(
        channels**2, kernel.repeat(2, 1, 1, 1), stride=2, padding=1, groups=2
    )
    wanted = torch.sqrt(wanted + 1e-12).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(L2Pool()({}, jnp.asarray(x)), wanted, 1e-6)
    gradient = jax.grad(lambda v: L2Pool()({}, v).sum())(jnp.zeros(x.shape))
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("size", [(3, 4), (5, 6), (9, 12)])
def test_blur_pooling_is_a_mirrored_convolution(rng, size):
    x = rng.normal(size=(2, *size, 4)).astype(np.float32)
    one = torch.tensor([0.25, 0.5, 0.25])
    wanted = torch.nn.functional.conv2d(
        torch.nn.functional.pad(_channels_first(x), (2, 2, 2, 2), mode="reflect"),
        torch.outer(one, one).repeat(4, 1, 1, 1),
        stride=2,
        groups=4,
    )
    pool = BlurPool()
    found = jax.jit(lambda x: pool({}, x))(x)
    np.testing.assert_allclose(found, wanted.permute(0, 2, 3, 1), atol=1e-6)
    assert (pool.size(size[0], 0), pool.size(size[1], 1)) == found.shape[1:3]
    assert pool.size(2, 0) == 0


def test_standardising_gives_the_training_images_zero_mean():
    mean = jnp.asarray(preprocessing.IMAGENET_MEAN, jnp.float32)
    std = jnp.asarray(preprocessing.IMAGENET_STD, jnp.float32)
    images = jnp.stack([mean, mean + std])[None]
    np.testing.assert_allclose(
        alexnet.Config().preprocess(images), [[[0] * 3, [1] * 3]], atol=1e-6
    )
    grey = vgg.VGG16.preprocess(jnp.full((2, 2, 1), 0.5))
    assert grey.shape == (2, 2, 3)


def test_every_network_has_its_own_preprocessing():
    images = jnp.asarray([[[1.0, 0.5, 0.0]]])
    np.testing.assert_allclose(mobilenet_v1.Config().preprocess(images), [[[1, 0, -1]]])
    np.testing.assert_allclose(
        bn_inception.Config().preprocess(images), [[[-104, 127.5 - 117, 255 - 128]]]
    )
    np.testing.assert_allclose(
        scnn.MATCONVNET.preprocess(images),
        [[[255 - 122.948845, 127.5 - 116.64955, -109.91752]]],
        rtol=1e-6,
    )
    for config in NETWORKS.values():
        assert config.preprocess(images).shape == images.shape
