"""Arguments that choose feature maps: those of a file, or named ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jiqa.analysis.explain.network_maps import NetworkMaps


def add_map_arguments(parser: Any) -> None:
    """Declare which maps."""
    add = parser.add_argument
    add("--maps", metavar="FILE", help="maps.json of jiqa analyse select")
    add(
        "--map",
        nargs="+",
        metavar="LAYER:NUMBER",
        help="maps of --network instead, such as conv1:17, counted from 0",
    )
    add("--network", default="alexnet", help="network of --map (%(default)s)")
    add("--most", type=int, default=16, help="number of maps at most (%(default)s)")
    add(
        "--weights",
        metavar="FOLDER",
        help="folder to look in first for learned weights",
    )


def read_chosen_maps(arguments: Any) -> NetworkMaps:
    """Read the maps that the arguments ask for, with the network's weights.

    Raises:
        UsageError: neither or both of --maps and --map, a file that is no selection,
            no such network, or weights that are nowhere.
    """
    from jiqa.analysis.explain.network_maps import named_maps, read_maps
    from jiqa.errors import UsageError

    if bool(arguments.maps) == bool(arguments.map):
        raise UsageError("give either --maps FILE or --map LAYER:NUMBER ...")
    most, folder = arguments.most, arguments.weights
    try:
        if arguments.maps:
            return read_maps(arguments.maps, most=most, weights_folder=folder)
        names = arguments.map[:most]
        return named_maps(arguments.network, names, weights_folder=folder)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from None
