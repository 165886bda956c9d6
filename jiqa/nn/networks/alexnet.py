"""AlexNet as torchvision defines it (Krizhevsky 2014, one tower).

Layers: conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 pool5,
then avgpool flatten fc6 relu6 fc7 relu7 logits.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.blocks import classifier
from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Conv, Relu
from jiqa.nn.pooling import MaxPool
from jiqa.nn.preprocessing import standardise


@dataclass(frozen=True)
class Config(Network):
    """Widths.

    Attributes:
        features: of the five convolutions.
        hidden: of the two fully connected layers.
        classes: how many scores the network ends in.
    """

    features: tuple[int, int, int, int, int] = (64, 192, 384, 256, 256)
    hidden: int = 4096
    classes: int = 1000

    trunk = "pool5"
    preprocess = standardise

    def layers(self) -> tuple[Node, ...]:
        """The chain."""
        windows = ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))
        chain: list[Node] = []
        for k, (width, window) in enumerate(
            zip(self.features, windows, strict=True), start=1
        ):
            chain += [Node(f"conv{k}", Conv(width, *window)), Node(f"relu{k}", Relu())]
            if k in (1, 2, 5):
                chain.append(Node(f"pool{k}", MaxPool(3, 2)))
        return (*chain, *classifier(6, self.hidden, self.classes))


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"alexnet": Config()}
