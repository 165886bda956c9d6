r"""LIVE Challenge with a frozen backbone: ten divisions, several levels or the last.

    jiqa data prepare live_challenge --manual-dir FOLDER   # ChallengeDB_release
    python scripts/train_live_challenge.py
    python scripts/train_live_challenge.py --network alexnet --resize 224 --divisions 2

For each seed four fifths of the photographs train the head of the model ``rank`` on
their MOS (a tenth of them says when to stop) and the last fifth is predicted: SRCC, and
PLCC after the logistic mapping. The backbone sees every photograph once, in the size
``--resize``; its features are kept in jiqa's cache. Prints a line a division, then the
medians, and writes scripts/results/train-live-challenge.csv (--output).

The test division decides nothing. DBCNN's published .851 (SRCC, fine-tuned, ten other
divisions) took its best epoch by the test division: --best-on-test does that here, too,
to be set beside it.
"""

from __future__ import annotations

import argparse
import csv
import functools
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console

from jiqa.cli._setup import progress
from jiqa.data.splits import select
from jiqa.evaluation import evaluate
from jiqa.models.model import Variables
from jiqa.models.runs import open_run
from jiqa.training.config import TrainingConfig
from jiqa.training.kept_features import keep_features
from jiqa.training.loop import train
from jiqa.training.sources import Source
from jiqa.weights.files import read

DATA = "live_challenge"


def main() -> None:
    """Train a head for each division and kind of features."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", default=DATA, help="a prepared set (%(default)s)")
    add("--network", default="vgg16", help="%(default)s")
    add("--resize", type=int, default=384, help="side that it sees (%(default)s)")
    add("--divisions", type=int, default=10, help="%(default)s")
    add("--levels", default="multi,last", help="comma list (%(default)s)")
    add("--pooling", default="mean-deviation", help="of maps (%(default)s)")
    add("--hidden", type=int, default=0, help="width before the score (%(default)s)")
    add("--epochs", type=int, default=60, help="%(default)s")
    add("--rate", type=float, default=1e-3, help="of Adam (%(default)s)")
    add("--dropout", type=float, default=0.5, help="%(default)s")
    add("--weight-decay", type=float, default=0.0, help="%(default)s")
    add("--best-on-test", action="store_true", help="as some papers choose an epoch")
    add("--output", type=Path, help="where the rows are written")
    options = parser.parse_args()
    output = options.output or Path(__file__).parent / "results" / (
        "train-live-challenge.csv"
    )
    rows = []
    for seed in range(options.divisions):
        for levels in options.levels.split(","):
            row = division(options, levels, seed)
            rows.append(row)
            print(row, flush=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for levels in options.levels.split(","):
        own = [row for row in rows if row["levels"] == levels]
        figures = {
            k: round(statistics.median(r[k] for r in own), 4) for k in ("srcc", "plcc")
        }
        Console().print(f"{levels}: median of {len(own)} divisions {figures}")


def division(options: argparse.Namespace, levels: str, seed: int) -> dict[str, Any]:
    """Train on one division; the figures on its test part."""
    test = f"{options.data}:test@{seed}"
    config = TrainingConfig(
        model="rank",
        model_config={
            "backbone": options.network,
            "levels": levels,
            "pooling": options.pooling,
            "hidden": options.hidden,
            "dropout": options.dropout,
            "resize": options.resize,
            "crop": options.resize,
        },
        data=f"{options.data}:train@{seed}",
        validation=test if options.best_on_test else "",
        select_on_test=options.best_on_test,
        frozen=True,
        head_rate=options.rate,
        weight_decay=options.weight_decay,
        optimiser="adamw",
        schedule="cosine",
        epochs=options.epochs,
        batch_size=32,
        seed=seed,
    )
    folder = Path(tempfile.mkdtemp(prefix="jiqa-train-"))
    try:
        finished = train(config, folder, progress=progress)
        scores, labels = predicted(folder, test)
    finally:
        shutil.rmtree(folder)
    table = [
        {"image": name, "metric": "run", "value": float(v), "score": s}
        for (name, s), v in zip(labels, scores, strict=True)
    ]
    found = evaluate(
        table, directions={"run": "higher"}, score_direction={"": "higher"}, resamples=0
    ).summary[0]
    return {
        "network": options.network,
        "resize": options.resize,
        "levels": levels,
        "pooling": options.pooling,
        "chosen_by": "test" if options.best_on_test else "validation",
        "seed": seed,
        "images": len(table),
        "best_update": finished.best,
        "srcc": round(found["srcc"], 4),
        "plcc": round(found["plcc"], 4),
    }


def predicted(folder: Path, spec: str) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """The run's scores of a part, from its kept features, with names and opinions."""
    run = open_run(folder)
    arrays = read(folder / "model.safetensors")[0]
    variables = Variables(
        {k: arrays[k] for k in run.params}, {k: arrays[k] for k in run.state}
    )
    dataset, entries = select(spec)
    sound = [e for e in entries if e.shape is not None and e.score is not None]
    kept = keep_features(
        Source(spec, dataset, sound),
        run.model,
        run.options,
        variables,
        progress=progress,
    )
    head = jax.jit(functools.partial(run.model.head, run.options))
    outputs, _ = head(variables, kept[:])
    return np.asarray(outputs["score"]), [(e.name, float(e.score or 0)) for e in sound]


if __name__ == "__main__":
    main()
