"""How well metrics agree with subjective scores: a table of values and MOS.

    python scripts/examples/evaluate_table.py [TABLE.csv]

A table has a row an image, a column of MOS (``mos``) and one for each metric, of which
higher values are better; ``jiqa evaluate --scores`` knows more. Without an argument it
makes a table of 120 images of 12 references with two made-up metrics. Prints SRCC and
PLCC with 95 % intervals that are clustered by reference, and which metric's errors are
significantly smaller.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

from jiqa.evaluation import evaluate, read_scores


def write_table(path: Path) -> None:
    """A table of two metrics, of which ``fine`` follows the MOS more closely."""
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "reference", "mos", "coarse", "fine"])
        for number in range(120):
            quality = rng.random()
            mos = 1 + 4 * quality + rng.normal(0, 0.3)
            coarse, fine = quality + rng.normal(0, 0.3), quality**2
            writer.writerow([f"{number}.png", number % 12, mos, coarse, fine])


def main(table: Path) -> None:
    """Evaluate and print."""
    scores = read_scores([table])
    metrics = dict.fromkeys(row["metric"] for row in scores.rows)
    found = evaluate(
        scores.rows,
        directions=dict.fromkeys(metrics, "higher"),
        score_direction=scores.score_direction,
    )
    for row in found.summary:
        interval = f"[{row['srcc_low']:.3f}, {row['srcc_high']:.3f}]"
        print(
            f"{row['metric']:8} n {row['n']}  SRCC {row['srcc']:.3f} {interval}  "
            f"PLCC {row['plcc']:.3f}"
        )
    names, verdicts = found.significance[0]["metrics"], found.significance[0]["f_test"]
    for one, row in zip(names, verdicts, strict=True):
        for other, verdict in zip(names, row, strict=True):
            if verdict == 1:
                print(f"{one} agrees better than {other} (F test of the residuals)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "scores.csv"
            write_table(made)
            main(made)
