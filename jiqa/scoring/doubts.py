"""Images that a metric was not made for, which it scores all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jiqa.core.bound_metric import BoundMetric
from jiqa.io.write_table import Row
from jiqa.metrics.no_reference.quality import doubt

#: The most images that are named.
_SHOWN = 10


def doubts(choices: Sequence[BoundMetric], rows: Sequence[Row]) -> dict[str, list[str]]:
    """By metric, a line for each image that is unlike those it has learned from.

    Args:
        choices: the metrics of the columns.
        rows: of the table.
    """
    found: dict[str, list[str]] = {}
    for choice in choices:
        flat = next((c for c in choice.columns[1:] if c.endswith("_flat")), "")
        for row in rows if flat else ():
            if row[flat] is None:
                continue
            if reason := doubt(row[flat], row["height"], row["width"]):
                found.setdefault(choice.name, []).append(f"{row['image']}: {reason}")
    return found


def say_doubts(
    choices: Sequence[BoundMetric], rows: Sequence[Row], say: Callable[[str], None]
) -> None:
    """Say which images are doubtful, the first of them by name."""
    for name, lines in doubts(choices, rows).items():
        image = "1 image is" if len(lines) == 1 else f"{len(lines)} images are"
        say(f"{name} was made for photographs; {image} unlike those it learned from:")
        for line in lines[:_SHOWN]:
            say(f"  {line}")
        if len(lines) > _SHOWN:
            say(f"  and {len(lines) - _SHOWN} more")
