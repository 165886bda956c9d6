"""Every network against PyTorch's, node by node, and its key table, both ways."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
from typing import Any

import efficientnet_lite_pytorch
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from jiqa.nn import NETWORKS
from jiqa.nn import graph as layers
from jiqa.nn.networks import bn_inception, googlenet, inception_v3
from jiqa.nn.networks import mobilenet_v1 as keras_mobilenet
from tests.helpers import backbone_others as others
from tests.helpers.backbone_references import (
    EFFICIENTNET_LITE,
    efficientnet_lite_net,
    mobilenet_v1,
    reference,
)
from tests.helpers.torch_reference import Reference, as_jiqa, torchvision
from weights_convert.tables import Table, layouts, table

#: Small, odd sides at which every map still has a sample; and larger ones. Halves of
#: an odd map do not meet in BN-Inception, so its odd sides become even maps.
SMALL = {
    "alexnet": (67, 83),
    "googlenet": (61, 77),
    "bn_inception": (63, 95),
    "inception_v3": (79, 91),
    "inception_resnet_v2": (79, 91),
}
LARGE = {
    "alexnet": (224, 224),
    "vgg16": (224, 224),
    "bn_inception": (159, 191),
    "inception_v3": (299, 299),
}
#: Largest deviation of logits in bfloat16 from those in float32, in units of the
#: largest, over four images of noise: measured once; twice that is allowed.
HALF = {
    "alexnet": 0.009,
    "vgg11": 0.009,
    "vgg11_bn": 0.009,
    "vgg13": 0.012,
    "vgg13_bn": 0.012,
    "vgg16": 0.017,
    "vgg16_bn": 0.009,
    "vgg19": 0.009,
    "vgg19_bn": 0.008,
    "resnet18": 0.006,
    "resnet50": 0.007,
    "squeezenet1_1": 0.008,
    "mobilenet_v1": 0.007,
    "mobilenet_v2": 0.006,
    "efficientnet_lite0": 0.006,
    "efficientnet_lite1": 0.006,
    "efficientnet_lite2": 0.006,
    "googlenet": 0.006,
    "bn_inception": 0.007,
    "inception_v3": 0.018,
    "inception_resnet_v2": 0.023,
    "scnn": 0.01,
    "scnn_plain": 0.018,
    "scnn_matconvnet": 0.009,
}
#: Nodes that are no output of a module of PyTorch's.
UNSEEN = {
    "googlenet": "transform aux?_pool aux?_fc1_relu aux?_flatten",
    "inception_v3": "transform mixed_??_pool aux_*",
    "mobilenet_v2": "avgpool",
    "inception_resnet_v2": "*_joined *_add",
    "resnet18": "*_add",
    "resnet50": "*_add",
}


def _outputs(
    ref: Reference, images: np.ndarray, taps: Any, quick: bool, dtype: Any = None
) -> dict[str, np.ndarray]:
    compute = jax.jit(
        functools.partial(
            layers.run, ref.config.layers(), taps=tuple(taps), dtype=dtype
        )
    )
    x = jnp.asarray(images)
    params = ref.params()
    # To compile without optimising halves the time of a small image.
    level: dict[str, str | bool] = {}
    if quick:
        level["xla_backend_optimization_level"] = "0"
    compiled = compute.lower(params, x).compile(compiler_options=level)
    return {tap: np.asarray(value) for tap, value in compiled(params, x).items()}


def _deviations(
    ref: Reference, images: np.ndarray, wanted: dict[str, np.ndarray], quick: bool
) -> dict[str, float]:
    """By tap: largest difference, in units of the largest value of PyTorch's."""
    found = {}
    for tap, value in _outputs(ref, images, wanted, quick).items():
        assert value.dtype == images.dtype
        truth = wanted[tap]
        assert value.size == truth.size
        if value.ndim == 4:
            assert value.shape == truth.shape, tap
        difference = np.abs(value - truth.reshape(value.shape)).max()
        found[tap] = float(difference / np.abs(truth).max())
    return found


