"""SqueezeNet 1.1, as torchvision names it."""

from __future__ import annotations

from weights_convert.tables._keys import torch_by

_PLACES = {
    "conv1": "features.0",
    "fire2": "features.3",
    "fire3": "features.4",
    "fire4": "features.6",
    "fire5": "features.7",
    "fire6": "features.9",
    "fire7": "features.10",
    "fire8": "features.11",
    "fire9": "features.12",
    "conv10": "classifier.1",
}


def _module(node: str) -> str:
    place, _, part = node.partition("_")
    return ".".join([_PLACES[place], *([part] if part else [])])


TABLES = {("squeezenet1_1", "torchvision"): torch_by(_module)}
