"""Feature maps of a network to be explained, with the network's weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from jiqa.analysis.explain.targets import Target, of_maps, whole_maps
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.checks import expected
from jiqa.nn import NETWORKS
from jiqa.weights import load


@dataclass(frozen=True)
class NetworkMaps:
    """Maps of one network, in the order asked for.

    Attributes:
        network: its name.
        maps: layer and number of each.
        params: the network's parameters, flat.
    """

    network: str
    maps: tuple[tuple[str, int], ...]
    params: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """``LAYER:NUMBER`` of each."""
        return [f"{layer}:{number}" for layer, number in self.maps]

    def by_layer(self) -> dict[str, list[int]]:
        """Numbers by layer, layers in order of appearance."""
        found: dict[str, list[int]] = {}
        for layer, number in self.maps:
            found.setdefault(layer, []).append(number)
        return found

    def target(self, unit: tuple[int, int] | None = None) -> Target:
        """Images ``[B, H, W, C]`` in [0, 1] to the mean of each map ``[B, maps]``.

        Args:
            unit: row and column of a unit of each map, instead of the mean.
        """
        network = NETWORKS[self.network]
        return of_maps(network, self.params, self.maps, unit=unit)

    def whole(self, layer: str) -> Callable[[Any], Any]:
        """Images ``[B, H, W, C]`` in [0, 1] to the maps of a layer ``[B, h, w, n]``."""
        numbers = self.by_layer()[layer]
        return whole_maps(NETWORKS[self.network], self.params, layer, numbers)


def read_maps(
    path: Path | str,
    *,
    most: int | None = None,
    weights_folder: Path | str | None = None,
) -> NetworkMaps:
    """Read the maps that a study has chosen.

    Args:
        path: ``maps.json`` of ``jiqa analyse select``.
        most: no more maps than this, the first chosen ones.
        weights_folder: where to look first for the network's weights.

    Raises:
        ValueError: a file that is no selection.
        OSError: no such file, or weights that are nowhere.

    Example:
        With the folder of a study::

            maps = jiqa.analysis.read_maps("study/maps.json", most=4)
            pictures = jiqa.analysis.maximise_maps(maps, steps=256)
    """
    selection = Selection.from_json(Path(path))
    maps = zip(selection.layers or (), selection.numbers or (), strict=True)
    return _loaded(str(selection.network), tuple(maps)[:most], weights_folder)


def named_maps(
    network: str,
    names: Sequence[str],
    *,
    weights_folder: Path | str | None = None,
) -> NetworkMaps:
    """Look up maps by their names.

    Args:
        network: of ``jiqa.nn.NETWORKS``.
        names: ``LAYER:NUMBER``, numbers from 0.
        weights_folder: where to look first for the network's weights.

    Raises:
        ValueError: a name that is none, or no such network.
        OSError: weights that are nowhere.

    Example:
        >>> from jiqa import analysis
        >>> analysis.named_maps("alexnet", ["conv1:17", "conv1:3"]).by_layer()
        {'conv1': [17, 3]}
    """
    return _loaded(network, tuple(map(_parsed, names)), weights_folder)


def _loaded(
    network: str, maps: tuple[tuple[str, int], ...], weights_folder: Path | str | None
) -> NetworkMaps:
    if network not in NETWORKS or not maps:
        wanted = f"maps of one of {', '.join(NETWORKS)}"
        raise ValueError(expected("network", wanted, repr(network)))
    params = load(network, weights_folder).params
    ready = {key: jnp.asarray(value) for key, value in params.items()}
    return NetworkMaps(network, maps, ready)


def _parsed(name: str) -> tuple[str, int]:
    layer, _, number = name.rpartition(":")
    if not layer or not number.isdigit():
        raise ValueError(expected("map", "LAYER:NUMBER, such as conv1:17", name))
    return layer, int(number)
