"""Name what feature maps stand for: network dissection.

  jiqa analyse dissect --maps study/maps.json --output concepts
  jiqa analyse dissect --map conv5:3 conv5:7 --broden ~/broden1_227 --output concepts

The strongest places of each map are laid over labelled images; the map detects the
concept that they overlap most, if intersection over union is above --least. Without
--broden, images of colours and textures are drawn. The folder gets dissection.csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.cli.common.arguments import add_no_cache
from jiqa.cli.common.chosen_maps import ChosenMaps, add_map_arguments

if TYPE_CHECKING:
    from jiqa.analysis.explain.concepts import Concept

HELP = "name what feature maps stand for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add_map_arguments(parser)
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add("--broden", metavar="DIR", help="unpacked Broden, or a set in its layout")
    add("--categories", help="comma list of Broden's (default: all)")
    add("--images", type=int, help="no more than this (default: all; drawn: 120)")
    add("--quantile", type=float, default=0.005, help="of the top (%(default)s)")
    add("--least", type=float, default=0.04, help="overlap (%(default)s)")
    add("--batch", type=int, default=8, help="images at once (%(default)s)")
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Dissect, write the table, show it."""
    from rich.console import Console
    from rich.table import Table

    from jiqa.analysis.explain.broden import Broden
    from jiqa.analysis.explain.drawn_concepts import DrawnConcepts
    from jiqa.cli.common.chosen_maps import read_chosen_maps
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder, write_rows

    configure_jax(cache=not arguments.no_cache)
    path = Path(arguments.output) / "dissection.csv"
    make_folder(path)
    chosen = read_chosen_maps(arguments)
    categories = arguments.categories and arguments.categories.split(",")
    try:
        concepts: Any = DrawnConcepts(arguments.images or 120)
        if arguments.broden:
            concepts = Broden(
                arguments.broden, categories=categories, limit=arguments.images
            )
        found = dissected(
            chosen,
            concepts,
            quantile=arguments.quantile,
            least=arguments.least,
            batch=arguments.batch,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    table = Table("map", "concept", "category", "overlap", "detector")
    columns = ["map", "rank", "concept", "category", "iou", "detector"]
    rows = []
    for index, name in zip(chosen.maps, chosen.names, strict=True):
        for rank, (concept, overlap) in enumerate(found[index], 1):
            above = overlap > arguments.least
            row = concept.name, concept.category, f"{overlap:.4f}"
            cells = [name, rank, *row, above]
            rows.append(dict(zip(columns, cells, strict=True)))
            if rank == 1:
                table.add_row(name, *row, "yes" if above else "no")
    write_rows(path, columns, rows)
    Console().print(table)
    print(f"{len(chosen.maps)} maps over {len(concepts)} images; written to {path}")
    return 0


def dissected(
    chosen: ChosenMaps, concepts: Any, *, count: int = 5, **options: Any
) -> dict[tuple[str, int], list[tuple[Concept, float]]]:
    """The concepts that each map overlaps most, layer by layer, with a bar."""
    from jiqa.analysis.explain.dissection import dissect
    from jiqa.analysis.explain.targets import whole_maps
    from jiqa.cli.common.progress import progress
    from jiqa.nn import NETWORKS
    from jiqa.progress import steps

    network = NETWORKS[chosen.network]
    found = {}
    for layer, numbers in chosen.by_layer().items():
        with progress(f"dissecting {layer}", 2 * len(concepts)) as advance:
            result = dissect(
                whole_maps(network, chosen.params, layer, numbers),
                concepts,
                on_progress=steps(advance, 2 * len(concepts)),
                **options,
            )
        for unit, number in enumerate(numbers):
            found[layer, number] = result.best(unit, count)
    return found
