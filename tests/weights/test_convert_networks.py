"""From published files to jiqa's: every network, every layout."""

from __future__ import annotations

import hashlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.torch
import torch

from jiqa import weights
from jiqa.nn import NETWORKS
from jiqa.nn import graph as layers
from jiqa.weights import safetensors_files as files
from tests.helpers.converted import check_converted
from tests.helpers.torch_reference import torchvision
from weights_convert.tables import layouts, table

pytestmark = pytest.mark.usefixtures("own_cache")


def _seeded(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A state dictionary in which no two numbers are alike."""
    state = net.state_dict()
    generator = torch.Generator().manual_seed(5)
    return {
        key: torch.randn(value.shape, generator=generator)
        if value.is_floating_point()
        else value
        for key, value in state.items()
    }


def _torchvision(name: str, **options) -> dict[str, torch.Tensor]:
    """torchvision's own state dictionary of a network."""
    options |= {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("meta"):
        net = getattr(torchvision().models, name)(weights=None, **options)
    return _seeded(net.to_empty(device="cpu"))


@pytest.mark.parametrize(
    ("name", "zipped"),
    [
        *((n, z) for n in ("squeezenet1_1", "mobilenet_v2") for z in (True, False)),
        ("resnet18", False),
        ("resnet50", True),
        ("googlenet", False),
        ("inception_v3", True),
    ],
)
def test_what_torchvision_saves(tmp_path, name, zipped):
    state = _torchvision(name)
    source = tmp_path / "source.pth"
    torch.save(state, source, _use_new_zipfile_serialization=zipped)
    done = weights.convert(name, source, tmp_path / "out")
    assert done.path == tmp_path / "out" / f"{name}.safetensors"
    assert done.layout == "torchvision"
    assert done.official is False
    known = table(name, "torchvision")
    check_converted(done.path, state, dict(known.keys))
    assert files.read(done.path)[1]["sha256"] == _sha256(source)
    # Complete both ways: what the table leaves aside is no parameter.
    left = set(state) - set(known.keys.values())
    assert all(key.endswith("num_batches_tracked") for key in left)
    # And the set is read again as the network needs it.
    read = weights.load(name, tmp_path / "out", whole=True)
    assert {k: v.shape for k, v in read.params.items()} == layers.shapes(
        NETWORKS[name].layers()
    )


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18"])
def test_from_a_saved_network_to_its_scores(tmp_path, name, zipped, rng):
    torch.manual_seed(2)
    net = getattr(torchvision().models, name)(weights=None).eval()
    torch.save(
        net.state_dict(),
        tmp_path / "w.pth",
        _use_new_zipfile_serialization=zipped,
    )
    weights.convert(name, tmp_path / "w.pth", tmp_path)
    params = weights.load(name, tmp_path, whole=True).params
    images = rng.normal(size=(2, 67, 80, 3)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    nodes = NETWORKS[name].layers()
    compute = jax.jit(lambda p, x: layers.run(nodes, p, x, ["logits"])["logits"])
    found = compute(params, jnp.asarray(images))
    assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


VGGS = [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")]


@pytest.mark.parametrize("name", ["alexnet", *VGGS])
def test_large_classifiers_may_be_cut_off(tmp_path, name):
    """Half a gigabyte of them; whole files are converted in the slow test."""
    with torch.device("meta"):
        features = getattr(torchvision().models, name)(weights=None).features
    state = _seeded(features.to_empty(device="cpu"))
    state = {f"features.{key}": value for key, value in state.items()}
    torch.save(state, tmp_path / "cut.pth")
    done = weights.convert(name, tmp_path / "cut.pth", tmp_path)
    needed = layers.required(NETWORKS[name])
    known = table(name, "torchvision").keys
    check_converted(done.path, state, {k: known[k] for k in needed})
    assert set(weights.load(name, tmp_path).params) == set(needed)
    with pytest.raises(ValueError, match=r"6 missing: fc6\.kernel"):
        weights.load(name, tmp_path, whole=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_large_classifiers(tmp_path, name):
    state = _torchvision(name)
    torch.save(state, tmp_path / "whole.pth")
    done = weights.convert(name, tmp_path / "whole.pth", tmp_path)
    check_converted(done.path, state, dict(table(name, "torchvision").keys))


def test_auxiliary_heads_may_lack(tmp_path):
    state = _torchvision("inception_v3", aux_logits=False)
    torch.save(state, tmp_path / "w.pth")
    weights.convert("inception_v3", tmp_path / "w.pth", tmp_path)
    read = weights.load("inception_v3", tmp_path, whole=True).params
    assert "logits.kernel" in read
    assert not any(key.startswith("aux") for key in read)


def _of_table(name: str, layout: str) -> dict[str, torch.Tensor]:
    """What a file in this layout looks like, by the shapes of jiqa's network."""
    shapes = layers.shapes(NETWORKS[name].layers())
    generator = torch.Generator().manual_seed(5)
    state = {}
    for key, theirs in table(name, layout).keys.items():
        shape = shapes[key]
        if key.endswith(".kernel"):
            shape = [shape[k] for k in {4: (3, 2, 0, 1), 2: (1, 0)}[len(shape)]]
        state[theirs] = torch.randn(tuple(shape), generator=generator)
    return state


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        (name, layout)
        for name in ("bn_inception", "inception_resnet_v2", "scnn", "scnn_plain")
        for layout in layouts(name)
    ],
)
def test_other_layouts_are_told_apart(tmp_path, name, layout):
    state = _of_table(name, layout)
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    done = weights.convert(name, tmp_path / "w.safetensors", tmp_path / "out")
    assert done.layout == layout
    check_converted(done.path, state, dict(table(name, layout).keys))


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_has_a_table_for_its_published_file(name):
    file = weights.get_set(name).published_file
    kinds = {"h5": "keras", "mat": "matconvnet"}
    kind = kinds.get(file.rsplit(".", 1)[-1])
    assert file
    assert layouts(name)[0] == kind if kind else layouts(name)[0] not in kinds.values()