def _check(ref: Reference, side: tuple[int, int], quick: bool = True) -> set[str]:
    rng = np.random.default_rng(5)
    images = rng.normal(size=(1, *side, 3)).astype(np.float32)
    wanted = ref.taps(images)
    for dtype, limit in ((np.float32, 1e-5), (np.float64, 1e-10)):
        with jax.enable_x64(dtype is np.float64):
            found = _deviations(ref, images.astype(dtype), wanted, quick)
        assert not {tap: d for tap, d in found.items() if not d < limit}
    return set(wanted)


def _unseen(name: str, config: Any, compared: set[str]) -> list[str]:
    patterns = UNSEEN.get(name, "flatten").split()
    return [
        node.name
        for node in config.layers()
        if node.name not in compared
        and not any(fnmatch.fnmatchcase(node.name, p) for p in patterns)
    ]


#: One of each family; the others take as long together as everything else.
_QUICK = ("alexnet", "vgg16", "resnet18", "squeezenet1_1", "mobilenet_v1", "scnn")
#: Graphs of many branches, and one with batch normalisation in a chain.
_BRANCHED = ("mobilenet_v2", "efficientnet_lite0", "inception_v3", "vgg11_bn")


def _networks(quick: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(name, marks=[] if name in quick else [pytest.mark.slow])
        for name in NETWORKS
    ]


@pytest.mark.parametrize("name", _networks((*_QUICK, *_BRANCHED)))
def test_every_node(name):
    ref = reference(name)
    compared = _check(ref, SMALL.get(name, (37, 51)))
    assert "logits" in compared
    assert not _unseen(name, ref.config, compared)


