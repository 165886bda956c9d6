"""SqueezeNet 1.1 (Iandola et al. 2016), as torchvision defines it.

Layers: conv1 relu1 pool1 fire2 fire3 pool3 fire4 fire5 pool5 fire6 ... fire9, then
conv10 relu10 logits. Inside a fire module: fireK_squeeze fireK_squeeze_relu
fireK_expand1x1 fireK_expand1x1_relu fireK_expand3x3 fireK_expand3x3_relu, joined as
fireK. The pools take windows that end outside the map.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Concat, Conv, Relu
from jiqa.nn.pooling import GlobalMean, MaxPool
from jiqa.nn.preprocessing import standardise

#: (squeezed width, half of the expanded one) of fire2 to fire9.
_FIRES = (
    (16, 64),
    (16, 64),
    (32, 128),
    (32, 128),
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
)


@dataclass(frozen=True)
class Config(Network):
    """How many classes the network scores."""

    classes: int = 1000

    trunk = "fire9"
    preprocess = standardise

    def layers(self) -> tuple[Node, ...]:
        """The graph."""
        pool = MaxPool(3, 2, ceil=True)
        nodes = [
            Node("conv1", Conv(64, 3, 2, 0)),
            Node("relu1", Relu()),
            Node("pool1", pool),
        ]
        for k, (squeezed, expanded) in enumerate(_FIRES, start=2):
            nodes += _fire(f"fire{k}", squeezed, expanded)
            if k in (3, 5):
                nodes.append(Node(f"pool{k}", pool))
        nodes += [
            Node("conv10", Conv(self.classes, 1, 1, 0)),
            Node("relu10", Relu()),
            Node("logits", GlobalMean()),
        ]
        return tuple(nodes)


def _fire(name: str, squeezed: int, expanded: int) -> list[Node]:
    squeeze = f"{name}_squeeze_relu"
    sides = (f"{name}_expand1x1", f"{name}_expand3x3")
    return [
        Node(f"{name}_squeeze", Conv(squeezed, 1, 1, 0)),
        Node(squeeze, Relu()),
        Node(sides[0], Conv(expanded, 1, 1, 0), (squeeze,)),
        Node(f"{sides[0]}_relu", Relu()),
        Node(sides[1], Conv(expanded), (squeeze,)),
        Node(f"{sides[1]}_relu", Relu()),
        Node(name, Concat(), tuple(f"{side}_relu" for side in sides)),
    ]


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"squeezenet1_1": Config()}
