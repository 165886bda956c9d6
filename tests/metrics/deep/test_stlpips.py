"""ST-LPIPS: the authors' values, and its networks written in PyTorch."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
import pytest
import torch
from torch.nn import functional as F

import jiqa
from jiqa import weights
from jiqa.nn.lpips_taps import LPIPS_TAPS
from jiqa.nn.operations import Conv
from jiqa.nn.shift_tolerant import NODES, published_modules
from jiqa.weights.locate import find
from jiqa.weights.registry import get_set
from tests.helpers.deep_cases import metric_of, noise, random_params_of
from tests.helpers.golden_modern import modern_image, modern_rows

#: A network with a stride of 1 where others have 4 takes its time on large images.
_QUICK = [("alex", "china")]
_SLOW = [("alex", "edge"), ("alex", "camera"), ("alex", "hubble")]
_SLOW += [("alex", "astronaut"), ("alex", "chelsea")]
_SLOW += [("vgg", "astronaut"), ("vgg", "chelsea")]
_groups = pytest.mark.parametrize(
    ("net", "group"),
    [*_QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in _SLOW)],
)


@functools.cache
def _loaded(net: str) -> Any:
    return jiqa.load("stlpips", net=net)


def _check(net: str, group: str, relative: float) -> None:
    rows = [
        row
        for row in modern_rows("st_lpips")
        if row.group == group and row.conditions["net"] == net
    ]
    assert rows
    if group == "china":
        rows = rows[::3]
    for row in rows:
        pair = (modern_image(name) for name in (row.reference, row.distorted))
        found = float(_loaded(net)(*pair))
        assert found == pytest.approx(row.value, rel=relative, abs=0), row


@_groups
def test_golden_float32(net, group):
    _check(net, group, 1e-4)


@_groups
def test_golden_float64(net, group):
    with jax.enable_x64(True):
        _check(net, group, 1e-6)


def test_every_golden_is_asked_for():
    asked = {(r.conditions["net"], r.group) for r in modern_rows("st_lpips")}
    assert asked == {*_QUICK, *_SLOW}


def _blurred(x: torch.Tensor) -> torch.Tensor:
    one = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype)
    kernel = torch.outer(one, one).expand(x.shape[1], 1, 3, 3)
    x = F.pad(x, (2, 2, 2, 2), mode="reflect")
    return F.conv2d(x, kernel, stride=2, groups=x.shape[1])


def _taps(net: str, params: dict[str, Any], image: np.ndarray) -> list[torch.Tensor]:
    """The networks as the paper describes them, in double precision."""

    def conv(x: torch.Tensor, name: str, padding: int) -> torch.Tensor:
        kernel = torch.from_numpy(np.array(params[f"{name}.kernel"], np.float64))
        bias = torch.from_numpy(np.array(params[f"{name}.bias"], np.float64))
        return F.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding=padding)

    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64)
    spread = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64)
    x = (torch.from_numpy(image.astype(np.float64)) - mean) / spread
    x = x.permute(2, 0, 1)[None]
    found = []
    if net == "alex":
        x = torch.relu(_blurred(conv(x, "conv1", 2)))
        found.append(x)
        for name, padding in (("conv2", 2), ("conv3", 1), ("conv4", 1), ("conv5", 1)):
            if name in ("conv2", "conv3"):
                x = _blurred(F.max_pool2d(x, 3, 1))
            x = torch.relu(conv(x, name, padding))
            found.append(x)
        return found
    for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
        if block > 1:
            x = _blurred(F.max_pool2d(x, 2, 1))
        for k in range(1, depth + 1):
            x = torch.relu(conv(x, f"conv{block}_{k}", 1))
        found.append(x)
    return found


@pytest.mark.parametrize(
    ("net", "size"),
    [
        ("alex", (45, 52)),
        pytest.param("alex", (38, 47), marks=pytest.mark.slow),
        pytest.param("vgg", (45, 34), marks=pytest.mark.slow),
    ],
)
def test_it_is_pytorchs(net, size, rng):
    x, y = (noise(rng, *size, 3).astype(np.float64) for _ in range(2))
    params = random_params_of("stlpips", net=net)
    wanted = []
    for name, one, other in zip(
        LPIPS_TAPS[net].channels,
        _taps(net, params, x),
        _taps(net, params, y),
        strict=True,
    ):
        one, other = (v / (v.norm(dim=1, keepdim=True) + 1e-10) for v in (one, other))
        weight = torch.from_numpy(np.array(params[f"lpips.{name}"], np.float64))
        apart = ((one - other) ** 2 * weight[:, None, None]).sum(1)
        wanted.append(float(apart.mean()))
    with jax.enable_x64(True):
        layers = metric_of("stlpips")(params, x, y, net=net, output="layers")
        np.testing.assert_allclose(layers, wanted, rtol=1e-9)


@pytest.mark.parametrize("net", NODES)
def test_its_file_converts_and_the_package_has_it(net, tmp_path):
    name = f"stlpips-{net}"
    found = find(get_set(name))
    assert found.origin == "package"
    assert weights.load(name).published
    assert weights.convert(name, found.path, tmp_path).official
    read = weights.load(name, tmp_path)
    assert read.origin == "folder" and read.published


def test_modules_are_the_published_ones():
    assert list(published_modules("alex").values()) == [
        "net.slice1.0",
        "net.slice2.5",
        "net.slice3.9",
        "net.slice4.11",
        "net.slice5.13",
    ]
    found = published_modules("vgg")
    convs = [node.name for node in NODES["vgg"] if isinstance(node.op, Conv)]
    assert list(found) == convs
    assert found["conv5_3"] == "net.slice5.32"


def test_a_shift_changes_it_less_than_lpips():
    """On a photograph that is shifted by one pixel, as the paper's figure 1 has it."""
    photo = modern_image("../open/images/chelsea_ref.png")[60:161, 100:221]
    pair = photo[:, :-1], photo[:, 1:]
    assert float(jiqa.load("lpips")(*pair)) > 2 * float(_loaded("alex")(*pair))


@pytest.mark.parametrize(("net", "side"), [("alex", 21), ("vgg", 18)])
def test_smallest_images(net, side):
    metric = metric_of("stlpips")
    assert metric.min_side(net=net) == side
    spec = metric.deep.spec_for(net=net)
    x = jax.ShapeDtypeStruct((side, side + 1, 3), np.float32)
    params = {k: jax.ShapeDtypeStruct(v, np.float32) for k, v in spec.shapes.items()}
    found = jax.eval_shape(
        lambda p, x: metric.core(p, x, x, net=net, output="layers"), params, x
    )
    assert found.shape == (5,)
