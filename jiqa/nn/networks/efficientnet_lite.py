"""EfficientNet-Lite (Liu and others 2020, after Tan and Le 2019): Lite0 to Lite2.

Layers: stem stem_bn stem_relu; for block k from 1, blockK_expand blockK_expand_bn
blockK_expand_relu (not in block1), blockK_depthwise ..._bn ..._relu, blockK_project
blockK_project_bn and, where a shortcut runs past, blockK_add; then head head_bn
head_relu avgpool logits. Lite0 has 16 blocks, Lite1 and Lite2 21. All rectifiers end
at 6; nothing squeezes and excites; batch normalisation's epsilon is 0.001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jiqa.nn.blocks import unit
from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Add, BatchNorm, Conv, Dense, Relu6
from jiqa.nn.pooling import GlobalMean
from jiqa.nn.preprocessing import Preprocessing

#: (expansion, width, blocks, window, stride of the first) of each stage of Lite0.
_STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
_EPSILON = 1e-3


@dataclass(frozen=True)
class Config(Network):
    """How wide and deep the network is, and where its zeros go.

    Attributes:
        wider: factor of the widths; stem and head stay as they are.
        deeper: factor of the depths; the first and the last stage stay as they are.
        side: of the images that it was trained on. Zeros lie around a map as
            TensorFlow's "same" puts them around that of an image of this side, which
            depends on whether the map's side is even; so they do for every size.
        classes: how many scores the network ends in.
    """

    wider: float = 1.0
    deeper: float = 1.0
    side: int = 224
    classes: int = 1000

    trunk = "head_relu"
    preprocess = Preprocessing((127.0, 127.0, 127.0), (128.0, 128.0, 128.0), peak=255.0)

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        side = self.side
        nodes = _unit("stem", Conv(32, 3, 2, _same(side, 3, 2), bias=False))
        side = _halved(side, 2)
        came, block = 32, 0
        for depth, stage in zip(self._depths(), _STAGES, strict=True):
            expansion, width, _, window, first = stage
            width = _multiple_of_8(width * self.wider)
            for stride in (first, *(1,) * (depth - 1)):
                block += 1
                padding = _same(side, window, stride)
                inner = came * expansion
                deep = Conv(inner, window, stride, padding, inner, bias=False)
                nodes += _block(f"block{block}", nodes[-1].name, came, deep, width)
                came, side = width, _halved(side, stride)
        nodes += _unit("head", Conv(1280, 1, 1, 0, bias=False))
        return (
            *nodes,
            Node("avgpool", GlobalMean()),
            Node("logits", Dense(self.classes)),
        )

    def stage_maps(self) -> tuple[str, ...]:
        """Of each stage the first wide map and the last map, then the network's last.

        The first stage has no wide map of its own but the stem's; the last one's is
        followed by the head.
        """
        found, block = ["stem_relu", "block1_project_bn"], 1
        for depth in self._depths()[1:-1]:
            found.append(f"block{block + 1}_expand_relu")
            block += depth
            found.append(f"block{block}_add")
        return (*found, f"block{block + 1}_expand_relu", self.trunk)

    def _depths(self) -> list[int]:
        """Blocks of each stage."""
        first, *middle, last = (depth for _, _, depth, _, _ in _STAGES)
        return [first, *(math.ceil(depth * self.deeper) for depth in middle), last]


def _multiple_of_8(width: float) -> int:
    """The nearest multiple of 8, or the next if that takes more than a tenth away."""
    near = max(8, int(width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * width else near


def _halved(side: int, stride: int) -> int:
    return -(-side // stride)


def _same(
    side: int, window: int, stride: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """TensorFlow's zeros: as many before as after, or one more after."""
    zeros = max((_halved(side, stride) - 1) * stride + window - side, 0)
    pad = (zeros // 2, zeros - zeros // 2)
    return pad, pad


def _unit(name: str, conv: Conv) -> list[Node]:
    return unit(name, conv, epsilon=_EPSILON, activation=Relu6())


def _block(
    name: str, shortcut: str, came: int, depthwise: Conv, width: int
) -> list[Node]:
    nodes: list[Node] = []
    if depthwise.features != came:
        nodes += _unit(f"{name}_expand", Conv(depthwise.features, 1, 1, 0, bias=False))
    nodes += _unit(f"{name}_depthwise", depthwise)
    project = f"{name}_project"
    nodes += [
        Node(project, Conv(width, 1, 1, 0, bias=False)),
        Node(f"{project}_bn", BatchNorm(_EPSILON)),
    ]
    if depthwise.stride == 1 and came == width:
        nodes.append(Node(f"{name}_add", Add(), (shortcut, f"{project}_bn")))
    return nodes


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {
    "efficientnet_lite0": Config(),
    "efficientnet_lite1": Config(1.0, 1.1, 240),
    "efficientnet_lite2": Config(1.1, 1.2, 260),
}
