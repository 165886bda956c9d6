"""Write the table of metrics into README.md from the registry.

    python scripts/maintenance/readme_table.py

A test checks that the README holds what this writes.
"""

from __future__ import annotations

import re
from pathlib import Path

from jiqa.cli.metrics import format_range
from jiqa.io.atomic import write_text
from jiqa.metrics import all_metrics

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"(?<=readme_table.py -->\n).*?(?=<!-- end of metrics -->)", re.S)


def table() -> str:
    """The table as Markdown."""
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
    return "\n".join(lines) + "\n"


def updated(text: str) -> str:
    """The README's text with the table of today."""
    return _BLOCK.sub(lambda _: table(), text)


if __name__ == "__main__":
    write_text(README, updated(README.read_text(encoding="utf-8")))
