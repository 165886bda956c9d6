"""Where LPIPS taps its networks, and how many channels it finds there.

DISTS taps VGG-16 at the same depths.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Taps(NamedTuple):
    """A network and its taps.

    Attributes:
        network: name in ``jiqa.nn.NETWORKS``, and of its set of weights.
        channels: of each tap, by the name of the layer, from the image on.
    """

    network: str
    channels: Mapping[str, int]


#: By the name that the authors of LPIPS give the network.
LPIPS_TAPS: Mapping[str, Taps] = MappingProxyType(
    {
        "alex": Taps(
            "alexnet",
            {"relu1": 64, "relu2": 192, "relu3": 384, "relu4": 256, "relu5": 256},
        ),
        "squeeze": Taps(
            "squeezenet1_1",
            {
                "relu1": 64,
                "fire3": 128,
                "fire5": 256,
                "fire6": 384,
                "fire7": 384,
                "fire8": 512,
                "fire9": 512,
            },
        ),
        "vgg": Taps(
            "vgg16",
            {
                "relu1_2": 64,
                "relu2_2": 128,
                "relu3_3": 256,
                "relu4_3": 512,
                "relu5_3": 512,
            },
        ),
    }
)

#: Channels of what DISTS compares: the image and VGG-16 at LPIPS' depths.
DISTS_CHANNELS: Mapping[str, int] = {"image": 3} | dict(LPIPS_TAPS["vgg"].channels)
