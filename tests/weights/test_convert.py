"""Converting: every complaint, the command, the heads."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import weights_convert
from jiqa import weights
from jiqa.cli import main
from jiqa.weights import safetensors_files as files
from jiqa.weights.weight_set import WeightSet
from tests.helpers.converted import check_converted
from weights_convert.mapping import fitted, parameters
from weights_convert.tables import Table

# The function of that name hides the module from an import statement.
converting = importlib.import_module("jiqa.weights.convert")

pytestmark = pytest.mark.usefixtures("own_cache")


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
        "  conv.kernel: expected shape (2, 3, 4, 5), got (3, 3, 4, 5) from "
        "a.weight (5, 4, 3, 3)",
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
    extra={k: s for k, s in SHAPES.items() if k.startswith("dense")},
    network="toynet",
)


@pytest.fixture
def toy(monkeypatch) -> Callable[..., None]:
    """A network of three layers in place of the real ones."""

    def use(**changes) -> None:
        wanted = WeightSet(**(vars(TOY) | changes))
        monkeypatch.setattr(converting, "get_set", lambda name: wanted)
        monkeypatch.setattr(weights, "get_set", lambda name: wanted)

    known = Table(KEYS, ("*.num_batches_tracked",))
    monkeypatch.setattr(converting, "layouts", lambda network: ("torchvision",))
    monkeypatch.setattr(converting, "table", lambda network, layout: known)
    use()
    return use


def test_command(tmp_path, toy, capsys):
    source = _source(tmp_path, STATE)
    assert (
        main(["weights", "convert", "toy", str(source.path), str(tmp_path / "out")])
        == 0
    )
    path = tmp_path / "out" / "toy.safetensors"
    assert f"{path}: 5 arrays" in capsys.readouterr().out
    check_converted(path, STATE, KEYS)
    assert (
        main(
            [
                "weights",
                "convert",
                "toy",
                str(source.path),
                str(tmp_path / "x.safetensors"),
            ]
        )
        == 0
    )
    check_converted(tmp_path / "x.safetensors", STATE, KEYS)


@pytest.mark.parametrize(
    ("digest", "told", "source"),
    [
        ("", "does not know the SHA-256", "the file toy.pth, given as toys"),
        ("0123", "not the published file", "the file toy.pth, given as"),
        (None, "(the published file)", "toys, toy-12345678.pth"),
    ],
)
def test_origin_is_recorded(tmp_path, toy, capsys, digest, told, source):
    read = _source(tmp_path, STATE)
    toy(digest=read.sha256[:8] if digest is None else digest)
    assert main(["weights", "convert", "toy", str(read.path), str(tmp_path)]) == 0
    assert told in capsys.readouterr().out
    metadata = files.read(tmp_path / "toy.safetensors")[1]
    assert metadata["source"].startswith(source)
    assert metadata["licence"] == "MIT"
    assert metadata["sha256"] == read.sha256


def test_half_a_classifier_is_a_damaged_file(tmp_path, toy):
    state = {k: v for k, v in STATE.items() if k != "fc.bias"}
    with pytest.raises(ValueError, match=r"1 missing:\n  fc\.bias \(for dense\.bias"):
        weights.convert("toy", _source(tmp_path, state).path, tmp_path)
    assert not (tmp_path / "toy.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["vgg16", "nowhere.pth", "."], "nowhere.pth"),
        (["vgg16", "{page}", "."], "MatConvNet's .mat, got a web page"),
        (["vgg16", "{toy}", "."], "26 missing"),
        (["vgg16", "{toy}", ".", "--layout", "timm"], "no layout 'timm' of vgg16"),
        (["mobilenet_v1", "{toy}", "."], "(layouts: keras)"),
    ],
)
def test_command_says_what_is_wrong(tmp_path, capsys, arguments, told):
    _source(tmp_path, STATE)
    (tmp_path / "page.pth").write_text("<html>")
    places = {"toy": tmp_path / "toy.pth", "page": tmp_path / "page.pth"}
    assert main(["weights", "convert", *(a.format(**places) for a in arguments)]) == 1
    assert told in capsys.readouterr().err


def test_command_refuses_an_unknown_name(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["weights", "convert", "vgg-16", "x.pth", "."])
    assert ended.value.code == 2
    assert "did you mean vgg16" in capsys.readouterr().err


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
        weights.convert(name, tmp_path / "w.pth", tmp_path)
        read = weights.load(name, tmp_path)
        assert read.origin == "folder"
        assert read.published


def test_a_network_inside_another_model(tmp_path, toy):
    wanted = converting.convert(
        "toy", _source(tmp_path, STATE).path, tmp_path / "a"
    ).params
    other = {f"model.backbone.{k}": v for k, v in STATE.items()}
    other |= {"model.head.weight": STATE[next(iter(STATE))], "scale": torch.ones(1)}
    path = _source(tmp_path, other).path
    found = converting.convert("toy", path, tmp_path / "b").params
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        np.testing.assert_array_equal(found[key], value)


def test_weights_that_are_not_finite_are_named(tmp_path, toy):
    broken = {k: v.clone() for k, v in STATE.items()}
    key = next(k for k, v in broken.items() if v.ndim > 1)
    broken[key].view(-1)[:2] = torch.tensor([torch.nan, torch.inf])
    path = _source(tmp_path, broken).path
    message = rf"1 with NaN or infinity:\n  {re.escape(key)}: 2 of \d+ numbers"
    with pytest.raises(ValueError, match=message):
        converting.convert("toy", path, tmp_path / "out")
