"""Tests of metrics on rows without subjective scores: Waterloo's tests and gMAD.

Images of level 0 are pristine. The tests themselves are in
``jiqa.evaluation.statistics.waterloo`` and ``jiqa.evaluation.statistics.gmad``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from jiqa.evaluation.statistics.correlations import replace_infinite
from jiqa.evaluation.statistics.gmad import mine_pairs
from jiqa.evaluation.statistics.waterloo import d_test, l_test, p_test
from jiqa.io.write_table import Row, number_or_nan

#: What a line of ``waterloo_tests`` holds, in this order.
WATERLOO_COLUMNS = (
    *("data", "split", "metric", "direction", "images", "failed"),
    *("d", "threshold", "pristine", "distorted"),
    *("l", "ladders", "undefined", "p", "pairs", "scale", "note"),
)

#: What a line of ``gmad_pairs`` holds, in this order.
GMAD_COLUMNS = (
    *("data", "split", "defender", "attacker", "level", "low", "high"),
    *("attacker_low", "attacker_high", "difference", "relative_difference"),
    *("defender_low", "defender_high"),
)

#: Metrics that the P-test trusts where they agree, and by how much of a scale of 100.
EXPERTS = ("ms_ssim", "vif", "gmsd")
MARGIN = 40.0


@dataclass(frozen=True)
class Table:
    """The values of all metrics on the images of one data set and split.

    Attributes:
        data: name of the data set.
        split: name of the split, or empty.
        images: one row of each image, for what is known of it [n].
        values: by metric [n]; NaN where there is none.
    """

    data: str
    split: str
    images: list[Row]
    values: dict[str, np.ndarray]

    @property
    def levels(self) -> np.ndarray:
        """Strength of the distortion [n], 0 for pristine images, NaN if unknown."""
        return np.array([number_or_nan(row.get("level")) for row in self.images])


def tables_of(rows: Iterable[Row]) -> list[Table]:
    """Arrange long rows as one table a data set and split, with or without scores."""
    parts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        parts[str(row.get("data") or ""), str(row.get("split") or "")].append(row)
    tables = []
    for (data, split), members in parts.items():
        first: dict[str, Row] = {}
        for row in members:
            first.setdefault(str(row["image"]), row)
        places = {image: i for i, image in enumerate(first)}
        values: dict[str, np.ndarray] = {}
        for row in members:
            column = values.setdefault(str(row["metric"]), np.full(len(first), np.nan))
            column[places[str(row["image"])]] = number_or_nan(row["value"])
        tables.append(Table(data, split, list(first.values()), values))
    return tables


def expert_qualities(
    table: Table,
    experts: Sequence[str],
    directions: Mapping[str, str],
    curves: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Return the experts' values on one scale of 0 to 100, higher for better [k, n].

    Args:
        table: of the images.
        experts: metrics of the table.
        directions: which values are better, by metric.
        curves: from values to quality on a scale of 100, by metric, as fitted to human
            scores of other images; the authors took LIVE's. Without them an expert's
            quality is its rank among the images, in per cent: a choice of ours, by
            which a margin of 40 is two fifths of the images.
    """
    lines = []
    for name in experts:
        values, known = table.values[name], ~np.isnan(table.values[name])
        line = np.full(len(values), np.nan)
        if curves is not None:
            line[known] = curves[name](replace_infinite(values[known])[0])
        elif known.any():
            sign = 1 if directions[name] == "higher" else -1
            line[known] = 100 * (rankdata(sign * values[known]) - 0.5) / known.sum()
        lines.append(line)
    return np.stack(lines)


