"""A scenario on the scale of the subjective scores, as a table: ``scenario.csv``.

Its columns are ``image``, ``score`` (MOS), ``split`` where that is known, then one
a method, mapped to the scale of ``score``; an empty cell is a missing score. So whoever
learns to choose needs neither the methods nor their curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jiqa.io.write_table import write_rows
from jiqa.models.parts.method_table import SELECTOR

#: The table in the folder of a selector or of its report.
FILE = "scenario.csv"

#: What stands beside it in that of a report.
CHOICES = "choices.csv"

#: What stands before the methods; ``split`` may be missing.
_FIRST = ("image", "score", "split")


def is_scenario_table(path: Path | str) -> bool:
    """Return whether a table stands where ``jiqa select`` has written it."""
    path = Path(path)
    beside = [path.with_name(name) for name in (SELECTOR, CHOICES)]
    return path.name == FILE and any(other.is_file() for other in beside)


def write_scenario_table(
    path: Path | str,
    images: Sequence[str],
    score: np.ndarray,
    methods: Sequence[str],
    mapped: np.ndarray,
    splits: Sequence[str] = (),
) -> None:
    """Write ``scenario.csv`` atomically.

    Args:
        path: the file; ends in .csv.
        images: names [n].
        score: subjective scores [n].
        methods: names [m], none of which may be image, score or split.
        mapped: the methods' scores on the scale of ``score`` [n, m].
        splits: the split of each image [n]; left out where none is known.

    Raises:
        ValueError: a method of a name that another column has.
    """
    taken = [name for name in methods if name in _FIRST]
    if taken:
        raise ValueError(f"a method cannot be called {taken[0]}, like another column")
    first = _FIRST if any(splits) else _FIRST[:2]
    known = splits if any(splits) else [""] * len(images)
    rows = [
        {"image": image, "score": float(value), "split": split}
        | {m: float(v) for m, v in zip(methods, values, strict=True)}
        for image, value, split, values in zip(
            images, score, known, mapped, strict=True
        )
    ]
    write_rows(Path(path), [*first, *methods], rows)
