r"""Choosing among 15 sharpness indices for each photograph of KonIQ-10k.

    git clone https://github.com/NicoYuCN/IQAfitnnw
    git clone https://github.com/subpic/koniq
    python scripts/recipes/select_koniq.py IQAfitnnw koniq

The first repository has the indices' scores of all 10,073 photographs and the
mean opinion scores, the second has the official division; neither is part of jiqa. The
indices are taken to the scale 0 to 100 of the MOS, and every kind of selector
learns from the 8,058 photographs of the training and validation parts. The size of
leaves and the share of features at a division are those with the least mean absolute
error on parts of these that were left out in turn; the 2,015 photographs of the test
part decide nothing. Prints what each kind is worth and writes
scripts/results/select-koniq.csv (--output).

Measured on the test part, with scikit-learn 1.9.1 (SRCC, mean absolute error, closed
gap; settings as decided):

    single best, FISH          .650   8.70     0 %
    best       200 trees       .637   8.63     2 %
    pairwise    20 trees       .683   8.27    10 %
    absolute   200 trees       .675   8.24    11 %
    errors     200 trees       .697   8.24    11 %
    nearest    200 trees       .706   8.10    14 %
    fusion, least squares      .690   8.24    11 %
    fusion, random forest      .717   7.85    20 %
    oracle                     .935   4.44   100 %

A forest that fuses all scores beats every choice of one of them: of the large gap to
the oracle little can be had from the scores alone. The single best's SRCC before its
curve is .646. A kind's forests take minutes on two cores; with 105 pairs, half an hour.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from jiqa.cli.common.parser import script_parser
from jiqa.cli.common.scenario import show_figures
from jiqa.io.write_table import write_rows
from jiqa.selectors.figures import COLUMNS
from jiqa.selectors.grow_forests import Growth
from jiqa.selectors.learning import cross_validated, fuse, grow_selector, reported
from jiqa.selectors.rules import KINDS
from jiqa.selectors.scenario import Scenario

_SCORES = "real_KonIQ/real_KONIQ_score_*.mat"
_OPINIONS = "scoreBISAground/y_real_KONIQ.mat"
_DIVISION = "metadata/koniq10k_distributions_sets.csv"


def main() -> None:
    """Decide the settings of each kind on the training part, and test them."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("scores", type=Path, help="folder of IQAfitnnw")
    add("division", type=Path, help="folder of koniq")
    add("--kinds", default=",".join(KINDS), help="comma list (%(default)s)")
    add("--leaves", default="2,5", help="fewest images in one (%(default)s)")
    add("--shares", default="0.2,0.3333333333333333", help="of features (%(default)s)")
    add("--folds", type=int, default=3, help="parts left out (%(default)s)")
    add("--tuning-trees", type=int, default=60, help="of these; pairs: a twelfth")
    add("--trees", type=int, default=200, help="of the tested forests (%(default)s)")
    add("--duel-trees", type=int, default=20, help="of a pair's forest (%(default)s)")
    add("--seed", type=int, default=0, help="%(default)s")
    add("--output", type=Path, help="where the figures are written")
    options = parser.parse_args()
    results = Path(__file__).parents[1] / "results" / "select-koniq.csv"
    output = options.output or results
    whole = scenario(options.scores, options.division)
    training, test = (whole.of_split(name) for name in ("training", "test"))
    print(f"{len(training)} photographs to learn from, {len(test)} to test on")
    rows = []
    for kind in options.kinds.split(","):
        growth, tried = decided(options, kind, training)
        selector = grow_selector(training, growth)
        lines = reported(selector, test, fuse(selector, training, growth))
        show_figures(lines, f"test part: {kind}, {described(growth)}")
        kept = [ln for ln in lines if not rows or ln["role"] == "selector"]
        facts = {"part": "test", "kind": kind, "settings": described(growth)}
        rows += [
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
            for row in (*tried, *({**facts, **line} for line in kept))
        ]
        write_rows(output, ("part", "kind", "settings", *COLUMNS), rows)


def scenario(scores: Path, division: Path) -> Scenario:
    """Both tables; the rows of one are in the order of the other."""
    files = sorted(scores.glob(_SCORES))
    if not files:
        raise SystemExit(f"{scores} has no {_SCORES}")
    names = [path.stem.rpartition("_")[2] for path in files]
    raw = np.stack([_values(path) for path in files], 1)
    with (division / _DIVISION).open(newline="") as file:
        rows = list(csv.DictReader(file))
    score = np.array([float(row["MOS"]) for row in rows])
    # The first repository has the mean of the votes: so its order is known.
    votes = [sum(k * float(row[f"c{k}"]) for k in range(1, 6)) for row in rows]
    if not np.allclose(_values(scores / _OPINIONS), votes, atol=1e-6):
        raise SystemExit("the MOS of the two repositories differ")
    splits = ("test" if row["set"] == "test" else "training" for row in rows)
    images = tuple(row["image_name"] for row in rows)
    none = ("",) * len(images)
    return Scenario(images, none, tuple(splits), tuple(names), raw, score)


def decided(
    options: argparse.Namespace, kind: str, training: Scenario
) -> tuple[Growth, list[dict[str, Any]]]:
    """The best of the settings on parts of the training part that were left out."""
    duels = kind == "pairwise"
    trees = options.duel_trees if duels else options.trees
    tuning = max(options.tuning_trees // 12, 1) if duels else options.tuning_trees
    found = []
    for leaf in map(int, options.leaves.split(",")):
        for share in map(float, options.shares.split(",")):
            growth = Growth(kind, tuning, leaf, share, options.seed)
            lines = cross_validated(training, growth, options.folds)
            line = next(ln for ln in lines if ln["role"] == "selector")
            facts = {"part": "left out", "kind": kind, "settings": described(growth)}
            found.append((line["mae"], leaf, share, {**facts, **line}))
            print(kind, described(growth), f"{line['srcc']:.4f} {line['mae']:.4f}")
    _, leaf, share, _ = min(found, key=lambda entry: entry[:3])
    rows = [entry[-1] for entry in found]
    return Growth(kind, trees, leaf, share, options.seed), rows


def described(growth: Growth) -> str:
    """The settings in short."""
    return f"{growth.trees} trees, leaf {growth.leaf}, share {growth.share:.2f}"


def _values(path: Path) -> np.ndarray:
    """The only array [n] of a MATLAB file."""
    found = [v for k, v in scipy.io.loadmat(path).items() if not k.startswith("__")]
    return np.asarray(found[0], np.float64).ravel()


if __name__ == "__main__":
    main()
