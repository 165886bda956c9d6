"""The network of PieAPP 0.1 (Prashnani et al. 2018): eleven convolutions on patches.

Layers of a patch: conv1 relu1 conv2 relu2 pool2 conv3 relu3 conv4 relu4 pool4 ...
pool10 conv11 relu11. Every third one doubles the width. What is made of a pair is in
``jiqa.metrics.deep.pieapp``.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiqa.nn.by_patch import ByPatch
from jiqa.nn.graph import Node
from jiqa.nn.operations import Conv, Relu
from jiqa.nn.pooling import MaxPool
from jiqa.nn.preprocessing import Preprocessing

#: The node with all features of each patch, and the prefix of the keys.
NODE = "pieapp"
#: Side of a patch.
SIDE = 64
_TAPS = ("relu3", "relu5", "relu7", "relu9", "relu11")

#: The authors read images with OpenCV: blue first, 0 to 255, nothing subtracted.
preprocess = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "bgr", 255.0)


@dataclass(frozen=True)
class Config:
    """Widths.

    Attributes:
        width: of the first convolution; the deepest has eight times as much.
        hidden: of the fully connected layers.
    """

    width: int = 64
    hidden: int = 512

    def by_patch(self, stride: int) -> ByPatch:
        """What the network makes of patches so far apart."""
        chain: list[Node] = []
        for k, times in enumerate((1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8), start=1):
            chain.append(Node(f"conv{k}", Conv(times * self.width)))
            chain.append(Node(f"relu{k}", Relu()))
            if k % 2 == 0:
                chain.append(Node(f"pool{k}", MaxPool()))
        return ByPatch(tuple(chain), _TAPS, SIDE, stride)

    def head(self) -> dict[str, tuple[int, ...]]:
        """Keys and shapes of what turns differences into errors and their weights."""
        widths = self.by_patch(1).widths()
        found: dict[str, tuple[int, ...]] = {}
        for name, inputs, outputs in (
            ("fc1_score", sum(widths), self.hidden),
            ("fc2_score", self.hidden, 1),
            ("fc1_weight", widths[-1], self.hidden),
            ("fc2_weight", self.hidden, 1),
            ("ref_score_subtract", 1, 1),
        ):
            found[f"{NODE}.{name}.kernel"] = (inputs, outputs)
            found[f"{NODE}.{name}.bias"] = (outputs,)
        return found
