"""Backbones: pure functions from images to named feature maps, and to logits.

``jiqa.nn.flax_modules`` wraps them as Flax NNX modules, for training; it alone imports
Flax, so that scoring images does not wait for it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from jiqa.discovery import modules
from jiqa.nn.graph import Network

__all__ = ["NETWORKS", "Network"]

#: The networks that have published weights, by name: a file of ``jiqa.nn.networks``
#: joins by being there.
NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        name: network
        for _, module in modules(f"{__name__}.networks")
        for name, network in module.NETWORKS.items()
    }
)
