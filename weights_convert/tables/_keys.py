"""What a key table is, and how one is made from a rule for the nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jiqa.nn import NETWORKS
from jiqa.nn import graph as layers

#: Last part of jiqa's key to that of PyTorch's.
_TORCH = {
    "kernel": "weight",
    "bias": "bias",
    "scale": "weight",
    "mean": "running_mean",
    "variance": "running_var",
}


@dataclass(frozen=True)
class Table:
    """Where each parameter of a network is in a published file.

    Attributes:
        keys: jiqa's key to the file's, for every parameter of the network.
        ignored: patterns (of ``fnmatch``) for keys of the file without a counterpart.
    """

    keys: Mapping[str, str]
    ignored: tuple[str, ...] = ()


def by_part(
    network: str, source: Callable[[str, str], str], ignored: tuple[str, ...] = ()
) -> Table:
    """Each key from the name of its node and its last part."""
    return Table(
        {
            key: source(*key.split("."))
            for key in layers.shapes(NETWORKS[network].layers())
        },
        ignored,
    )


def torch_by(module: Callable[[str], str]) -> Callable[[str], Table]:
    """Make the table of any network of a family by one rule, see ``torch``."""
    return lambda network: torch(network, module)


def torch(network: str, module: Callable[[str], str]) -> Table:
    """Keys of a PyTorch state dictionary.

    Args:
        network: its name.
        module: from the name of a node to the path of PyTorch's module.
    """
    return by_part(
        network,
        lambda node, part: f"{module(node)}.{_TORCH[part]}",
        ("*.num_batches_tracked",),
    )
