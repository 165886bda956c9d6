"""DBCNN's S-CNN, as its authors' PyTorch and MatConvNet files name it."""

from __future__ import annotations

from jiqa.nn import NETWORKS
from weights_convert.tables._keys import Table, by_part, torch

_HEAD = {
    "fc5": "projection.0",
    "bn5": "projection.1",
    "fc6": "projection.3",
    "bn6": "projection.4",
    "logits": "classifier",
}
#: MatConvNet: filters and biases.
_LETTERS = {"kernel": "f", "bias": "b"}


def _pytorch(network: str) -> Table:
    """Saved from several processors at once, hence ``module``."""
    names = [node.name for node in NETWORKS[network].layers()]
    features = names[: names.index("avgpool")]
    modules = _HEAD | {name: f"features.{k}" for k, name in enumerate(features)}
    return torch(network, lambda node: f"module.{modules[node]}")


def _matconvnet(network: str) -> Table:
    """Layers are named by block and place as here, with a dash."""

    def source(node: str, part: str) -> str:
        layer = "fc7" if node == "logits" else node.replace("_", "-")
        return layer + _LETTERS[part]

    return by_part(network, source)


TABLES = {
    ("scnn", "pytorch"): _pytorch,
    ("scnn_plain", "pytorch"): _pytorch,
    ("scnn_matconvnet", "matconvnet"): _matconvnet,
}
