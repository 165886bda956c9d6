"""Score the bundled sample with every metric that needs no download.

Prints a table of the recommended metrics and writes a self-contained HTML report with
all scores, thumbnails, maps of every pixel, and curves of each metric over noise, blur
and JPEG of increasing strength.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jiqa.cli.common.arguments import add_no_cache

#: The photograph that ships with jiqa, and its distorted versions.
SAMPLE = Path(__file__).parents[1] / "sample"

HELP = "score the bundled sample and write a report"

#: The strength at which maps are shown, of 1 to 3.
_MAP_LEVEL = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "--output", "-o", default="jiqa-demo.html", help="report to write (%(default)s)"
    )
    add(
        "--metrics",
        default="all-classical",
        help="comma-separated metrics (%(default)s)",
    )
    add(
        "--copy",
        metavar="FOLDER",
        help="only copy the sample's images into a folder, to try other commands on",
    )
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Score, draw, write, print; or copy the images."""
    if arguments.copy is not None:
        return _copy(Path(arguments.copy))
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.score_table import say_failures, show_scores
    from jiqa.progress import compiling, step
    from jiqa.registry import RECOMMENDED
    from jiqa.report.scores import write_report
    from jiqa.scoring.choose_metrics import choose
    from jiqa.scoring.jobs import find_jobs
    from jiqa.scoring.runner import Runner

    programs = configure_jax(cache=not arguments.no_cache)
    choices = choose(arguments.metrics, [], have_reference=True)
    folder = SAMPLE
    reference = folder / "reference.png"
    images = [str(reference), *(str(p) for p in sorted(folder.glob("*_?.*")))]
    jobs = find_jobs(images, str(reference))
    runner = Runner(choices, programs=programs)
    rows = {}
    with progress("scoring", len(jobs)) as advance:
        for job, row in runner.run(jobs, compiling=compiling(advance)):
            rows[job.key] = row
            step(advance, failed="seconds" not in row)
    table = [rows[job.key] for job in jobs]
    columns = [(c.label, c.metric.info) for c in choices]
    labels = [c.label for c in choices]
    first = [x for x in labels if x in RECOMMENDED["full-reference"]] or labels
    write_report(
        Path(arguments.output),
        title="jiqa demo",
        command="jiqa demo",
        columns=columns,
        rows=table,
        first=first,
        sections=[_ladder(columns, table), _maps(columns, folder, reference, programs)],
    )
    show_scores(table, first, None)
    say_failures(table, all_listed=False)
    if len(first) < len(labels):
        print(f"the recommended metrics; {len(labels) - len(first)} more in the report")
    print(f"report written to {Path(arguments.output).resolve()}")
    return 1 if any(row["error"] for row in table) else 0


def _ladder(columns: list[Any], table: list[dict[str, Any]]) -> dict[str, Any]:
    """Score against strength for each distortion of the sample."""
    from jiqa.report.pictures import ladder_plots

    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in table[1:]:
        kinds.setdefault(Path(row["image"]).stem.split("_")[0], [table[0]]).append(row)
    curves: dict[str, Any] = {
        label: {kind: [r[label] for r in rows] for kind, rows in kinds.items()}
        for label, _ in columns
    }
    return {
        "title": "Scores over strength",
        "text": "Each metric on noise, blur and JPEG of increasing strength. The arrow "
        "shows which direction is better. Infinite scores of the reference are not "
        "shown.",
        "svg": ladder_plots(curves, {label: i.direction for label, i in columns}),
    }


def _maps(
    columns: list[Any], folder: Path, reference: Path, programs: Path | None
) -> dict[str, Any]:
    """Per-pixel maps of every metric that has one."""
    import numpy as np

    from jiqa.io.decode import read_image
    from jiqa.registry import bound_metric
    from jiqa.report.score_maps import maps_section
    from jiqa.scoring.compiled import Program
    from jiqa.scoring.score_maps import Mapped

    original = read_image(reference)
    files = sorted(folder.glob(f"*_{_MAP_LEVEL}.*"))
    distorted = [read_image(p) for p in files]
    pair = np.stack([original] * len(files)), np.stack(distorted)
    mapped = [(name, info) for name, info in columns if info.maps]
    compute = Program([bound_metric(n, {"output": "map"}) for n, _ in mapped], programs)
    maps = dict(zip(dict(mapped), map(np.asarray, compute(*pair)), strict=True))
    images = [
        Mapped(path.name, pixels, {name: values[k] for name, values in maps.items()})
        for k, (path, pixels) in enumerate(zip(files, distorted, strict=True))
    ]
    return maps_section(images, dict(mapped))


def _copy(folder: Path) -> int:
    """Copy the sample's images, and say what can be done with them."""
    import shutil

    folder.mkdir(parents=True, exist_ok=True)
    images = [p for p in sorted(SAMPLE.iterdir()) if p.suffix != ".md"]
    for path in images:
        shutil.copyfile(path, folder / path.name)
    print(f"{len(images)} images copied to {folder}; for example:")
    print(f"  jiqa score ssim,psnr {folder} --reference {folder / 'reference.png'}")
    return 0
