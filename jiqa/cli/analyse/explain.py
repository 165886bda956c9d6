"""Show which pixels a score hangs on.

  jiqa analyse explain ssim reference.png distorted.png --output explained
  jiqa analyse explain selected:study/maps.json reference.png distorted.png -o explained
  jiqa analyse explain brisque photo.png --output explained

The folder gets gradient.png, what a small change of each pixel would do;
integrated.png, what each pixel did on the way from the baseline (the reference, where
there is one): red where it worsened the score, blue where it bettered it; map.png, the
metric's own map, where it has one; and values.npz and scores.json, with the numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jiqa.checks import expected
from jiqa.cli.common.arguments import add_background, add_no_cache

HELP = "show which pixels a score hangs on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("metric", help="of jiqa metrics, or selected:maps.json")
    add("images", nargs="+", help="reference and distorted image, or the image alone")
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--set",
        action="append",
        default=[],
        metavar="METRIC.OPTION=VALUE",
        help="an option of the metric; may be repeated",
    )
    add(
        "--baseline",
        choices=("reference", "black", "grey", "blur"),
        help="where integrated gradients begin (default: the reference, or else blur)",
    )
    add("--steps", type=int, default=32, help="on the way from there (%(default)s)")
    add("--weights", metavar="FOLDER", help="where to look first for learned weights")
    add_background(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Explain, write, print."""
    import numpy as np

    from jiqa.analysis.explain.gradients import Explainer, harm
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.errors import UsageError
    from jiqa.io.atomic import replacing, write_json
    from jiqa.io.decode import read_image
    from jiqa.io.write_table import make_folder
    from jiqa.registry import load
    from jiqa.report.overlays import overlay, save_picture
    from jiqa.scoring.choose_metrics import choose

    configure_jax(cache=not arguments.no_cache)
    wanted = len(arguments.images)
    (choice, *more) = choose(arguments.metric, arguments.set, have_reference=wanted > 1)
    if more or wanted != 1 + choice.needs_reference:
        needed = "REFERENCE DISTORTED" if choice.needs_reference else "IMAGE"
        got = f"{arguments.metric} and {wanted} images"
        raise UsageError(expected(choice.name, f"one metric and {needed}", got))
    folder = Path(arguments.output)
    make_folder(folder / "scores.json")
    try:
        images = [
            read_image(p, background=arguments.background) for p in arguments.images
        ]
        channels = max(x.shape[-1] for x in images)
        images = [np.repeat(x, channels // x.shape[-1], axis=-1) for x in images]
        given = {"weights_folder": arguments.weights, **choice.options}
        metric = load(choice.name, **given)
        explainer = Explainer(metric)
        slope = explainer.gradient(*images)
        found = explainer.integrated(
            *images, baseline=arguments.baseline, steps=arguments.steps
        )
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    direction = metric.info.direction
    pictures = {
        "gradient": harm(slope, direction),
        "integrated": harm(found.values, direction),
    }
    for name, values in pictures.items():
        save_picture(folder / f"{name}.png", overlay(images[-1], values))
    arrays = {"gradient": slope, "integrated": found.values}
    if metric.info.maps:
        own = np.asarray(load(choice.name, output="map", **given)(*images))
        arrays["map"] = own
        distance = own if metric.info.maps == "difference" else own.max() - own
        save_picture(folder / "map.png", overlay(images[-1], distance))
    with replacing(folder / "values.npz") as draft, draft.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    facts = {
        "metric": choice.label,
        "direction": direction,
        "score": found.score,
        "baseline": arguments.baseline or ("reference" if wanted > 1 else "blur"),
        "baseline_score": found.baseline_score,
        "steps": arguments.steps,
        "gap": found.gap,
    }
    write_json(folder / "scores.json", facts, indent=1)
    print(
        f"{choice.label}: {found.score:.6g}; {found.baseline_score:.6g} at the baseline"
    )
    print(f"the attributions miss the difference by {found.gap:.2g}")
    print(f"written to {folder}")
    return 0
