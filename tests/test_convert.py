"""From published files to jiqa's: every network, every complaint, the command."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.torch
import torch
from backbone_references import torchvision

import weights_convert
from jiqa import weights
from jiqa.nn import NETWORKS, layers
from jiqa.weights import files
from jiqa.weights.sets import WeightSet
from weights_convert import converting
from weights_convert.command import main
from weights_convert.mapping import fitted, parameters
from weights_convert.tables import Table, layouts, table


@pytest.fixture(autouse=True)
def _only_here(monkeypatch, tmp_path):
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JIQA_WEIGHTS", raising=False)


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


def _check(
    path: Path, state: dict[str, torch.Tensor], keys: dict[str, str]
) -> dict[str, np.ndarray]:
    """Bit for bit: a kernel's axes turned, anything else as it is."""
    params, metadata = files.read(path)
    assert set(params) == set(keys)
    for key, theirs in keys.items():
        wanted = state[theirs].numpy()
        if key.endswith(".kernel"):
            order = {4: (2, 3, 1, 0), 2: (1, 0)}[wanted.ndim]
            wanted = wanted.transpose(order)
        np.testing.assert_array_equal(params[key], wanted, err_msg=key)
        assert params[key].dtype == np.float32
    assert metadata["licence"]
    assert metadata["source"]
    return params


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
    done = weights_convert.convert(name, source, tmp_path / "out")
    assert done.path == tmp_path / "out" / f"{name}.safetensors"
    assert done.layout == "torchvision"
    assert done.official is False
    known = table(name, "torchvision")
    _check(done.path, state, dict(known.keys))
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
    weights_convert.convert(name, tmp_path / "w.pth", tmp_path)
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
    done = weights_convert.convert(name, tmp_path / "cut.pth", tmp_path)
    needed = layers.required(NETWORKS[name])
    known = table(name, "torchvision").keys
    _check(done.path, state, {k: known[k] for k in needed})
    assert set(weights.load(name, tmp_path).params) == set(needed)
    with pytest.raises(ValueError, match=r"6 missing: fc6\.kernel"):
        weights.load(name, tmp_path, whole=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_large_classifiers(tmp_path, name):
    state = _torchvision(name)
    torch.save(state, tmp_path / "whole.pth")
    done = weights_convert.convert(name, tmp_path / "whole.pth", tmp_path)
    _check(done.path, state, dict(table(name, "torchvision").keys))


def test_auxiliary_heads_may_lack(tmp_path):
    state = _torchvision("inception_v3", aux_logits=False)
    torch.save(state, tmp_path / "w.pth")
    weights_convert.convert("inception_v3", tmp_path / "w.pth", tmp_path)
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
    done = weights_convert.convert(name, tmp_path / "w.safetensors", tmp_path / "out")
    assert done.layout == layout
    _check(done.path, state, dict(table(name, layout).keys))


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_has_a_table_for_its_published_file(name):
    file = weights.get_set(name).published_file
    kinds = {"h5": "keras", "mat": "matconvnet"}
    kind = kinds.get(file.rsplit(".", 1)[-1])
    assert file
    assert layouts(name)[0] == kind if kind else layouts(name)[0] not in kinds.values()


KEYS = {
    "conv.kernel": "a.weight",
    "conv.bias": "a.bias",
    "dense.kernel": "fc.weight",
    "dense.bias": "fc.bias",
    "norm.scale": "bn.weight",
}
SHAPES = {
    "conv.kernel": (2, 3, 4, 5),
    "conv.bias": (5,),
    "dense.kernel": (6, 7),
    "dense.bias": (7,),
    "norm.scale": (5,),
}
STATE: dict[str, torch.Tensor] = {
    "a.weight": torch.arange(120.0).reshape(5, 4, 2, 3),
    "a.bias": torch.arange(5.0),
    "fc.weight": torch.arange(42.0).reshape(7, 6),
    "fc.bias": torch.arange(7.0),
    "bn.weight": torch.arange(5.0),
    "bn.num_batches_tracked": torch.tensor(3),
}


def _source(tmp_path: Path, state: dict[str, torch.Tensor]) -> weights_convert.Source:
    torch.save(state, tmp_path / "toy.pth")
    return weights_convert.read_source(tmp_path / "toy.pth")


def test_all_that_is_wrong_in_one_report(tmp_path):
    state = STATE | {
        "a.weight": torch.ones(5, 4, 3, 3),
        "fc.bias": torch.ones(7, dtype=torch.int32),
        "b.weight": torch.ones(2),
        "b.bias": torch.ones(3),
    }
    del state["a.bias"], state["bn.weight"]
    source = _source(tmp_path, state)
    with pytest.raises(ValueError) as caught:
        parameters(source, KEYS, ("*.num_batches_tracked",), SHAPES)
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'toy.pth'} does not fit",
        "2 missing:",
        "  a.bias (for conv.bias (5,))",
        "  bn.weight (for norm.scale (5,))",
        "2 unexpected:",
        "  b.bias (3,)",
        "  b.weight (2,)",
        "1 of another shape:",
        "  a.weight (5, 4, 3, 3) gives conv.kernel (3, 3, 4, 5), needed is "
        "(2, 3, 4, 5)",
        "1 not floating point:",
        "  fc.bias (int32)",
    ]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path, kind):
    source = _source(tmp_path, {k: (v / 3).to(kind) for k, v in STATE.items()})
    found = parameters(source, KEYS, ("bn.num*",), SHAPES)
    for key, theirs in KEYS.items():
        assert found[key].dtype == np.float32
        assert found[key].flags.c_contiguous
        wanted = (STATE[theirs] / 3).to(kind).to(torch.float32).numpy()
        np.testing.assert_array_equal(np.sort(found[key].ravel()), wanted.ravel())


