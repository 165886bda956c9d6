"""Inception-ResNet-v2 (Szegedy et al. 2017), as timm has TensorFlow's weights.

Layers: conv2d_1a conv2d_2a conv2d_2b maxpool_3a conv2d_3b conv2d_4a maxpool_5a;
mixed_5b; block35_1 ... block35_10; mixed_6a; block17_1 ... block17_20; mixed_7a;
block8_1 ... block8_10; conv2d_7b; avgpool logits. A convolution is followed by ..._bn
and ..._relu; in a module it is called by its branch and place there, for instance
mixed_5b_branch1_0. A residual block ends in ..._conv2d ..._add ..._relu; the last one,
block8_10, has no ..._relu.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.blocks import keeping, tensorflow_unit
from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Add, Concat, Conv, Dense, Relu
from jiqa.nn.pooling import GlobalMean, MaxPool, MeanPool
from jiqa.nn.preprocessing import symmetric

#: Width, window and stride of a convolution; of stride 1 it keeps the map's size.
_Step = tuple[int, int | tuple[int, int]] | tuple[int, int, int]
_Branches = tuple[tuple[_Step, ...], ...]

_MIXED_5B: _Branches = (
    ((96, 1),),
    ((48, 1), (64, 5)),
    ((64, 1), (96, 3), (96, 3)),
)
_MIXED_6A: _Branches = (
    ((384, 3, 2),),
    ((256, 1), (256, 3), (384, 3, 2)),
)
_MIXED_7A: _Branches = (
    ((256, 1), (384, 3, 2)),
    ((256, 1), (288, 3, 2)),
    ((256, 1), (288, 3), (320, 3, 2)),
)
#: Width of the map, scale of the residual and its branches.
_RESIDUALS: dict[str, tuple[int, float, _Branches]] = {
    "block35": (
        320,
        0.17,
        (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))),
    ),
    "block17": (
        1088,
        0.1,
        (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1)))),
    ),
    "block8": (
        2080,
        0.2,
        (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1)))),
    ),
}


@dataclass(frozen=True)
class Config(Network):
    """How deep, and how many classes.

    Attributes:
        depths: of the residual blocks of the three kinds; the last one of the last
            kind adds its branches whole and has no rectifier.
        classes: how many scores the network ends in. TensorFlow's weights have 1001,
            of which the first stands for none; timm drops it.
    """

    depths: tuple[int, int, int] = (10, 20, 10)
    classes: int = 1000

    trunk = "conv2d_7b_relu"
    preprocess = symmetric

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        nodes = [
            *tensorflow_unit("conv2d_1a", Conv(32, 3, 2, 0)),
            *tensorflow_unit("conv2d_2a", Conv(32, 3, 1, 0)),
            *tensorflow_unit("conv2d_2b", Conv(64, 3, 1, 1)),
            Node("maxpool_3a", MaxPool(3, 2)),
            *tensorflow_unit("conv2d_3b", Conv(80, 1, 1, 0)),
            *tensorflow_unit("conv2d_4a", Conv(192, 3, 1, 0)),
            Node("maxpool_5a", MaxPool(3, 2)),
        ]
        pool = [
            Node("mixed_5b_pool", MeanPool(3, 1, 1, count_padding=False)),
            *tensorflow_unit("mixed_5b_branch3_1", Conv(64, 1, 1, 0)),
        ]
        # Written down first: its input is the node before.
        nodes += pool
        nodes += _mixed("mixed_5b", "maxpool_5a", _MIXED_5B, pool[-1].name)
        for kind, depth, mixed in zip(
            _RESIDUALS,
            self.depths,
            (("mixed_6a", _MIXED_6A), ("mixed_7a", _MIXED_7A), None),
            strict=True,
        ):
            for k in range(1, depth + 1):
                last = mixed is None and k == depth
                nodes += _residual(f"{kind}_{k}", nodes[-1].name, kind, last)
            if mixed is not None:
                name, branches = mixed
                before = nodes[-1].name
                nodes.append(Node(f"{name}_pool", MaxPool(3, 2)))
                nodes += _mixed(name, before, branches, f"{name}_pool")
        nodes += tensorflow_unit("conv2d_7b", Conv(1536, 1, 1, 0))
        nodes += [Node("avgpool", GlobalMean()), Node("logits", Dense(self.classes))]
        return tuple(nodes)


def _branches(name: str, before: str, branches: _Branches) -> tuple[list[Node], ...]:
    """One after the other; a branch of several convolutions numbers them from 0."""
    found = []
    for index, steps in enumerate(branches):
        nodes: list[Node] = []
        for k, (width, window, *stride) in enumerate(steps):
            padding = 0 if stride else keeping(window)
            conv = Conv(width, window, stride[0] if stride else 1, padding)
            part = f"branch{index}" + (f"_{k}" if len(steps) > 1 else "")
            inputs = (before,) if k == 0 else ()
            nodes += tensorflow_unit(f"{name}_{part}", conv, inputs)
        found.append(nodes)
    return tuple(found)


def _mixed(name: str, before: str, branches: _Branches, pool: str) -> list[Node]:
    found = _branches(name, before, branches)
    ends = (*(nodes[-1].name for nodes in found), pool)
    return [*(n for nodes in found for n in nodes), Node(name, Concat(), ends)]


def _residual(name: str, before: str, kind: str, last: bool) -> list[Node]:
    width, scale, branches = _RESIDUALS[kind]
    found = _branches(name, before, branches)
    ends = tuple(nodes[-1].name for nodes in found)
    nodes = [
        *(n for branch in found for n in branch),
        Node(f"{name}_joined", Concat(), ends),
        Node(f"{name}_conv2d", Conv(width, 1, 1, 0)),
        Node(f"{name}_add", Add(1.0 if last else scale), (before, f"{name}_conv2d")),
    ]
    return nodes if last else [*nodes, Node(f"{name}_relu", Relu())]


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"inception_resnet_v2": Config()}