def waterloo_tests(
    table: Table,
    *,
    directions: Mapping[str, str],
    experts: Sequence[str] = EXPERTS,
    curves: Mapping[str, Any] | None = None,
    scale: str = "ranks",
    margin: float = MARGIN,
) -> list[dict[str, Any]]:
    """Run the D-, L- and P-test of every metric of a table.

    Args:
        table: values; levels say which images are pristine, and reference with
            distortion makes a ladder.
        directions: which values are better, by metric.
        experts: metrics that the P-test trusts; it is left out if one is not there.
        curves: see ``expert_qualities``.
        scale: where the curves are from, in words.
        margin: of the experts' qualities, on a scale of 100.

    Returns:
        One line a metric: ``WATERLOO_COLUMNS``; ``note`` says what could not be
        tested and why.
    """
    levels = table.levels
    ladders = np.array(
        [
            f"{row.get('reference') or ''}\n{row.get('distortion') or ''}"
            for row in table.images
        ],
        object,
    )
    lacking = [name for name in experts if name not in table.values]
    trusted = None
    if not lacking:
        trusted = expert_qualities(table, experts, directions, curves)
    lines = []
    for metric, values in table.values.items():
        known = ~np.isnan(values)
        pristine, distorted = known & (levels == 0), known & ~(levels == 0)
        line: dict[str, Any] = dict.fromkeys(WATERLOO_COLUMNS)
        line |= {"data": table.data, "split": table.split, "metric": metric}
        direction: Any = directions[metric]
        line |= {"direction": direction, "images": int(known.sum())}
        line |= {"failed": int((~known).sum()), "scale": ""}
        line |= {"pristine": int(pristine.sum()), "distorted": int(distorted.sum())}
        notes = []
        try:
            d = d_test(values[pristine], values[distorted], direction=direction)
            line |= {"d": d.value, "threshold": d.threshold}
        except ValueError:
            notes.append(
                f"no D-test: {line['pristine']} pristine and {line['distorted']} "
                "distorted images"
            )
        steps = distorted & (levels > 0)
        try:
            found = l_test(
                values[steps], levels[steps], list(ladders[steps]), direction=direction
            )
            line |= {"l": found.value, "ladders": found.ladders}
            line["undefined"] = found.undefined
        except ValueError:
            notes.append("no L-test: no distortion at three levels of one reference")
        if trusted is None:
            notes.append(f"no P-test: it needs {', '.join(lacking)} among the metrics")
        else:
            both = known & ~np.isnan(trusted).any(0)
            try:
                p = p_test(
                    values[both], trusted[:, both], direction=direction, margin=margin
                )
                line |= {"p": p.value, "pairs": p.pairs, "scale": scale}
            except ValueError as error:
                notes.append(f"no P-test: {error}")
            if metric in experts:
                notes.append("one of the experts of the P-test")
        lines.append(line | {"note": "; ".join(notes)})
    return lines


def gmad_pairs(
    table: Table, *, levels: int, width: float = 0.2
) -> list[dict[str, Any]]:
    """Find pairs of distorted images on which metrics contradict each other most.

    Args:
        table: values; a metric without any is left out.
        levels: levels of quality, see ``mine_pairs``.
        width: of a level, likewise.

    Returns:
        One line a pair, ``GMAD_COLUMNS``; ``low`` and ``high`` are images by the
        attacker's values, ``relative_difference`` is in its standard deviations over
        all images, infinite values set to the extreme finite ones.

    Raises:
        ValueError: fewer than two metrics, or too few images.
    """
    distorted = np.flatnonzero(~(table.levels == 0))
    values = {
        name: column[distorted]
        for name, column in table.values.items()
        if not np.isnan(column[distorted]).all()
    }
    finite = {n: replace_infinite(c)[0] for n, c in values.items()}
    spread = {n: float(np.nanstd(c)) for n, c in finite.items()}
    lines = []
    for pair in mine_pairs(values, levels=levels, width=width):
        attacker_values, flat = values[pair.attacker], finite[pair.attacker]
        reach = float(flat[pair.high] - flat[pair.low])
        low, high = (table.images[distorted[i]] for i in (pair.low, pair.high))
        lines.append(
            {
                "data": table.data,
                "split": table.split,
                "defender": pair.defender,
                "attacker": pair.attacker,
                "level": pair.level,
                "low": low["image"],
                "high": high["image"],
                "attacker_low": float(attacker_values[pair.low]),
                "attacker_high": float(attacker_values[pair.high]),
                "difference": pair.difference,
                "relative_difference": reach / (spread[pair.attacker] or 1.0),
                "defender_low": pair.band[0],
                "defender_high": pair.band[1],
            }
        )
    return lines
