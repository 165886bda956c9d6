"""Name the concepts that feature maps detect (network dissection).

  jiqa analyse dissect --maps study/maps.json --output concepts
  jiqa analyse dissect --map conv5:3 conv5:7 --broden ~/broden1_227 --output concepts

The positions where a map responds most strongly are compared with labelled regions of
images; the map detects the concept with the largest intersection over union, if that is
above --least. Without --broden, drawn images of colours and textures are used. The
folder gets dissection.csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.cli.common.arguments import add_no_cache
from jiqa.cli.common.chosen_maps import add_map_arguments
from jiqa.cli.common.finished import add_force, check_new

if TYPE_CHECKING:
    from jiqa.analysis.explain.concepts import ConceptSet

HELP = "name the concepts that feature maps detect"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add_map_arguments(parser)
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--broden",
        metavar="DIR",
        help="folder of the unpacked Broden data set, or of one in its layout",
    )
    add("--categories", help="comma-separated categories of Broden (default: all)")
    add(
        "--images",
        type=int,
        help="number of images at most (default: all, or 120 drawn ones)",
    )
    add(
        "--quantile",
        type=float,
        default=0.005,
        help="share of the strongest responses (%(default)s)",
    )
    add("--least", type=float, default=0.04, help="smallest overlap (%(default)s)")
    add("--batch", type=int, default=8, help="images per batch (%(default)s)")
    add_force(parser, "the table")
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Dissect, write the table, show it."""
    from rich.console import Console
    from rich.table import Table

    from jiqa.analysis.explain.broden import Broden
    from jiqa.analysis.explain.drawn_concepts import DrawnConcepts
    from jiqa.analysis.explain.explain_maps import dissect_maps, write_dissection
    from jiqa.cli.common.chosen_maps import read_chosen_maps
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.io.write_table import make_folder

    configure_jax(cache=not arguments.no_cache)
    path = Path(arguments.output) / "dissection.csv"
    check_new(path, force=arguments.force, unfinished=False)
    make_folder(path)
    maps = read_chosen_maps(arguments)
    categories = arguments.categories and arguments.categories.split(",")
    try:
        concepts: ConceptSet = DrawnConcepts(arguments.images or 120)
        if arguments.broden:
            concepts = Broden(
                arguments.broden, categories=categories, limit=arguments.images
            )
        found = dissect_maps(
            maps,
            concepts,
            quantile=arguments.quantile,
            least=arguments.least,
            batch=arguments.batch,
            progress=progress,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    write_dissection(path, found, arguments.least)
    table = Table("map", "concept", "category", "overlap", "detector")
    for key, name in zip(maps.maps, maps.names, strict=True):
        concept, overlap = found[key][0]
        above = "yes" if overlap > arguments.least else "no"
        table.add_row(name, concept.name, concept.category, f"{overlap:.4f}", above)
    Console().print(table)
    print(f"{len(maps.maps)} maps over {len(concepts)} images; written to {path}")
    return 0
