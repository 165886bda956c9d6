"""The networks of ST-LPIPS: AlexNet and VGG-16 that blur before they drop samples.

Ghildyal and Liu (2022) give every pooling a stride of 1 and a filter after it
(``BlurPool``). AlexNet's first convolution, too, has a stride of 1 and a filter, which
stands before the rectifier. Layers are named as those of ``jiqa.nn.networks.alexnet``
and ``vgg``; the filters are blur0, blur1 ... after pool1, pool2 ...
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from jiqa.nn.graph import Node
from jiqa.nn.lpips_taps import LPIPS_TAPS
from jiqa.nn.networks import vgg
from jiqa.nn.operations import Conv, Relu
from jiqa.nn.pooling import BlurPool, MaxPool


def _alexnet() -> tuple[Node, ...]:
    """As far as relu5."""
    chain = [Node("conv1", Conv(64, 11, 1, 2)), Node("blur0", BlurPool())]
    chain.append(Node("relu1", Relu()))
    layers = ((2, 192, 5, 2), (3, 384, 3, 1), (4, 256, 3, 1), (5, 256, 3, 1))
    for k, width, window, padding in layers:
        if k in (2, 3):
            chain.append(Node(f"pool{k - 1}", MaxPool(3, 1)))
            chain.append(Node(f"blur{k - 1}", BlurPool()))
        chain.append(Node(f"conv{k}", Conv(width, window, 1, padding)))
        chain.append(Node(f"relu{k}", Relu()))
    return tuple(chain)


def _vgg16() -> tuple[Node, ...]:
    """As far as relu5_3."""
    chain: list[Node] = []
    for node in vgg.VGG16.layers():
        if isinstance(node.op, MaxPool):
            chain.append(Node(node.name, MaxPool(2, 1)))
            chain.append(Node(node.name.replace("pool", "blur"), BlurPool()))
        else:
            chain.append(node)
        if node.name == "relu5_3":
            break
    return tuple(chain)


#: By the name that the authors give the network. LPIPS' taps are in all of them.
NODES: Mapping[str, tuple[Node, ...]] = MappingProxyType(
    {"alex": _alexnet(), "vgg": _vgg16()}
)


def published_modules(net: str) -> dict[str, str]:
    """The module of the authors' file that each convolution is.

    They number all layers in one row, and cut it into a slice for each tap.
    """
    found, cut = {}, 1
    for place, node in enumerate(NODES[net]):
        if isinstance(node.op, Conv):
            found[node.name] = f"net.slice{cut}.{place}"
        cut += node.name in LPIPS_TAPS[net].channels
    return found
