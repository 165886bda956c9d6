"""An evaluation as files: rows, summary and significance."""

from __future__ import annotations

import json
from pathlib import Path

from jiqa.evaluation import grouping, summary
from jiqa.scoring.output import write_rows

#: What ``write_evaluation`` writes.
FILES = ("rows.parquet", "summary.csv", "summary.json", "significance.json")


def write_evaluation(folder: Path, evaluation: summary.Evaluation) -> None:
    """Write ``FILES`` into a folder; a missing one is made.

    Infinity is ``inf`` in CSV and 1e999 in JSON, a missing figure an empty cell or
    ``null``.
    """
    write_rows(folder / "rows.parquet", grouping.COLUMNS, evaluation.rows)
    for name in ("summary.csv", "summary.json"):
        write_rows(folder / name, summary.COLUMNS, evaluation.summary)
    text = json.dumps(evaluation.significance, allow_nan=False)
    (folder / "significance.json").write_text(text + "\n", encoding="utf-8")
