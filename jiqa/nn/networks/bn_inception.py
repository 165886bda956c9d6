"""BN-Inception, Inception v2 (Ioffe and Szegedy 2015), as Caffe's weights have it.

Layers: conv1_7x7_s2 pool1_3x3_s2 conv2_3x3_reduce conv2_3x3 pool2_3x3_s2, each
convolution (with bias) followed by ..._bn and ..._relu; inception_3a ... inception_5b;
avgpool logits. Inside a module: _1x1, _3x3_reduce, _3x3, _double_3x3_reduce,
_double_3x3_1, _double_3x3_2, _pool and _pool_proj; 3c and 4e halve the map, and have
neither _1x1 nor _pool_proj. The pools take windows that end outside the map.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.blocks import unit
from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Concat, Conv, Dense
from jiqa.nn.pooling import GlobalMean, MaxPool, MeanPool
from jiqa.nn.preprocessing import Preprocessing

#: Widths of 1x1, 3x3_reduce, 3x3, double_3x3_reduce, double_3x3 and pool_proj.
_MODULES = {
    "3a": (64, 64, 64, 64, 96, 32),
    "3b": (64, 64, 96, 64, 96, 64),
    "3c": (0, 128, 160, 64, 96, 0),
    "4a": (224, 64, 96, 96, 128, 128),
    "4b": (192, 96, 128, 96, 128, 128),
    "4c": (160, 128, 160, 128, 160, 128),
    "4d": (96, 128, 192, 160, 192, 128),
    "4e": (0, 128, 192, 192, 256, 0),
    "5a": (352, 192, 320, 160, 224, 128),
    "5b": (352, 192, 320, 192, 224, 128),
}


@dataclass(frozen=True)
class Config(Network):
    """How many classes the network scores.

    Images must be such that 3c and 4e get maps of even sides, since Caffe's pools do
    not pad and the convolutions beside them do: any multiple of 32 will do.
    """

    classes: int = 1000

    trunk = "inception_5b"
    preprocess = Preprocessing((104.0, 117.0, 128.0), (1.0, 1.0, 1.0), "bgr", 255.0)

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        nodes = [
            *_unit("conv1_7x7_s2", 64, 7, 2),
            Node("pool1_3x3_s2", MaxPool(3, 2, ceil=True)),
            *_unit("conv2_3x3_reduce", 64, 1),
            *_unit("conv2_3x3", 192, 3),
            Node("pool2_3x3_s2", MaxPool(3, 2, ceil=True)),
        ]
        for place, widths in _MODULES.items():
            nodes += _module(f"inception_{place}", nodes[-1].name, widths)
        nodes += [Node("avgpool", GlobalMean()), Node("logits", Dense(self.classes))]
        return tuple(nodes)


def _unit(
    name: str, width: int, window: int, stride: int = 1, inputs: tuple[str, ...] = ()
) -> list[Node]:
    return unit(name, Conv(width, window, stride, window // 2), inputs)


def _module(name: str, before: str, widths: tuple[int, ...]) -> list[Node]:
    one, reduce, three, reduce_double, double, project = widths
    start, stride = (before,), 1 if one else 2
    nodes: list[Node] = []
    if one:
        nodes += _unit(f"{name}_1x1", one, 1, inputs=start)
    nodes += [
        *_unit(f"{name}_3x3_reduce", reduce, 1, inputs=start),
        *_unit(f"{name}_3x3", three, 3, stride),
        *_unit(f"{name}_double_3x3_reduce", reduce_double, 1, inputs=start),
        *_unit(f"{name}_double_3x3_1", double, 3),
        *_unit(f"{name}_double_3x3_2", double, 3, stride),
    ]
    ends = [f"{name}_{end}_relu" for end in ("3x3", "double_3x3_2")]
    if one:
        last = name == "inception_5b"
        pool = MaxPool(3, 1, 1, ceil=True) if last else MeanPool(3, 1, 1)
        nodes.append(Node(f"{name}_pool", pool, start))
        nodes += _unit(f"{name}_pool_proj", project, 1)
        ends = [f"{name}_1x1_relu", *ends, f"{name}_pool_proj_relu"]
    else:
        nodes.append(Node(f"{name}_pool", MaxPool(3, 2, ceil=True), start))
        ends.append(f"{name}_pool")
    return [*nodes, Node(name, Concat(), tuple(ends))]


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"bn_inception": Config()}
