"""ResNet-18 and 50 (He et al. 2016), as torchvision defines them.

Layers: conv1 bn1 relu1 pool1; then, for block k of stage s, layerS_K_conv1
layerS_K_bn1 layerS_K_relu1 ... layerS_K_add layerS_K_relu, where the first block of a
stage may have layerS_K_downsample and layerS_K_downsample_bn on its shortcut; then
avgpool logits. K counts from 0. In ResNet-50 the stride is at the 3x3 convolution.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Add, BatchNorm, Conv, Dense, Relu
from jiqa.nn.pooling import GlobalMean, MaxPool
from jiqa.nn.preprocessing import standardise


@dataclass(frozen=True)
class Config(Network):
    """How deep, and of which blocks.

    Attributes:
        depths: blocks of each of the four stages.
        bottleneck: 1x1, 3x3, 1x1 convolutions a block (the last 4 times as wide)
            instead of two of 3x3.
        classes: how many scores the network ends in.
    """

    depths: tuple[int, int, int, int]
    bottleneck: bool = False
    classes: int = 1000

    preprocess = standardise

    @property
    def trunk(self) -> str:
        """The last feature map."""
        return f"layer4_{self.depths[3] - 1}_relu"

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        nodes = [
            Node("conv1", Conv(64, 7, 2, 3, bias=False)),
            Node("bn1", BatchNorm()),
            Node("relu1", Relu()),
            Node("pool1", MaxPool(3, 2, 1)),
        ]
        came = 64
        for stage, depth in enumerate(self.depths, start=1):
            width = 32 << stage
            out = width * (4 if self.bottleneck else 1)
            for k in range(depth):
                stride = 2 if stage > 1 and k == 0 else 1
                name, shortcut = f"layer{stage}_{k}", nodes[-1].name
                convs = (
                    (Conv(width, 1, 1, 0), Conv(width, 3, stride), Conv(out, 1, 1, 0))
                    if self.bottleneck
                    else (Conv(width, 3, stride), Conv(out))
                )
                nodes += _residual(name, convs)
                if stride > 1 or came != out:
                    conv = Conv(out, 1, stride, 0, bias=False)
                    nodes += [
                        Node(f"{name}_downsample", conv, (shortcut,)),
                        Node(f"{name}_downsample_bn", BatchNorm()),
                    ]
                    shortcut = nodes[-1].name
                last = f"{name}_bn{len(convs)}"
                nodes += [
                    Node(f"{name}_add", Add(), (last, shortcut)),
                    Node(f"{name}_relu", Relu()),
                ]
                came = out
        head = (Node("avgpool", GlobalMean()), Node("logits", Dense(self.classes)))
        return (*nodes, *head)


def _residual(name: str, convs: tuple[Conv, ...]) -> list[Node]:
    nodes: list[Node] = []
    for k, conv in enumerate(convs, start=1):
        nodes.append(Node(f"{name}_conv{k}", dataclasses.replace(conv, bias=False)))
        nodes.append(Node(f"{name}_bn{k}", BatchNorm()))
        if k < len(convs):
            nodes.append(Node(f"{name}_relu{k}", Relu()))
    return nodes


RESNET18 = Config((2, 2, 2, 2))
RESNET50 = Config((3, 4, 6, 3), bottleneck=True)

#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {
    "resnet18": RESNET18,
    "resnet50": RESNET50,
}
