"""ResNet, as torchvision names it: layer2_0_conv1 is layer2.0.conv1."""

from __future__ import annotations

from weights_convert.tables._keys import torch_by


def _module(node: str) -> str:
    if node == "logits":
        return "fc"
    node = node.replace("downsample_bn", "downsample.1")
    if node.endswith("downsample"):
        node += ".0"
    return node.replace("_", ".")


TABLES = {(name, "torchvision"): torch_by(_module) for name in ("resnet18", "resnet50")}
