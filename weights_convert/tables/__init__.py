"""Key tables: which parameter of jiqa's networks is which of a published file.

One file a family of networks, found by being there. They rename only: kernels keep the
order of axes that the published file has.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType

from jiqa.checks import alternatives, expected, unknown
from jiqa.discovery import modules
from weights_convert.tables._keys import Table

__all__ = ["Table", "layouts", "table"]

_MAKERS: Mapping[tuple[str, str], Callable[[str], Table]] = {
    (network, layout): make
    for _, family in modules(__name__)
    for (network, layout), make in family.TABLES.items()
}

_LAYOUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        name: tuple(layout for network, layout in _MAKERS if network == name)
        for name, _ in _MAKERS
    }
)


def layouts(network: str) -> tuple[str, ...]:
    """The layouts of files in which a network is known, the usual one first.

    Raises:
        ValueError: no such network; names the closest.
    """
    if network not in _LAYOUTS:
        raise ValueError(
            unknown("network", network, _LAYOUTS, f"networks: {', '.join(_LAYOUTS)}")
        )
    return _LAYOUTS[network]


@functools.cache
def table(network: str, layout: str) -> Table:
    """The key table of a network in one layout of files.

    Args:
        network: of ``jiqa.nn.NETWORKS``.
        layout: ``"torchvision"``, ``"timm"``, ``"pytorch"`` (Cadene's
            pretrained-models; DBCNN's authors), ``"keras"`` (``LAYER/WEIGHT``) or
            ``"matconvnet"`` (a layer's name and ``f`` or ``b``, for filters and
            biases).

    Raises:
        ValueError: no such network, or not in this layout.
    """
    if layout not in layouts(network):
        wanted = f"{alternatives(layouts(network))} for {network}"
        raise ValueError(expected("layout", wanted, repr(layout)))
    return _MAKERS[network, layout](network)
