"""MobileNet v2, as torchvision names it: block k is features.k."""

from __future__ import annotations

from weights_convert.tables._keys import torch_by

#: Place of a convolution in its block; of its batch normalisation, the next.
_STEPS = {
    "expand": ("0.0", "0.1"),
    "depthwise": ("1.0", "1.1"),
    "project": ("2", "3"),
}
#: The first block expands nothing.
_FIRST = {"depthwise": ("0.0", "0.1"), "project": ("1", "2")}
_OTHERS = {
    "conv1": "features.0.0",
    "conv1_bn": "features.0.1",
    "conv18": "features.18.0",
    "conv18_bn": "features.18.1",
    "logits": "classifier.1",
}


def _module(node: str) -> str:
    if node in _OTHERS:
        return _OTHERS[node]
    block, step, *norm = node.split("_")
    steps = _FIRST if block == "block1" else _STEPS
    return f"features.{block.removeprefix('block')}.conv.{steps[step][len(norm)]}"


TABLES = {("mobilenet_v2", "torchvision"): torch_by(_module)}