@pytest.mark.parametrize(
    ("shape", "wanted", "same"),
    [
        ((1, 64, 1, 1), (64,), True),
        ((1, 1, 9, 4), (9, 4), True),
        ((5, 1), (5,), True),
        ((3, 3, 4), (3, 3, 4, 1), True),
        ((4, 9), (9, 4), False),
        ((6, 6), (36,), False),
    ],
)
def test_only_axes_of_one_are_added_or_dropped(shape, wanted, same):
    value = np.arange(np.prod(shape)).reshape(shape)
    found = fitted(value, wanted)
    assert (found.shape == wanted) is same
    np.testing.assert_array_equal(found.ravel(), value.ravel())


def test_depthwise_kernels_of_keras():
    value = np.arange(3 * 3 * 4 * 2.0, dtype=np.float32).reshape(3, 3, 4, 2)
    source = weights_convert.Source(
        Path("w.h5"), "", "keras", {"dw/depthwise_kernel": value}
    )
    found = parameters(
        source, {"dw.kernel": "dw/depthwise_kernel"}, (), {"dw.kernel": (3, 3, 1, 8)}
    )["dw.kernel"]
    # Group c of a grouped convolution has its outputs one behind the other.
    for channel in range(4):
        np.testing.assert_array_equal(
            found[:, :, 0, 2 * channel : 2 * channel + 2], value[:, :, channel]
        )


TOY = WeightSet(
    "toy",
    "a toy",
    {k: s for k, s in SHAPES.items() if not k.startswith("dense")},
    "MIT",
    "toys, toy-12345678.pth",
    further={k: s for k, s in SHAPES.items() if k.startswith("dense")},
    network="toynet",
)


@pytest.fixture
def toy(monkeypatch) -> Callable[..., None]:
    """A network of three layers in place of the real ones."""

    def use(**changes) -> None:
        wanted = WeightSet(**(vars(TOY) | changes))
        monkeypatch.setattr(converting, "get_set", lambda name: wanted)

    known = Table(KEYS, ("*.num_batches_tracked",))
    monkeypatch.setattr(converting, "layouts", lambda network: ("torchvision",))
    monkeypatch.setattr(converting, "table", lambda network, layout: known)
    use()
    return use


def test_command(tmp_path, toy, capsys):
    source = _source(tmp_path, STATE)
    assert main(["toy", str(source.path), str(tmp_path / "out")]) == 0
    path = tmp_path / "out" / "toy.safetensors"
    assert f"{path}: 5 arrays" in capsys.readouterr().out
    _check(path, STATE, KEYS)
    assert main(["toy", str(source.path), str(tmp_path / "x.safetensors")]) == 0
    _check(tmp_path / "x.safetensors", STATE, KEYS)


@pytest.mark.parametrize(
    ("digest", "told", "source"),
    [
        ("", "does not know the SHA-256", "the file toy.pth, given as toys"),
        ("0123", "not the owners' file as published", "the file toy.pth, given as"),
        (None, "(the owners' file)", "toys, toy-12345678.pth"),
    ],
)
def test_origin_is_recorded(tmp_path, toy, capsys, digest, told, source):
    read = _source(tmp_path, STATE)
    toy(digest=read.sha256[:8] if digest is None else digest)
    assert main(["toy", str(read.path), str(tmp_path)]) == 0
    assert told in capsys.readouterr().out
    metadata = files.read(tmp_path / "toy.safetensors")[1]
    assert metadata["source"].startswith(source)
    assert metadata["licence"] == "MIT"
    assert metadata["sha256"] == read.sha256


def test_half_a_classifier_is_a_damaged_file(tmp_path, toy):
    state = {k: v for k, v in STATE.items() if k != "fc.bias"}
    with pytest.raises(ValueError, match=r"1 missing:\n  fc\.bias \(for dense\.bias"):
        weights_convert.convert("toy", _source(tmp_path, state).path, tmp_path)
    assert not (tmp_path / "toy.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["vgg-16", "x.pth", "."], "did you mean vgg16"),
        (["vgg16", "nowhere.pth", "."], "nowhere.pth"),
        (["vgg16", "{page}", "."], "of no known format"),
        (["vgg16", "{toy}", "."], "26 missing"),
        (["vgg16", "{toy}", ".", "--layout", "timm"], "no layout 'timm' of vgg16"),
        (["mobilenet_v1", "{toy}", "."], "its layouts are keras"),
    ],
)
def test_command_says_what_is_wrong(tmp_path, capsys, arguments, told):
    _source(tmp_path, STATE)
    (tmp_path / "page.pth").write_text("<html>")
    places = {"toy": tmp_path / "toy.pth", "page": tmp_path / "page.pth"}
    assert main([a.format(**places) for a in arguments]) == 1
    assert told in capsys.readouterr().err


def test_heads_convert_to_the_shipped_ones(tmp_path):
    """Files as the authors of LPIPS and DISTS wrote them, from the shipped numbers."""
    for name in ("lpips-squeeze-v0.1", "lpips-vgg-v0.0", "dists"):
        shipped = weights.load(name)
        if name == "dists":
            shape = (1, 1475, 1, 1)
            parts = {k: shipped.params[f"dists.{k}"] for k in ("alpha", "beta")}
            state = {k: torch.tensor(v).reshape(shape) for k, v in parts.items()}
        else:
            state = {
                f"lin{k}.model.1.weight": torch.tensor(value).reshape(1, -1, 1, 1)
                for k, value in enumerate(shipped.params.values())
            }
        torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
        weights_convert.convert(name, tmp_path / "w.pth", tmp_path)
        read = weights.load(name, tmp_path)
        assert read.origin == "folder"
        assert read.published
