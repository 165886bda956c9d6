"""The sections of a report beside correlations: splits, tests without scores, pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from jiqa.evaluation.extra_tests import ExtraTests
from jiqa.report.evaluation.tables import (
    Table,
    count_cell,
    figure_cell,
    minus,
    table,
    text_cell,
)
from jiqa.report.evaluation.view import Row
from jiqa.report.evaluation.worst_images import Album

#: Pairs of gMAD that the page shows; the file has all.
_MOST_PAIRS = 60

_ARROWS = {"higher": "↑", "lower": "↓"}


def protocol_table(extra: ExtraTests) -> Table | None:
    """A line a metric: medians with the middle 95 % of the splits; ``None`` if none."""
    heads = [
        *("metric", "data", "split", ("SRCC", "descending"), ("KRCC", "descending")),
        *(("PLCC", "descending"), ("PLCC unfitted", "descending")),
        *(("SRCC deviation", "ascending"), "splits", "test images", "failed", "note"),
    ]
    rows = [
        [
            text_cell(line["metric"]),
            text_cell(line["data"]),
            text_cell(line["split"]),
            *(
                figure_cell(
                    line[name], "{:.3f}", line[f"{name}_low"], line[f"{name}_high"]
                )
                for name in ("srcc", "krcc", "plcc", "plcc_unfitted")
            ),
            figure_cell(line["srcc_std"], "{:.3f}"),
            count_cell(line["splits"]),
            figure_cell(line["rows"], "{:g}"),
            count_cell(line["failed"]),
            text_cell(line["note"], wide=True),
        ]
        for line in extra.protocol
    ]
    return table("Median over repeated splits", heads, rows) if rows else None


def waterloo_table(extra: ExtraTests) -> Table | None:
    """A line a metric: D-, L- and P-test; ``None`` if there are none."""
    heads = [
        *("metric", "data", "split", ("D", "descending"), ("L", "descending")),
        *(("P", "descending"), "threshold of D", "pristine", "distorted", "ladders"),
        *("pairs", "scale of P", "failed", "note"),
    ]
    rows = [
        [
            text_cell(line["metric"], after=_ARROWS[line["direction"]]),
            text_cell(line["data"]),
            text_cell(line["split"]),
            *(figure_cell(line[name], "{:.4f}") for name in "dlp"),
            figure_cell(line["threshold"], "{:.4g}"),
            *(
                count_cell(line[name])
                for name in ("pristine", "distorted", "ladders", "pairs")
            ),
            text_cell(line["scale"]),
            count_cell(line["failed"]),
            text_cell(line["note"], wide=True),
        ]
        for line in extra.waterloo
    ]
    return table("Tests without subjective scores", heads, rows) if rows else None


def gmad_figures(
    extra: ExtraTests, rows: Sequence[Row], album: Album
) -> list[dict[str, Any]]:
    """The pairs that contradict each other most, with their pictures.

    Of each attacker and defender of a data set the level with the largest difference,
    as the attacker's standard deviations count it; the largest first.
    """
    best: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for line in extra.gmad:
        key = tuple(line[k] for k in ("data", "split", "defender", "attacker"))
        known = best.get(key)
        if known is None or _reach(line) > _reach(known):
            best[key] = line
    of_image: dict[tuple[str, ...], Row] = {}
    for row in rows:
        of_image.setdefault(_key(row, row["image"]), row)
    found = []
    for line in sorted(best.values(), key=_reach, reverse=True)[:_MOST_PAIRS]:
        # The image that the attacker calls lower stands on the left.
        pair = [of_image[_key(line, line[end])] for end in ("low", "high")]
        band = line["defender_low"], line["defender_high"]
        found.append(
            {
                **{k: line[k] for k in ("attacker", "defender", "data", "level")},
                "names": [PurePath(str(row["image"])).name for row in pair],
                "pictures": [album.pair(row)[0] for row in pair],
                "ends": [
                    minus(f"{line[k]:.4g}") for k in ("attacker_low", "attacker_high")
                ],
                "band": [minus(f"{v:.4g}") for v in band],
            }
        )
    return found


def _reach(line: Mapping[str, Any]) -> float:
    return float(line["relative_difference"])


def _key(row: Mapping[str, Any], image: Any) -> tuple[str, ...]:
    return str(row.get("data") or ""), str(row.get("split") or ""), str(image)
