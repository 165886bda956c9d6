"""Inception-ResNet-v2, as timm names it, and Cadene's pretrained-models before it."""

from __future__ import annotations

import functools
import re

from weights_convert.tables._keys import Table, torch

_REPEATS = {"block35": "repeat", "block17": "repeat_1", "block8": "repeat_2"}
#: timm: 1,000 or 1,001 scores, by the file.
_CLASSIFIERS = {"timm": "classif", "pytorch": "last_linear"}


def _module(node: str, classifier: str) -> str:
    if node == "logits":
        return classifier
    place, kind = (node[:-3], ".bn") if node.endswith("_bn") else (node, ".conv")
    stem, _, inner = place.partition("_branch")
    residual = re.fullmatch(r"(block\d+)_(\d+)(_conv2d)?", stem)
    if residual:
        block, number = residual[1], int(residual[2])
        last = (block, number) == ("block8", 10)
        stem = "block8" if last else f"{_REPEATS[block]}.{number - 1}"
        if residual[3]:
            return f"{stem}.conv2d"
    branch = f".branch{inner.replace('_', '.')}" if inner else ""
    return f"{stem}{branch}{kind}"


def _make(layout: str, network: str) -> Table:
    return torch(network, lambda node: _module(node, _CLASSIFIERS[layout]))


TABLES = {
    ("inception_resnet_v2", layout): functools.partial(_make, layout)
    for layout in _CLASSIFIERS
}
