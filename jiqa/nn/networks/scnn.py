"""The S-CNN of DBCNN (Zhang et al. 2020), trained to tell synthetic distortions apart.

Layers: conv1_1 bn1_1 relu1_1 conv1_2 ... relu4_3, then avgpool fc5 bn5 relu5 fc6 bn6
relu6 logits. The authors published three networks, which differ in batch
normalisation, in the stride of the last block and in preprocessing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import BatchNorm, Conv, Dense, Flatten, Relu
from jiqa.nn.pooling import AdaptiveMean
from jiqa.nn.preprocessing import Preprocessing, standardise

#: Widths of the convolutions of each block; but for the last, the last one halves.
_BLOCKS = ((48, 48), (64, 64), (64, 64), (128, 128, 128))


@dataclass(frozen=True)
class Config(Network):
    """Which of the authors' networks.

    Attributes:
        release: ``"pytorch"``; ``"pytorch_plain"``, with batch normalisation in the
            head alone; or ``"matconvnet"``, without any, which halves at conv4_2
            instead of conv4_3 and takes images in 0..255 less their mean.
        classes: how many scores the network ends in.
    """

    release: Literal["pytorch", "pytorch_plain", "matconvnet"] = "pytorch"
    classes: int = 39

    trunk = "relu4_3"

    @property
    def preprocess(self) -> Preprocessing:
        """What the release expects of an image."""
        if self.release != "matconvnet":
            return standardise
        mean = (122.948845, 116.64955, 109.91752)
        return Preprocessing(mean, (1.0, 1.0, 1.0), peak=255.0)

    def layers(self) -> tuple[Node, ...]:
        """The chain."""
        matconvnet = self.release == "matconvnet"
        nodes: list[Node] = []
        for block, widths in enumerate(_BLOCKS, start=1):
            halves = 2 if block < 4 or matconvnet else 3
            for k, width in enumerate(widths, start=1):
                conv = Conv(width, 3, 2 if k == halves else 1)
                norm = self.release == "pytorch"
                nodes += _step("conv", f"{block}_{k}", conv, norm)
        nodes.append(Node("avgpool", AdaptiveMean(1)))
        for k in (5, 6):
            nodes += _step("fc", str(k), Conv(256, 1, 1, 0), not matconvnet)
        nodes.append(Node("flatten", Flatten(1)))
        return (*nodes, Node("logits", Dense(self.classes)))


def _step(kind: str, place: str, conv: Conv, norm: bool) -> list[Node]:
    norms = [Node(f"bn{place}", BatchNorm())] if norm else []
    return [Node(f"{kind}{place}", conv), *norms, Node(f"relu{place}", Relu())]


PYTORCH = Config()
PYTORCH_PLAIN = Config("pytorch_plain")
MATCONVNET = Config("matconvnet")

#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {
    "scnn": PYTORCH,
    "scnn_plain": PYTORCH_PLAIN,
    "scnn_matconvnet": MATCONVNET,
}
