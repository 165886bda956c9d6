"""Keras's HDF5 and MatConvNet's .mat files, written here as those programs do."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from weights_convert.formats import read_source


def _draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


LAYERS: dict[str, dict[str, np.ndarray]] = {
    "input_1": {},
    "conv1": {"kernel:0": _draw(3, 3, 3, 8)},
    "conv1_bn": {f"{k}:0": _draw(8) for k in ("gamma", "beta", "moving_mean")},
    "conv_dw_1": {"depthwise_kernel:0": _draw(3, 3, 8, 1)},
}


def _keras(path: Path, *, whole: bool = False, split: bool = False) -> Path:
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        names = [n.encode() for n in LAYERS]
        if split:
            root.attrs["layer_names0"] = names[:2]
            root.attrs["layer_names1"] = names[2:]
        else:
            root.attrs["layer_names"] = names
        for layer, weights in LAYERS.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = [f"{layer}/{w}".encode() for w in weights]
            for name, value in weights.items():
                group[f"{layer}/{name}"] = value
    return path


@pytest.mark.parametrize(
    "options", [{}, {"whole": True}, {"split": True}], ids=["weights", "model", "split"]
)
def test_keras(tmp_path, options):
    read = read_source(_keras(tmp_path / "w.h5", **options))
    assert read.family == "keras"
    wanted = {
        f"{layer}/{name.split(':')[0]}": value
        for layer, weights in LAYERS.items()
        for name, value in weights.items()
    }
    assert set(read.arrays) == set(wanted)
    for key, value in wanted.items():
        np.testing.assert_array_equal(read.arrays[key], value)


def test_hdf5_of_another_kind(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["table"] = np.ones(3)
    with pytest.raises(
        ValueError, match=r"w\.h5 is not an HDF5 file of Keras .*holds table"
    ):
        read_source(tmp_path / "w.h5")


def test_damaged_hdf5(tmp_path):
    path = _keras(tmp_path / "w.h5")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"w\.h5: cannot be read as HDF5"):
        read_source(path)


def test_without_h5py(tmp_path, monkeypatch):
    path = _keras(tmp_path / "w.h5")
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "h5py":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'jiqa\[convert\]'"):
        read_source(path)


FILTERS, BIASES = _draw(3, 3, 2, 5), _draw(1, 5)
DENSE = _draw(4, 4, 5, 1)


def _cell(*items: Any) -> np.ndarray:
    out = np.empty((1, len(items)), object)
    for k, item in enumerate(items):
        out[0, k] = item
    return out


SIMPLE = {
    "layers": _cell(
        {"type": "conv", "name": "conv1-1", "weights": _cell(FILTERS, BIASES)},
        {"type": "relu", "name": "relu1-1", "weights": np.empty((0, 0), object)},
        {"type": "conv", "name": "fc2", "filters": DENSE, "biases": _draw(1, 1)},
        {"type": "softmax", "name": "prob"},
    ),
    "meta": {"inputSize": np.array([[224.0, 224, 3, 1]])},
}
DAG = {
    "params": [
        {"name": "conv1-1f", "value": FILTERS},
        {"name": "conv1-1b", "value": BIASES},
        {"name": "fc2f", "value": DENSE},
        {"name": "fc2b", "value": _draw(1, 1)},
    ],
    "layers": [{"name": "conv1-1", "type": "dagnn.Conv"}],
}


def _structured(net: dict[str, Any]) -> dict[str, Any]:
    """Lists as MATLAB's structure arrays."""

    def array(items: list[dict[str, Any]]) -> np.ndarray:
        out = np.empty((1, len(items)), [(name, object) for name in items[0]])
        for k, item in enumerate(items):
            out[0, k] = tuple(item.values())
        return out

    return {k: array(v) if isinstance(v, list) else v for k, v in net.items()}


@pytest.mark.parametrize("inside", [False, True], ids=["fields", "net"])
@pytest.mark.parametrize("kind", ["simple", "dag"])
def test_matlab_version_5(tmp_path, kind, inside):
    net = _structured(SIMPLE if kind == "simple" else DAG)
    scipy.io.savemat(tmp_path / "w.mat", {"net": net} if inside else net)
    _check_network(tmp_path / "w.mat")


def _check_network(path: Path) -> None:
    read = read_source(path)
    assert read.family == "matconvnet"
    assert set(read.arrays) == {"conv1-1f", "conv1-1b", "fc2f", "fc2b"}
    np.testing.assert_array_equal(read.arrays["conv1-1f"], FILTERS)
    np.testing.assert_array_equal(read.arrays["conv1-1b"], BIASES)
    np.testing.assert_array_equal(read.arrays["fc2f"].reshape(DENSE.shape), DENSE)


def _matlab_hdf5(path: Path, net: dict[str, Any], *, inside: bool) -> Path:
    """A file of version 7.3: HDF5 behind a MATLAB header, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")

        def reference(value: Any) -> Any:
            name = f"r{len(refs)}"
            write(refs, name, value)
            return refs[name].ref

        def write(group: Any, name: str, value: Any) -> None:
            if isinstance(value, dict):
                inner = group.create_group(name)
                inner.attrs["MATLAB_class"] = np.bytes_("struct")
                for key, item in value.items():
                    write(inner, key, item)
            elif isinstance(value, list):
                inner = group.create_group(name)
                inner.attrs["MATLAB_class"] = np.bytes_("struct")
                for key in value[0]:
                    column = [[reference(item[key])] for item in value]
                    inner.create_dataset(key, data=column, dtype=h5py.ref_dtype)
            elif isinstance(value, str):
                codes = np.array([[ord(c)] for c in value], np.uint16)
                group[name] = codes
                group[name].attrs["MATLAB_class"] = np.bytes_("char")
            elif value.dtype == object and not value.size:
                group[name] = np.zeros(2, np.uint64)
                group[name].attrs["MATLAB_class"] = np.bytes_("cell")
                group[name].attrs["MATLAB_empty"] = np.uint8(1)
            elif value.dtype == object:
                cells = [[reference(item)] for item in value.ravel()]
                group.create_dataset(name, data=cells, dtype=h5py.ref_dtype)
                group[name].attrs["MATLAB_class"] = np.bytes_("cell")
            else:
                group[name] = value.T
                group[name].attrs["MATLAB_class"] = np.bytes_("single")

        for key, value in {"net": net}.items() if inside else net.items():
            write(file, key, value)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124))
        raw.write(b"\x00\x02IM")
    return path


@pytest.mark.parametrize("inside", [False, True], ids=["fields", "net"])
@pytest.mark.parametrize("kind", ["simple", "dag"])
def test_matlab_version_7_3(tmp_path, kind, inside):
    net = SIMPLE if kind == "simple" else DAG
    _check_network(_matlab_hdf5(tmp_path / "w.mat", net, inside=inside))


def test_mat_files_without_a_network(tmp_path):
    scipy.io.savemat(tmp_path / "w.mat", {"scores": np.ones(3)})
    with pytest.raises(
        ValueError, match=r"expected a MatConvNet network.*got .*scores"
    ):
        read_source(tmp_path / "w.mat")
    content = (tmp_path / "w.mat").read_bytes()
    (tmp_path / "w.mat").write_bytes(content[:150])
    with pytest.raises(ValueError, match=r"w\.mat: cannot be read as a \.mat file"):
        read_source(tmp_path / "w.mat")
