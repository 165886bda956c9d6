"""ResNet, as torchvision names it: layer2_0_conv1 is layer2.0.conv1."""

from __future__ import annotations

from weights_convert.tables._keys import Table, torch


def _module(node: str) -> str:
    if node == "logits":
        return "fc"
    node = node.replace("downsample_bn", "downsample.1")
    if node.endswith("downsample"):
        node += ".0"
    return node.replace("_", ".")


def _torchvision(network: str) -> Table:
    return torch(network, _module)


TABLES = {(name, "torchvision"): _torchvision for name in ("resnet18", "resnet50")}
