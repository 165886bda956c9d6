"""Inception v3, as torchvision names it."""

from __future__ import annotations

import re

from weights_convert.tables._keys import Table, torch

_DENSE = {"logits": "fc", "aux_logits": "AuxLogits.fc"}


def _module(node: str) -> str:
    if node in _DENSE:
        return _DENSE[node]
    place, kind = (node[:-3], "bn") if node.endswith("_bn") else (node, "conv")
    place = re.sub(r"^aux_", "AuxLogits.", place)
    place = re.sub(r"^(mixed_\d\w)_", r"\1.", place)
    place = re.sub(r"^(mixed|conv2d)_", lambda m: m[0].capitalize(), place)
    return f"{place}.{kind}"


def _torchvision(network: str) -> Table:
    return torch(network, _module)


TABLES = {("inception_v3", "torchvision"): _torchvision}
