"""MobileNet v1 (Howard et al. 2017), as Keras' applications define it, of full width.

Layers: conv1 conv1_bn conv1_relu; for block k of 13, conv_dw_K conv_dw_K_bn
conv_dw_K_relu conv_pw_K conv_pw_K_bn conv_pw_K_relu; then avgpool conv_preds logits.
All rectifiers end at 6, and batch normalisation's epsilon is 0.001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jiqa.nn.blocks import unit
from jiqa.nn.graph import Network, Node
from jiqa.nn.operations import Conv, Flatten, Relu6
from jiqa.nn.pooling import AdaptiveMean
from jiqa.nn.preprocessing import symmetric

#: (width, stride) of each block.
_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)


@dataclass(frozen=True)
class Config(Network):
    """How many classes, and where the zeros go.

    Attributes:
        padding: of the convolutions that halve the map. ``"end"``: below and to the
            right only, as the ImageNet weights were trained in TensorFlow and as
            Keras has it since 2.2; ``"around"``: on all sides, as Keras had it before,
            with which idealo's NIMA was trained.
        classes: how many scores the network ends in.
    """

    padding: Literal["end", "around"] = "end"
    classes: int = 1000

    trunk = "conv_pw_13_relu"
    preprocess = symmetric

    def layers(self) -> tuple[Node, ...]:
        """The chain."""
        nodes = self._unit("conv1", 32, 3, 2, 1)
        came = 32
        for k, (width, stride) in enumerate(_BLOCKS, start=1):
            nodes += self._unit(f"conv_dw_{k}", came, 3, stride, came)
            nodes += self._unit(f"conv_pw_{k}", width, 1, 1, 1)
            came = width
        nodes += [
            Node("avgpool", AdaptiveMean(1)),
            Node("conv_preds", Conv(self.classes, 1, 1, 0)),
            Node("logits", Flatten(1)),
        ]
        return tuple(nodes)

    def _unit(
        self, name: str, width: int, window: int, stride: int, groups: int
    ) -> list[Node]:
        before = 0 if stride == 2 and self.padding == "end" else window // 2
        pad = (before, window // 2)
        conv = Conv(width, window, stride, (pad, pad), groups, bias=False)
        return unit(name, conv, epsilon=1e-3, activation=Relu6())


#: What ``jiqa.nn.NETWORKS`` takes from this file, by name.
NETWORKS = {"mobilenet_v1": Config()}
