"""Figures of a metric on images that it has learned from say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jiqa.data.learned_images import (
    ImageFacts,
    facts_of_images,
    facts_of_rows,
    learned_by,
    overlap_notes,
)
from jiqa.evaluation.evaluate import Evaluation
from jiqa.evaluation.rated import Rated

#: Data set and split.
Key = tuple[str, str]


def note_learned_images(
    evaluation: Evaluation, rated: Rated
) -> tuple[Evaluation, list[str]]:
    """Note with each figure of a run or a selector that it learned from its images.

    Args:
        evaluation: of all rows.
        rated: where the rows are from.

    Returns:
        The evaluation, with notes in its summary, and one sentence a metric and split.
    """
    metrics = dict.fromkeys(line["metric"] for line in evaluation.summary)
    learned = {metric: learned_by(metric) for metric in metrics}
    if not any(learned.values()):
        return evaluation, []
    images = _images(rated)
    found: dict[tuple[str, str, str], list[str]] = {}
    summary = []
    for line in evaluation.summary:
        key = line["data"], line["split"]
        place = (*key, line["metric"])
        if place not in found:
            found[place] = overlap_notes(learned[line["metric"]], images.get(key, ()))
        noted = [*filter(None, [line["note"]]), *found[place]]
        summary.append({**line, "note": "; ".join(noted)})
    texts = [
        f"{metric} on {f'{data} {split}'.strip()}: {'; '.join(notes)}. The figures "
        "say nothing of images that it has not seen."
        for (data, split, metric), notes in found.items()
        if notes
    ]
    return replace(evaluation, summary=summary), texts


def _images(rated: Rated) -> Mapping[Key, Sequence[ImageFacts]]:
    """Return the images of each data set and split that is evaluated."""
    if rated.parts:
        return {
            (part.name, part.split): facts_of_images(part.dataset, part.entries)
            for part in rated.parts
        }
    rows: dict[Key, list[Mapping[str, Any]]] = {}
    for row in rated.rows:
        key = str(row.get("data") or ""), str(row.get("split") or "")
        rows.setdefault(key, []).append(row)
    return {key: facts_of_rows(members) for key, members in rows.items()}
