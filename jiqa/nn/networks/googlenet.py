"""GoogLeNet (Szegedy et al. 2015), as torchvision defines it: batch-normalised.

Layers: transform; conv1 pool1 conv2 conv3 pool2, each convolution with ..._bn and
..._relu; inception_3a inception_3b pool3 inception_4a ... inception_4e pool4
inception_5a inception_5b; avgpool logits. Inside a module: _1x1, _3x3_reduce, _3x3,
_5x5_reduce, _5x5 (its window is 3x3: a slip that the weights were trained with), _pool
and _pool_proj. The auxiliary heads end in aux1_logits and aux2_logits.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.blocks import FromTensorFlow, unit
from jiqa.nn.graph import Node
from jiqa.nn.operations import Concat, Conv, Dense, Flatten, Relu
from jiqa.nn.pooling import AdaptiveMean, GlobalMean, MaxPool

#: Widths of 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5 and pool_proj.
_MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


@dataclass(frozen=True)
class Config(FromTensorFlow):
    """How many classes, and how the network begins."""

    trunk = "inception_5b"

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        nodes = [
            *self.beginning(),
            *_unit("conv1", 64, 7, 2),
            Node("pool1", MaxPool(3, 2, ceil=True)),
            *_unit("conv2", 64, 1),
            *_unit("conv3", 192, 3),
            Node("pool2", MaxPool(3, 2, ceil=True)),
        ]
        for place, widths in _MODULES.items():
            nodes += _module(f"inception_{place}", nodes[-1].name, widths)
            if place == "3b":
                nodes.append(Node("pool3", MaxPool(3, 2, ceil=True)))
            elif place == "4e":
                nodes.append(Node("pool4", MaxPool(2, 2, ceil=True)))
        nodes += _auxiliary("aux1", "inception_4a", self.classes)
        nodes += _auxiliary("aux2", "inception_4d", self.classes)
        nodes += [
            Node("avgpool", GlobalMean(), ("inception_5b",)),
            Node("logits", Dense(self.classes)),
        ]
        return tuple(nodes)


def _unit(
    name: str, width: int, window: int, stride: int = 1, inputs: tuple[str, ...] = ()
) -> list[Node]:
    conv = Conv(width, window, stride, window // 2, bias=False)
    return unit(name, conv, inputs, epsilon=1e-3)


def _module(name: str, before: str, widths: tuple[int, ...]) -> list[Node]:
    one, reduce3, three, reduce5, five, project = widths
    start = (before,)
    ends = ("1x1", "3x3", "5x5", "pool_proj")
    return [
        *_unit(f"{name}_1x1", one, 1, inputs=start),
        *_unit(f"{name}_3x3_reduce", reduce3, 1, inputs=start),
        *_unit(f"{name}_3x3", three, 3),
        *_unit(f"{name}_5x5_reduce", reduce5, 1, inputs=start),
        *_unit(f"{name}_5x5", five, 3),
        Node(f"{name}_pool", MaxPool(3, 1, 1, ceil=True), start),
        *_unit(f"{name}_pool_proj", project, 1),
        Node(name, Concat(), tuple(f"{name}_{end}_relu" for end in ends)),
    ]


def _auxiliary(name: str, before: str, classes: int) -> list[Node]:
    return [
        Node(f"{name}_pool", AdaptiveMean(4), (before,)),
        *_unit(f"{name}_conv", 128, 1),
        Node(f"{name}_flatten", Flatten(4)),
        Node(f"{name}_fc1", Dense(1024)),
        Node(f"{name}_fc1_relu", Relu()),
        Node(f"{name}_logits", Dense(classes)),
    ]


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"googlenet": Config()}
