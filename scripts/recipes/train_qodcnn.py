r"""QODCNN's three steps on a set with references, and what each of them gains.

    jiqa data prepare live/realigned --manual-dir FOLDER
    python scripts/recipes/train_qodcnn.py
    python scripts/recipes/train_qodcnn.py --data siqad --divisions 10

For each seed four fifths of the references train (a tenth of those is left out, and
tells only how far the training got) and the images of the last fifth are predicted,
without and with their references:

* all patches: every patch has learned its image's score; scores are plain means.
* effective patches: training went on with those patches whose quality is nearest to
  their image's score; scores are plain means.
* texture: the same network; patches with more texture weigh more in a score.

Prints a line a step, then the medians over the divisions and what each step gains
over the one before, and writes scripts/results/train-qodcnn.csv (--output).

Measured on LIVE's 175 JPEG images (scripts/recipes/evaluate_live_jpeg.py says where
they are), realigned DMOS, two divisions of six test references each, two cores that
also did other work; a division took 5 minutes without references and 13 with them.
Medians, and in brackets what the step gained on each division:

    model      step               SRCC                    PLCC
    qodcnn     all patches        0.896                   0.922
    qodcnn     effective patches  0.908  (+.005, +.017)   0.930
    qodcnn     texture            0.890  (-.010, -.025)   0.918
    qodcnn_fr  all patches        0.936                   0.963
    qodcnn_fr  effective patches  0.950  (+.021, +.006)   0.966
    qodcnn_fr  texture            0.952  (+.002, +.003)   0.970

The weights are meant for screen content. In photographs JPEG is visible where there is
little texture: without a reference they did harm, with one they hardly mattered. The
paper is on SIQAD and SCID, whose archives were not available: its figures are not
reproduced here.

With dropout of 0.5, batches of 8 images and 160 updates the network had stayed at the
mean score.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from rich.console import Console
from rich.table import Table
from training_recipe import RESULTS, written

from jiqa.cli.common.allocator import keep_memory
from jiqa.cli.common.parser import script_parser
from jiqa.cli.common.progress import progress
from jiqa.core.images import to_float
from jiqa.data.splits import select
from jiqa.evaluation import evaluate
from jiqa.io.decode import read_image
from jiqa.training import train_config
from jiqa.training.config import TrainingConfig
from jiqa.training.run_metric import open_run

#: What is reported: the training that it needs, and how patches weigh in a score.
STEPS = {
    "all patches": ("all", "none"),
    "effective patches": ("effective", "none"),
    "texture": ("effective", "gradient"),
}


def main() -> None:
    """Train the steps of each model on each division."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("--data", default="live/realigned", help="a prepared set (%(default)s)")
    add("--models", default="qodcnn,qodcnn_fr", help="%(default)s")
    add("--divisions", type=int, default=2, help="%(default)s")
    add("--steps", type=int, default=800, help="updates on all patches (%(default)s)")
    add(
        "--effective-steps",
        type=int,
        default=300,
        help="on effective ones",
    )
    add("--rate", type=float, default=1e-3, help="of Adam, first (%(default)s)")
    add("--lower", type=float, default=1e-4, help="of Adam, then (%(default)s)")
    add("--decay", type=float, default=1e-4, help="of weights (%(default)s)")
    add("--widths", default="16,32,64,128", help="of the convolutions (%(default)s)")
    add("--patches", type=int, default=4, help="of an image (%(default)s)")
    add("--batch-size", type=int, default=32, help="images (%(default)s)")
    add("--output", type=Path, help="where the rows are written")
    options = parser.parse_args()
    keep_memory()
    rows = []
    for seed in range(options.divisions):
        for model in options.models.split(","):
            for row in division(options, model, seed):
                rows.append(row)
                print(row, flush=True)
    written(rows, options.output or RESULTS / "train-qodcnn.csv")
    show(rows)


def division(options: argparse.Namespace, model: str, seed: int) -> list[dict]:
    """Both trainings on one division; the figures of all three steps."""
    folder = Path(tempfile.mkdtemp(prefix="jiqa-qodcnn-"))
    begin, rows = "random", []
    try:
        for step, rate, updates in (
            ("all", options.rate, options.steps),
            ("effective", options.lower, options.effective_steps),
        ):
            config = TrainingConfig(
                model=model,
                model_config={
                    "step": step,
                    "patches": options.patches,
                    "widths": tuple(map(int, options.widths.split(","))),
                },
                data=f"{options.data}:train@{seed}",
                weights=begin,
                optimiser="adamw",
                head_rate=rate,
                weight_decay=options.decay,
                schedule="cosine",
                steps=updates,
                # The last update is taken: a dozen images could not choose among them.
                validate_every=updates,
                batch_size=options.batch_size,
                seed=seed,
            )
            train_config(config, folder / step, progress=progress)
            begin = f"run:{folder / step}"
        for name, (step, weighting) in STEPS.items():
            found = tested(folder / step, weighting, f"{options.data}:test@{seed}")
            rows.append({"model": model, "seed": seed, "step": name, **found})
    finally:
        shutil.rmtree(folder)
    return rows


def tested(folder: Path, weighting: str, spec: str) -> dict[str, Any]:
    """A run's figures on a split, whose images it scores whole."""
    run = open_run(folder)
    run = dataclasses.replace(
        run, options=dataclasses.replace(run.options, weighting=weighting)
    )
    arrays, score = run.arrays(), jax.jit(run.score)
    dataset, entries = select(spec)
    table = []
    for entry in entries:
        original = dataset.reference(entry)
        assert original is not None, "a set with references"
        found = dataset.image(entry), original
        image, reference = (to_float(jnp.asarray(read_image(x))) for x in found)
        seen = (reference, image) if len(run.images) == 2 else (image,)
        value = float(score(arrays, *seen))
        row = {"image": entry.name, "metric": "run", "value": value}
        table.append({**row, "score": entry.score})
    assert dataset.scale is not None
    direction = dataset.scale.direction
    line = evaluate(
        table,
        directions={"run": direction},
        score_direction={"": direction},
        resamples=0,
    ).summary[0]
    figures = {name: round(line[name], 4) for name in ("srcc", "plcc", "rmse")}
    return {"images": len(table), **figures}


def show(rows: list[dict[str, Any]]) -> None:
    """Medians of each step, and what it gains."""
    table = Table("model", "step", "SRCC", "gain", "PLCC", "gain")
    for model in dict.fromkeys(row["model"] for row in rows):
        before: dict[str, float] = {}
        for step in STEPS:
            own = [r for r in rows if (r["model"], r["step"]) == (model, step)]
            now = {n: statistics.median(r[n] for r in own) for n in ("srcc", "plcc")}
            cells = []
            for name, value in now.items():
                gain = f"{value - before[name]:+.4f}" if before else ""
                cells += [f"{value:.4f}", gain]
            before = now
            table.add_row(model, step, *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
