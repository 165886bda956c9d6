"""AlexNet, as torchvision names it."""

from __future__ import annotations

from weights_convert.tables._keys import Table, torch

_MODULES = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "logits": "classifier.6",
}


def _torchvision(network: str) -> Table:
    return torch(network, _MODULES.__getitem__)


TABLES = {("alexnet", "torchvision"): _torchvision}