@pytest.mark.parametrize("name", _networks(_QUICK))
def test_half_precision(name):
    ref = reference(name)
    side = 96 if "inception" in name else 64
    images = np.random.default_rng(5).normal(size=(4, side, side, 3))
    full, half = (
        _outputs(ref, images.astype(np.float32), ["logits"], True, dtype)["logits"]
        for dtype in (None, jnp.bfloat16)
    )
    assert half.dtype == jnp.bfloat16
    difference = np.abs(half.astype(np.float32) - full).max(-1)
    deviation = (difference / np.abs(full).max(-1)).max()
    assert HALF[name] / 4 < deviation < 2 * HALF[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_node_of_a_large_image(name):
    # AlexNet and VGG-16 with all their fully connected layers.
    hidden = None if name in ("alexnet", "vgg16") else 24
    side = LARGE.get(name, (197, 161))
    _check(reference(name, hidden), side, quick=False)


def test_mobilenet_with_zeros_around_as_older_keras():
    ref = mobilenet_v1("mobilenet_v1", keras_mobilenet.Config(padding="around"))
    compared = _check(ref, (37, 51))
    assert not _unseen("mobilenet_v1", ref.config, compared)


@pytest.mark.slow
@pytest.mark.parametrize("name", EFFICIENTNET_LITE)
def test_efficientnet_lite_of_its_own_package(name):
    """The classes that come with the published weights."""
    theirs = efficientnet_lite_pytorch.EfficientNet.from_name(name.replace("_", "-"))
    ref = reference(name)
    theirs.load_state_dict(ref.net.state_dict())
    x = np.random.default_rng(5).normal(size=(2, 3, 173, 230))
    with torch.no_grad():
        wanted = theirs.double().eval()(torch.from_numpy(x)).numpy()
    with jax.enable_x64(True):
        found = ref.config.logits(ref.params(), jnp.asarray(x.transpose(0, 2, 3, 1)))
    assert np.abs(np.asarray(found) - wanted).max() < 1e-6 * np.abs(wanted).max()


def test_auxiliary_head_of_inception_v3():
    # It needs a map of 17x17: it is fed one, instead of an image of 299x299.
    ref = reference("inception_v3")
    net: Any = ref.net
    before = torch.randn(1, 768, 18, 17, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        wanted = net.AuxLogits(before.double()).numpy()
    head = [n for n in ref.config.layers() if n.name.startswith("aux_")]
    head[0] = dataclasses.replace(head[0], inputs=(layers.IMAGES,))
    maps = jnp.asarray(before.permute(0, 2, 3, 1).numpy())
    found = layers.run(head, ref.params(), maps, ["aux_logits"])["aux_logits"]
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())
    assert layers.min_side(ref.config.layers(), ["aux_logits"]) == 299


def test_input_transform_is_torchvisions(rng):
    images = rng.normal(size=(1, 5, 6, 3)).astype(np.float32)
    for name, family in (("inception_v3", inception_v3), ("googlenet", googlenet)):
        net: Any = reference(name).net
        wanted = net._transform_input(torch.from_numpy(images).permute(0, 3, 1, 2))
        found = family.Config().apply({}, jnp.asarray(images), ["transform"])
        wanted = wanted.permute(0, 2, 3, 1)
        np.testing.assert_allclose(found["transform"], wanted, rtol=2e-6)


def test_networks_without_input_transform(rng):
    images = jnp.asarray(rng.random((1, 20, 20, 3)), jnp.float32)
    for family, tap in ((inception_v3, "conv2d_1a_3x3"), (googlenet, "conv1")):
        kernel = layers.shapes(family.Config().layers())[f"{tap}.kernel"]
        params = {f"{tap}.kernel": rng.normal(size=kernel).astype(np.float32)}
        plain = family.Config(transform_input=False)
        config = family.Config()
        whole = config.apply(params, config.preprocess(images), [tap])[tap]
        other = plain.apply(params, 2 * images - 1, [tap])[tap]
        np.testing.assert_allclose(whole, other, atol=1e-4)


def test_sides_that_do_not_meet_are_refused():
    shapes = layers.shapes(bn_inception.Config().layers())
    params = {k: jax.ShapeDtypeStruct(s, jnp.float32) for k, s in shapes.items()}
    images = jax.ShapeDtypeStruct((88, 96, 3), jnp.float32)
    with pytest.raises(ValueError, match=r"of \(88, 96\) do not fit .* 'inception_3c'"):
        jax.eval_shape(bn_inception.Config().logits, params, images)


def _published(name: str) -> tuple[Table, dict[str, tuple[int, ...]]]:
    """A key table, and keys and shapes of the file that it is for."""
    if name in ("mobilenet_v1", "scnn", "scnn_plain", "scnn_matconvnet"):
        # Not PyTorch's, or saved under another prefix: as the reference renames them.
        ref = reference(name)
        net, keys = ref.net, ref.keys
    else:
        keys = table(name, layouts(name)[0])
        with torch.device("meta"):
            if name == "bn_inception":
                net = others.BNInception()
            elif name in EFFICIENTNET_LITE:
                net = efficientnet_lite_net(name)
            elif name == "inception_resnet_v2":
                net = others.InceptionResNetV2()
            else:
                google = name in ("googlenet", "inception_v3")
                options = {"init_weights": False} if google else {}
                net = getattr(torchvision().models, name)(weights=None, **options)
    return keys, {k: tuple(v.shape) for k, v in net.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_key_table_is_complete_both_ways(name):
    mine = layers.shapes(NETWORKS[name].layers())
    for layout in layouts(name):
        known = table(name, layout)
        assert list(known.keys) == list(mine)
        assert len(set(known.keys.values())) == len(mine)
    keys, theirs = _published(name)
    left = [
        key
        for key in set(theirs) - set(keys.keys.values())
        if not any(fnmatch.fnmatchcase(key, p) for p in keys.ignored)
    ]
    assert not left
    for key, their in keys.keys.items():
        shape = as_jiqa(key, np.broadcast_to(0, theirs[their])).shape
        assert [n for n in shape if n > 1] == [n for n in mine[key] if n > 1], key


def test_unknown_networks_and_layouts_are_named():
    with pytest.raises(
        ValueError, match="unknown network 'resnet-50'; did you mean resnet50"
    ):
        table("resnet-50", "torchvision")
    with pytest.raises(
        ValueError, match=r"layout: expected 'timm' or 'pytorch' .*got 'keras'"
    ):
        table("inception_resnet_v2", "keras")
    assert layouts("scnn_matconvnet") == ("matconvnet",)
    assert table("scnn_matconvnet", "matconvnet").keys["conv4_2.kernel"] == "conv4-2f"
    keras = table("mobilenet_v1", "keras").keys
    assert keras["conv_dw_13.kernel"] == "conv_dw_13/depthwise_kernel"
    assert keras["conv1_bn.bias"] == "conv1_bn/beta"
    assert keras["conv1_bn.variance"] == "conv1_bn/moving_variance"
