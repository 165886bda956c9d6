"""EfficientNet-Lite, as its PyTorch packages name it: block k is _blocks.(k - 1)."""

from __future__ import annotations

from weights_convert.tables._keys import torch_by

#: Name of a convolution in its block, and the number of its batch normalisation.
_STEPS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}
_OTHERS = {
    "stem": "_conv_stem",
    "stem_bn": "_bn0",
    "head": "_conv_head",
    "head_bn": "_bn1",
    "logits": "_fc",
}


def _module(node: str) -> str:
    if node in _OTHERS:
        return _OTHERS[node]
    block, step, *norm = node.split("_")
    number = int(block.removeprefix("block")) - 1
    return f"_blocks.{number}.{_STEPS[step][len(norm)]}"


TABLES = {(f"efficientnet_lite{k}", "pytorch"): torch_by(_module) for k in range(3)}
