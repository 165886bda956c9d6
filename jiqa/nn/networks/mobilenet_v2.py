"""MobileNet v2 (Sandler et al. 2018), as torchvision defines it, of full width.

Layers: conv1 conv1_bn conv1_relu; for block k of 17, blockK_expand blockK_expand_bn
blockK_expand_relu (not in block1), blockK_depthwise ..._bn ..._relu, blockK_project
blockK_project_bn and, where a shortcut runs past, blockK_add; then conv18 conv18_bn
conv18_relu avgpool logits. All rectifiers end at 6.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.blocks import unit
from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Add, BatchNorm, Conv, Dense, Relu6
from jiqa.nn.pooling import GlobalMean
from jiqa.nn.preprocessing import standardise

#: (expansion, width, blocks, stride of the first) of each stage.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@dataclass(frozen=True)
class Config(Network):
    """How many classes the network scores."""

    classes: int = 1000

    trunk = "conv18_relu"
    preprocess = standardise

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        nodes = _unit("conv1", Conv(32, 3, 2, bias=False))
        came, block = 32, 0
        for expansion, width, depth, first in _STAGES:
            for k in range(depth):
                block += 1
                stride = first if k == 0 else 1
                nodes += _block(
                    f"block{block}", nodes[-1].name, came, expansion, width, stride
                )
                came = width
        nodes += _unit("conv18", Conv(1280, 1, 1, 0, bias=False))
        head = (Node("avgpool", GlobalMean()), Node("logits", Dense(self.classes)))
        return (*nodes, *head)


def _unit(name: str, conv: Conv) -> list[Node]:
    return unit(name, conv, activation=Relu6())


def _block(
    name: str, shortcut: str, came: int, expansion: int, width: int, stride: int
) -> list[Node]:
    inner = came * expansion
    nodes: list[Node] = []
    if expansion > 1:
        nodes += _unit(f"{name}_expand", Conv(inner, 1, 1, 0, bias=False))
    depthwise = Conv(inner, 3, stride, groups=inner, bias=False)
    nodes += _unit(f"{name}_depthwise", depthwise)
    project = f"{name}_project"
    nodes += [
        Node(project, Conv(width, 1, 1, 0, bias=False)),
        Node(f"{project}_bn", BatchNorm()),
    ]
    if stride == 1 and came == width:
        nodes.append(Node(f"{name}_add", Add(), (shortcut, f"{project}_bn")))
    return nodes


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"mobilenet_v2": Config()}
