"""VGG, as torchvision names it: features by their place in the chain."""

from __future__ import annotations

from jiqa.nn import NETWORKS
from weights_convert.tables._keys import Table, torch

_CLASSIFIER = {"fc6": "classifier.0", "fc7": "classifier.3", "logits": "classifier.6"}


def _torchvision(network: str) -> Table:
    names = [node.name for node in NETWORKS[network].layers()]
    features = names[: names.index("avgpool")]
    modules = _CLASSIFIER | {name: f"features.{k}" for k, name in enumerate(features)}
    return torch(network, modules.__getitem__)


TABLES = {
    (f"vgg{depth}{norm}", "torchvision"): _torchvision
    for depth in (11, 13, 16, 19)
    for norm in ("", "_bn")
}
