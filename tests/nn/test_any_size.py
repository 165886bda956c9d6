"""Operations and networks on images that lie in the corner of larger arrays."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jiqa.nn import NETWORKS
from jiqa.nn import graph as layers
from jiqa.nn.any_size import map_extents, run_within
from jiqa.nn.graph import Node
from jiqa.nn.networks import alexnet
from jiqa.nn.operations import Concat, Conv
from jiqa.nn.pooling import AdaptiveMean, GlobalMean, L2Pool, MaxPool, MeanPool
from jiqa.ops.extent import Extent

_SIDES = [(5, 6), (7, 8), (9, 11), (16, 13), (2, 17)]
_ROOM = (17, 18)

_POOLINGS = [
    kind(window, stride, padding, ceil)
    for kind in (MaxPool, MeanPool, functools.partial(MeanPool, count_padding=False))
    for window, stride, padding in ((2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1))
    for ceil in (False, True)
]
_OTHERS = [
    L2Pool(),
    AdaptiveMean(1),
    AdaptiveMean(4),
    GlobalMean(),
    Conv(5, 3, 1, 1),
    Conv(5, (3, 2), 2, ((0, 1), (2, 0))),
    Conv(5, 1, 2, 0),
    Conv(4, 3, 2, 1, groups=4),
]


def _in_noise(x: np.ndarray, room: tuple[int, int]) -> np.ndarray:
    """In the corner of larger arrays that hold noise elsewhere."""
    lead, channels = x.shape[:-3], x.shape[-1]
    array = np.random.default_rng(1).normal(size=(*lead, *room, channels)) * 9
    array[..., : x.shape[-3], : x.shape[-2], :] = x
    return array.astype(x.dtype)


def _extent(rows: int, cols: int) -> Extent:
    return Extent(jnp.asarray(rows, jnp.int32), jnp.asarray(cols, jnp.int32))


@pytest.mark.parametrize("op", [*_POOLINGS, *_OTHERS], ids=str)
def test_an_operation_takes_samples_of_the_image_only(op, rng):
    params = {
        k: rng.normal(size=shape).astype(np.float32)
        for k, shape in op.parameters(4).items()
    }
    program: Any = jax.jit(
        lambda extent, x: (op.within(extent, params, x), op.extent(extent))
    )
    for side in _SIDES:
        if min(op.size(n, k) for k, n in enumerate(side)) < 1:
            continue
        x = rng.normal(size=(2, *side, 4)).astype(np.float32)
        want = np.asarray(op(params, x))
        found, extent = program(_extent(*side), _in_noise(x, _ROOM))
        assert np.isfinite(found).all()
        if want.ndim == 4:
            assert (int(extent.rows), int(extent.cols)) == want.shape[1:3]
            found = found[:, : want.shape[1], : want.shape[2]]
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
    assert program._cache_size() == 1


def test_what_lies_outside_has_no_gradient(rng):
    nodes = (
        Node("conv", Conv(4, 3, 1, 1)),
        Node("max", MaxPool(3, 2, 1, ceil=True)),
        Node("mean", MeanPool(3, 1, 1, count_padding=False)),
        Node("root", L2Pool()),
        Node("whole", GlobalMean()),
    )
    params = layers.initial(jax.random.key(1), tuple(layers.shapes(nodes).items()))
    x = rng.normal(size=(11, 13, 3)).astype(np.float32)

    def total(x: Any, extent: Extent) -> Any:
        return run_within(nodes, params, x, ["whole"], extent)["whole"].sum()

    found = np.array(jax.grad(total)(_in_noise(x, _ROOM), _extent(11, 13)))
    want = jax.grad(lambda x: layers.run(nodes, params, x, ["whole"])["whole"].sum())(x)
    np.testing.assert_allclose(found[:11, :13], want, atol=1e-5 * np.abs(want).max())
    found[:11, :13] = 0
    assert not found.any()


def test_a_network_gives_its_maps_and_how_much_of_each_is_the_image(rng):
    config = alexnet.Config((4, 6, 8, 6, 5), hidden=16, classes=7)
    nodes = config.layers()
    _compare(nodes, [(67, 83), (75, 64)], (96, 90), 1e-4)


def test_sizes_at_which_branches_do_not_meet_are_known():
    nodes = (
        Node("floor", MaxPool(2, 2), (layers.IMAGES,)),
        Node("ceil", MaxPool(2, 2, ceil=True), (layers.IMAGES,)),
        Node("joined", Concat(), ("floor", "ceil")),
    )
    assert layers.fits(nodes, ["joined"], 8, 6)
    assert not layers.fits(nodes, ["joined"], 8, 7)
    assert not layers.fits(nodes, ["joined"], 0, 8)
    assert layers.fits(nodes, ["floor"], 8, 7)
    x = jnp.zeros((9, 8, 3))
    with pytest.raises(ValueError, match="'joined' would join maps"):
        run_within(nodes, {}, x, ["joined"], _extent(8, 6))


def _compare(
    nodes: tuple[Node, ...],
    sizes: list[tuple[int, int]],
    room: tuple[int, int],
    tolerance: float,
) -> None:
    params = layers.initial(jax.random.key(3), tuple(layers.shapes(nodes).items()))
    taps = [node.name for node in nodes]

    def padded(params: Any, x: Any, extent: Extent) -> Any:
        params = {k: v.astype(x.dtype) for k, v in params.items()}
        found = run_within(nodes, params, x, taps, extent)
        return found, map_extents(nodes, taps, extent)

    within: Any = jax.jit(padded)

    @jax.jit
    def exact(params: Any, x: Any) -> Any:
        params = {k: v.astype(x.dtype) for k, v in params.items()}
        return layers.run(nodes, params, x, taps)

    for side in sizes:
        assert layers.fits(nodes, taps, *side)
        x = np.random.default_rng(side[0]).normal(size=(*side, 3))
        x = x.astype(jnp.result_type(float))
        found, extents = within(params, _in_noise(x, room), _extent(*side))
        for name, want in exact(params, x).items():
            want, got = np.asarray(want), np.asarray(found[name])
            assert np.isfinite(got).all(), name
            if want.ndim == 3:
                extent = extents[name]
                assert (int(extent.rows), int(extent.cols)) == want.shape[:2], name
                got = got[: want.shape[0], : want.shape[1]]
            error = np.abs(got - want).max()
            assert error <= tolerance * np.abs(want).max(), name
    assert within._cache_size() == 1


#: Networks that differ in their kinds of operations, not in the number of them.
_KINDS = {
    "bn_inception": ([(63, 95), (95, 127)], (127, 128)),
    "efficientnet_lite2": ([(61, 77), (96, 83)], (96, 100)),
    "googlenet": ([(61, 77), (96, 83)], (96, 100)),
    "inception_v3": ([(79, 91), (96, 83)], (96, 100)),
    "mobilenet_v1": ([(61, 77), (96, 83)], (96, 100)),
    "mobilenet_v2": ([(61, 77), (96, 83)], (96, 100)),
    "resnet18": ([(61, 77), (96, 83)], (96, 100)),
    "squeezenet1_1": ([(61, 77), (96, 83)], (96, 100)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(_KINDS))
def test_every_kind_of_network_agrees_in_double_precision(name):
    sizes, room = _KINDS[name]
    with jax.enable_x64(True):
        # Without auxiliary classifiers, which need larger images.
        nodes = layers.until(NETWORKS[name].layers(), ["logits"])
        _compare(nodes, sizes, room, 1e-9)
