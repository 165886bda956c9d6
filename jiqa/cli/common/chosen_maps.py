"""Which feature maps a subcommand is about: those of a file, or named ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from jiqa.checks import expected


class ChosenMaps(NamedTuple):
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
        """Numbers by layer, layers as they first came."""
        found: dict[str, list[int]] = {}
        for layer, number in self.maps:
            found.setdefault(layer, []).append(number)
        return found


def add_map_arguments(parser: Any) -> None:
    """Declare which maps."""
    add = parser.add_argument
    add("--maps", metavar="FILE", help="maps.json of jiqa analyse select")
    add(
        "--map",
        nargs="+",
        metavar="LAYER:NUMBER",
        help="instead, maps of --network, such as conv1:17, numbers from 0",
    )
    add("--network", default="alexnet", help="of --map (%(default)s)")
    add("--most", type=int, default=16, help="no more maps than this (%(default)s)")
    add("--weights", metavar="FOLDER", help="where to look first for learned weights")


def read_chosen_maps(arguments: Any) -> ChosenMaps:
    """What the arguments ask for, with the network's weights.

    Raises:
        UsageError: neither or both of --maps and --map, a file that is no selection,
            no such network, or weights that are nowhere.
    """
    import jax.numpy as jnp

    from jiqa.analysis.map_selection.selected_maps import Selection
    from jiqa.errors import UsageError
    from jiqa.nn import NETWORKS
    from jiqa.weights import load

    if bool(arguments.maps) == bool(arguments.map):
        raise UsageError("give either --maps FILE or --map LAYER:NUMBER ...")
    try:
        if arguments.maps:
            selection = Selection.from_json(Path(arguments.maps))
            network = str(selection.network)
            maps = list(
                zip(selection.layers or (), selection.numbers or (), strict=True)
            )
        else:
            network = str(arguments.network)
            maps = [_parsed(text) for text in arguments.map]
        if network not in NETWORKS or not maps:
            wanted = f"maps of one of {', '.join(NETWORKS)}"
            raise ValueError(expected("network", wanted, repr(network)))
        params = load(network, arguments.weights).params
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from None
    ready = {key: jnp.asarray(value) for key, value in params.items()}
    return ChosenMaps(network, tuple(maps[: arguments.most]), ready)


def _parsed(text: str) -> tuple[str, int]:
    layer, _, number = text.rpartition(":")
    if not layer or not number.isdigit():
        raise ValueError(expected("--map", "LAYER:NUMBER, such as conv1:17", text))
    return layer, int(number)
