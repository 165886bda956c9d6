r"""The papers' trainings again: their data sets, steps, rates and divisions.

    jiqa data prepare tid2013 --manual-dir ~/archives/tid2013      (and so on)
    python scripts/recipes/train_published.py --list
    python scripts/recipes/train_published.py dbcnn/csiq --output runs
    python scripts/recipes/train_published.py rankiqa/tid2013 --ladder \
        ladders/waterloo \
        --output runs

A recipe is one training after another with ``jiqa train``, each beginning with what the
one before has left; the commands are printed as they are run. The last is tested on a
fifth of the references that no training saw, for each of --divisions seeds. Printed are
SRCC and PLCC of each, their medians, and the paper's; the rows are in
OUTPUT/RECIPE.csv. A training that was broken off goes on where it was.

Ranks are learned from a folder that ``jiqa distort`` has written, of the set that
--list names; the authors' is of Waterloo's 4,744 photographs. What follows ``--`` is
passed on to every training. --best-on-test lets the test division choose the update, as
DBCNN's authors do; such a figure is no measure of anything new.

Of these data sets LIVE Challenge alone was available, where DBCNN as a whole asks for a
GPU: no recipe was run on them, and none of the published figures is reproduced. The
tests run one of each kind on a miniature set. What could be had is trained on by
scripts/recipes/train_biq2021.py, train_live_challenge.py, train_ranks.py and
train_qodcnn.py.

scripts/recipes/published_settings.py has the settings, and says what in them is a
guess.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jiqa_arguments import parted
from published_settings import RECIPES, Recipe
from rich.console import Console
from rich.table import Table
from training_recipe import written

from jiqa.cli import main as jiqa
from jiqa.cli.common.parser import script_parser
from jiqa.io.json_files import read_json


def main(argv: list[str] | None = None) -> int:
    """Run a recipe on each division; print its figures."""
    own, more = parted(argv)
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("recipe", nargs="?", choices=RECIPES, metavar="RECIPE", help="see --list")
    add("--list", action="store_true", help="the recipes, and the papers' figures")
    add("--data", help="another prepared set than the paper's")
    add("--ladder", help="folder that jiqa distort has written, to learn ranks from")
    add("--divisions", type=int, default=1, help="%(default)s")
    add("--best-on-test", action="store_true", help="as some papers choose an update")
    add("--weights", default="", help="what comes first (published weights)")
    add("--output", type=Path, default=Path("runs"), help="folder (%(default)s)")
    options = parser.parse_args(own)
    if options.list or not options.recipe:
        listed()
        return 0
    recipe = RECIPES[options.recipe]
    if recipe.ladder and not options.ladder:
        parser.error(f"--ladder is required: photographs distorted by {recipe.ladder}")
    place, rows = options.output / options.recipe.replace("/", "-"), []
    for seed in range(options.divisions):
        row = division(options, place, seed, more)
        if row is None:
            return 1
        rows.append(row)
    written(rows, place.with_suffix(".csv"))
    table = Table("of", "images", "SRCC", "PLCC")
    for row in rows:
        table.add_row(f"division {row['seed']}", str(row["images"]), *_cells(row))
    columns = {k: [r[k] for r in rows if r[k] is not None] for k in ("srcc", "plcc")}
    medians = {k: statistics.median(v) for k, v in columns.items() if v}
    table.add_row("median", "", *_cells(medians))
    table.add_row("published", "", *_cells(recipe.published))
    Console().print(table)
    return 0


def listed() -> None:
    """The recipes as a table."""
    table = Table("recipe", "data set", "ranks from", "SRCC", "PLCC")
    for name, recipe in RECIPES.items():
        table.add_row(name, recipe.data, recipe.ladder, *_cells(recipe.published))
    Console().print(table)


def division(
    options: argparse.Namespace, folder: Path, seed: int, more: Sequence[str]
) -> dict[str, Any] | None:
    """The trainings on one division; the last one's figures, or none if it failed."""
    recipe: Recipe = RECIPES[options.recipe]
    data, begin = options.data or recipe.data, options.weights
    test, run = f"{data}:test@{seed}", folder
    for number, settings in enumerate(recipe.trainings, 1):
        ranks = bool(recipe.ladder) and number == 1
        run = folder / f"{seed}-{number}"
        words = ["train", recipe.model, "--workdir", str(run), "--resume"]
        words += ["--data", options.ladder if ranks else f"{data}:train@{seed}"]
        if number == len(recipe.trainings):
            words += ["--test", test]
        if options.best_on_test and not ranks:
            words += ["--validation", test, "--set", "select_on_test=true"]
        given = {"frozen": False, **settings, "weights": begin, "seed": seed}
        words += [w for k, v in given.items() for w in ("--set", f"{k}={v}")]
        words += more
        print("jiqa", shlex.join(words), flush=True)
        if jiqa(words) > 1 or not (run / "model.safetensors").is_file():
            return None
        begin = f"run:{run}"
    summary = read_json(run / "evaluation" / "summary.json")
    overall = next(row for row in summary if row["distortion"] == "all")
    found = {k: overall[k] for k in ("srcc", "plcc")}  # none, where images are too few
    figures = {k: None if v is None else round(v, 4) for k, v in found.items()}
    return {"recipe": options.recipe, "seed": seed, "images": overall["n"], **figures}


def _cells(figures: Mapping[str, Any]) -> list[str]:
    found = (figures.get(name) for name in ("srcc", "plcc"))
    return ["–" if value is None else f"{value:.3f}" for value in found]


if __name__ == "__main__":
    raise SystemExit(main())
