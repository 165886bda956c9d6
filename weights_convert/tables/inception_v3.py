"""Inception v3, as torchvision names it."""

from __future__ import annotations

import re

from weights_convert.tables._keys import torch_by

_DENSE = {"logits": "fc", "aux_logits": "AuxLogits.fc"}


def _module(node: str) -> str:
    if node in _DENSE:
        return _DENSE[node]
    place, kind = (node[:-3], "bn") if node.endswith("_bn") else (node, "conv")
    place = re.sub(r"^aux_", "AuxLogits.", place)
    place = re.sub(r"^(mixed_\d\w)_", r"\1.", place)
    place = re.sub(r"^(mixed|conv2d)_", lambda m: m[0].capitalize(), place)
    return f"{place}.{kind}"


TABLES = {("inception_v3", "torchvision"): torch_by(_module)}
