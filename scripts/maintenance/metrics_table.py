"""Write the table of all metrics, jiqa/metrics/README.md, from the registry.

    python scripts/maintenance/metrics_table.py

A test checks that the file holds what this writes.
"""

from __future__ import annotations

from pathlib import Path

from jiqa.cli.metrics import format_range
from jiqa.io.atomic import write_text
from jiqa.metrics import all_metrics

PAGE = Path(__file__).parents[2] / "jiqa" / "metrics" / "README.md"
_TEXT = """# All metrics

`jiqa metrics NAME` describes one with its options, its citation, and what proves that
it is right. Fidelity: `authors-code` reproduces values of the authors' own program;
`paper` is built from the text, and no program was there to compare with; the text of a
`reconstruction` leaves gaps, and every gap is an option. This page is written by
`scripts/maintenance/metrics_table.py`.

"""


def page() -> str:
    """The page as Markdown."""
    lines = [
        "| name | metric | reference | better | range | smallest side | colour | "
        "fidelity |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, metric in all_metrics().items():
        info = metric.info
        reference = "yes" if info.kind == "full-reference" else "no"
        lines.append(
            f"| `{name}` | {info.title} | {reference} | {info.direction} | "
            f"{format_range(info.range)} | {info.min_side} | {info.colour} | "
            f"{info.fidelity} |"
        )
    return _TEXT + "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_text(PAGE, page())
