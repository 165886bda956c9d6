"""A study of feature maps as files: maps.json, tables, a plot, run.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.analysis.map_selection.rated_pairs import RatedPairs
from jiqa.analysis.map_selection.study import Study
from jiqa.io.atomic import replacing
from jiqa.io.json_files import write_json
from jiqa.io.write_table import write_rows


def write_study(
    folder: Path, study: Study, facts: Mapping[str, Any], pairs: RatedPairs
) -> None:
    """Write the files of a study.

    ``maps.json``, which is a metric (``selected:maps.json``); ``curve.csv`` and
    ``curve.png``; ``figures.csv``; ``scores.csv``, the score of the chosen maps and the
    held-out prediction beside each subjective score; ``stability.csv``; ``run.json``,
    with ``facts``, notes and the folds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    selection, cross = study.selection, study.validation
    selection.to_json(folder / "maps.json")
    held_out = study.held_out_curve()
    steps = zip(
        selection.names, selection.alone, selection.curve, held_out, strict=True
    )
    rows = [[n, *step] for n, step in enumerate(steps, 1)]
    head = ["maps", "added", "alone", "in_sample", "held_out"]
    _table(folder / "curve.csv", head, rows)
    lines = [asdict(line) for line in study.figures]
    _table(folder / "figures.csv", list(lines[0]), [list(x.values()) for x in lines])
    _write_scores(folder / "scores.csv", study, pairs)
    if study.stability is not None:
        _write_stability(folder / "stability.csv", study)
    draw_curve(folder / "curve.png", study)
    content = {
        **facts,
        "pairs": int(study.used.sum()),
        "criterion": selection.criterion,
        "combine": selection.combine,
        "direction": selection.direction,
        "notes": list(study.notes),
        "figures": lines,
        "folds": [
            {
                "held_out_references": [str(r) for r in fold.references],
                "maps": list(fold.selection.names),
                "in_sample": fold.selection.value,
                "held_out": fold.out_of_sample,
                "held_out_all_maps": fold.all_maps,
            }
            for fold in cross.folds
        ],
    }
    write_json(folder / "run.json", _plain(content), indent=1, default=str)


def _write_scores(path: Path, study: Study, pairs: RatedPairs) -> None:
    used = np.flatnonzero(study.used).tolist()
    columns = (
        [pairs.names[i] for i in used],
        [pairs.references[i] for i in used],
        np.asarray(pairs.scores, np.float64)[used].tolist(),
        study.combined.tolist(),
        study.validation.predictions.tolist(),
    )
    head = ["image", "reference", "subjective", "score", "predicted_held_out"]
    _table(path, head, [list(row) for row in zip(*columns, strict=True)])


def _write_stability(path: Path, study: Study) -> None:
    assert study.stability is not None
    found, selection = study.stability, study.selection
    order = found.most_frequent(int((found.frequency > 0).sum()))
    rows = [
        [
            index,
            study.names[index],
            index in selection.selected,
            share,
            found.first[index],
        ]
        for index, share in order
    ]
    head = ["map", "name", "chosen_on_all_pairs", "frequency", "first"]
    _table(path, head, rows)


def draw_curve(path: Path, study: Study) -> None:
    """Draw the criterion against the number of maps, in-sample and held out, as PNG."""
    figure = curve_figure(study)
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=120, bbox_inches="tight")


def curve_figure(study: Study) -> Any:
    """Draw the same as a figure of Matplotlib."""
    from matplotlib.figure import Figure

    selection = study.selection
    figure = Figure(figsize=(6, 3.4))
    axis = figure.subplots()
    count = np.arange(1, len(selection.curve) + 1)
    axis.plot(count, selection.curve, "o-", color="#0072B2", label="in-sample")
    axis.plot(
        count,
        study.held_out_curve(),
        "s--",
        color="#D55E00",
        label="held out",
    )
    axis.axhline(selection.all_maps, color="#848484", lw=1, label="all maps, in-sample")
    axis.axhline(
        study.validation.all_maps,
        color="#848484",
        lw=1,
        ls=":",
        label="all maps, held out",
    )
    axis.set_xlabel("feature maps")
    axis.set_ylabel(selection.criterion)
    locator: Any = axis.xaxis.get_major_locator()
    locator.set_params(integer=True)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def _table(path: Path, head: list[str], rows: list[list[Any]]) -> None:
    write_rows(path, head, [dict(zip(head, row, strict=True)) for row in rows])


def _plain(value: Any) -> Any:
    """Return what JSON can hold; it has no NaN."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
