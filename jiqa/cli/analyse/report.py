"""Put a study together as one page: selection, and what the chosen maps see.

  jiqa analyse report study
  jiqa analyse report study --most 12 --broden ~/broden1_227

Reads the folder that jiqa analyse select wrote, and the data set again for sample
pairs; writes report.html there, which needs no other file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from jiqa.cli.common.arguments import add_no_cache

HELP = "put a study together as one HTML page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("output", metavar="DIR", help="folder of jiqa analyse select")
    add("--data-dir", help="prepared sets (default: as in the study)")
    add("--weights", metavar="FOLDER", help="where to look first for learned weights")
    add("--seed", type=int, default=0, help="of all that is random (%(default)s)")
    add_picture_arguments(parser)
    add_no_cache(parser)


def add_picture_arguments(parser: Any) -> None:
    """What decides the pictures of the page."""
    add = parser.add_argument
    add("--most", type=int, default=8, help="maps that are shown (%(default)s)")
    add("--side", type=int, default=96, help="of pictures in pixels (%(default)s)")
    add("--steps", type=int, default=96, help="of maximisation (%(default)s)")
    add("--stride", type=int, default=8, help="of prediction difference (%(default)s)")
    add("--samples", type=int, default=4, help="for each of its windows (%(default)s)")
    add("--broden", metavar="DIR", help="for concepts (default: drawn ones)")
    add("--images", type=int, default=60, help="with concepts (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Write the page."""
    from jiqa.cli.common.jax_setup import configure_jax

    configure_jax(cache=not arguments.no_cache)
    write_page(Path(arguments.output), arguments)
    return 0


def write_page(folder: Path, arguments: argparse.Namespace) -> None:
    """Compute the pictures of the chosen maps, and write the page.

    Raises:
        UsageError: a folder that is no study, or a data set that is not there.
    """
    from jiqa.analysis.map_selection.rated_pairs import open_rated_pairs
    from jiqa.cli.common.chosen_maps import read_chosen_maps
    from jiqa.cli.common.run_record import command
    from jiqa.errors import UsageError
    from jiqa.report.study import MapPictures, write_report

    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{folder}: not a folder of jiqa analyse select ({error})"
        ) from None
    wanted = argparse.Namespace(
        maps=str(folder / "maps.json"),
        map=None,
        most=arguments.most,
        weights=arguments.weights,
    )
    data_dir = arguments.data_dir or facts["arguments"].get("data_dir")
    pairs = open_rated_pairs(facts["data"], data_dir)
    chosen = read_chosen_maps(wanted)
    try:
        samples = _samples(chosen, pairs)
        found = _pictures(arguments, chosen, pairs)
        cards = [
            MapPictures(name, *(part[place] for part in found))
            for place, name in zip(chosen.maps, chosen.names, strict=True)
        ]
        path = write_report(
            folder, samples, cards, command=command(), notes=_notes(arguments)
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    print(f"report written to {path.resolve()}")


def _notes(arguments: argparse.Namespace) -> list[str]:
    concepts = f"Broden in {arguments.broden}" if arguments.broden else "drawn images"
    return [
        f"Concepts from {arguments.images} of {concepts}. Maximised: {arguments.steps} "
        f"steps on {arguments.side} pixels. Prediction difference: windows of 10 "
        f"pixels, stride {arguments.stride}, {arguments.samples} conditional samples, "
        f"on the middle {arguments.side} pixels of the first sample's reference. All "
        f"seeds {arguments.seed}."
    ]


def _samples(chosen: Any, pairs: Any, count: int = 3) -> list[Any]:
    """The worst, a middling and the best pair of the data set, with activations."""
    import numpy as np

    from jiqa.analysis.explain.targets import whole_maps
    from jiqa.cli.analyse.prediction_difference import read_unit
    from jiqa.nn import NETWORKS
    from jiqa.report.overlays import as_bytes
    from jiqa.report.study import Sample

    order = np.argsort(pairs.scores, kind="stable")
    if pairs.better == "lower":
        order = order[::-1]
    places = np.linspace(0, len(order) - 1, count).round().astype(int)
    samples = []
    for index in dict.fromkeys(order[places].tolist()):
        images = [read_unit(x) for x in pairs.pairs[index]]
        maps = {}
        for layer, numbers in chosen.by_layer().items():
            run = whole_maps(NETWORKS[chosen.network], chosen.params, layer, numbers)
            both = [np.asarray(run(x[None]))[0] for x in images]
            for unit, number in enumerate(numbers):
                maps[f"{layer}:{number}"] = tuple(x[..., unit] for x in both)
        name, score = pairs.names[index], float(pairs.scores[index])
        reference, distorted = (as_bytes(x) for x in images)
        samples.append(Sample(name, score, reference, distorted, maps))
    return samples


def _pictures(
    arguments: argparse.Namespace, chosen: Any, pairs: Any
) -> tuple[dict[Any, Any], ...]:
    """By map: maximised picture, concepts, least overlap, prediction difference."""
    import numpy as np

    from jiqa.analysis.explain.broden import Broden
    from jiqa.analysis.explain.drawn_concepts import DrawnConcepts
    from jiqa.analysis.explain.patch_samplers import ConditionalSampler
    from jiqa.analysis.explain.prediction_difference import prediction_difference
    from jiqa.analysis.explain.targets import of_maps
    from jiqa.cli.analyse.dissect import dissected
    from jiqa.cli.analyse.maximise import maximised
    from jiqa.cli.analyse.prediction_difference import read_unit
    from jiqa.cli.common.progress import progress
    from jiqa.nn import NETWORKS
    from jiqa.progress import steps
    from jiqa.report.overlays import overlay

    side, seed = arguments.side, arguments.seed
    painted = maximised(chosen, size=side, steps=arguments.steps, seed=seed)
    concepts: Any = DrawnConcepts(arguments.images, seed=seed)
    if arguments.broden:
        concepts = Broden(arguments.broden, limit=arguments.images)
    named = dissected(chosen, concepts)
    worst = np.argmin if pairs.better == "higher" else np.argmax
    references = list(dict.fromkeys(reference for reference, _ in pairs.pairs))
    first = pairs.pairs[int(worst(pairs.scores))][0]
    image = _middle(read_unit(first), side)
    with progress("replacing windows", 100) as advance:
        relevance = prediction_difference(
            of_maps(NETWORKS[chosen.network], chosen.params, chosen.maps),
            image,
            ConditionalSampler([read_unit(r) for r in references[:8]], seed=seed),
            stride=arguments.stride,
            samples=arguments.samples,
            seed=seed,
            on_progress=steps(advance, 100),
        )
    overlays = {
        place: overlay(image, relevance.values[..., index])
        for index, place in enumerate(chosen.maps)
    }
    least = dict.fromkeys(chosen.maps, 0.04)
    return painted, named, least, overlays


def _middle(image: Any, side: int) -> Any:
    """The middle ``side`` pixels of a larger image."""
    top, left = (max(0, (n - side) // 2) for n in image.shape[:2])
    return image[top : top + side, left : left + side]
