"""VGG-11, 13, 16 and 19 (Simonyan and Zisserman 2015), as torchvision defines them.

Layers are named by block and place: conv1_1 relu1_1 conv1_2 relu1_2 pool1 conv2_1 ...
pool5, then avgpool flatten fc6 relu6 fc7 relu7 logits. With batch normalisation,
bn1_1 stands between conv1_1 and relu1_1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jiqa.nn.blocks import classifier
from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import BatchNorm, Conv, Relu
from jiqa.nn.pooling import L2Pool, MaxPool
from jiqa.nn.preprocessing import standardise

_WIDTHS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Config(Network):
    """How many convolutions each of the five blocks has, and what is between them.

    Attributes:
        depths: convolutions of each block.
        pool: ``"max"``, or ``"l2"`` as DISTS has it.
        batch_norm: whether a batch normalisation follows every convolution.
        hidden: width of the two fully connected layers.
        classes: how many scores the network ends in.
    """

    depths: tuple[int, int, int, int, int]
    pool: Literal["max", "l2"] = "max"
    batch_norm: bool = False
    hidden: int = 4096
    classes: int = 1000

    trunk = "pool5"
    preprocess = standardise

    def layers(self) -> tuple[Node, ...]:
        """The chain."""
        chain: list[Node] = []
        for block, (depth, width) in enumerate(
            zip(self.depths, _WIDTHS, strict=True), start=1
        ):
            for place in (f"{block}_{k}" for k in range(1, depth + 1)):
                chain.append(Node(f"conv{place}", Conv(width)))
                if self.batch_norm:
                    chain.append(Node(f"bn{place}", BatchNorm()))
                chain.append(Node(f"relu{place}", Relu()))
            pool = MaxPool() if self.pool == "max" else L2Pool()
            chain.append(Node(f"pool{block}", pool))
        return (*chain, *classifier(7, self.hidden, self.classes))


VGG11 = Config((1, 1, 2, 2, 2))
VGG13 = Config((2, 2, 2, 2, 2))
VGG16 = Config((2, 2, 3, 3, 3))
VGG19 = Config((2, 2, 4, 4, 4))
VGG11_BN, VGG13_BN, VGG16_BN, VGG19_BN = (
    Config(plain.depths, batch_norm=True) for plain in (VGG11, VGG13, VGG16, VGG19)
)

#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {
    "vgg11": VGG11,
    "vgg11_bn": VGG11_BN,
    "vgg13": VGG13,
    "vgg13_bn": VGG13_BN,
    "vgg16": VGG16,
    "vgg16_bn": VGG16_BN,
    "vgg19": VGG19,
    "vgg19_bn": VGG19_BN,
}
