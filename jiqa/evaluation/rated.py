"""Rows to evaluate: metrics computed on data sets, or scores read from tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax

from jiqa.data.user_tables.resolve import notes_of_users, resolved
from jiqa.errors import UsageError
from jiqa.evaluation.read_scores import read_scores
from jiqa.evaluation.score_dataset import Part
from jiqa.evaluation.score_datasets import Scoring, open_parts, score_datasets
from jiqa.io.write_table import Row
from jiqa.progress import Progress, silent

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Rated:
    """Rows to evaluate.

    Attributes:
        rows: one row an image and metric.
        directions: of metrics, by label; those of tables are found elsewhere.
        score_direction: of the subjective scores, by data set.
        facts: what else decides the result, to be written down.
        parts: the parts of data sets, empty for tables.
        notes: how the user's tables were read, and what was left out, in sentences.
    """

    rows: Sequence[Row] = ()
    directions: dict[str, Direction] = field(default_factory=dict)
    score_direction: dict[str, Direction] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    notes: Sequence[str] = ()


def rate_data(
    data: Sequence[str | Path],
    how: Scoring,
    folder: Path,
    *,
    data_dir: Path | str | None = None,
    hidden_references: bool = False,
    unrated: bool = False,
    pristine: bool = False,
    resume: bool = False,
    progress: Progress = silent,
) -> Rated | None:
    """Score data sets; ``None`` in every process but the first.

    Args:
        data: names of prepared sets, or tables and folders, with ``:SPLIT`` or not.
        how: metrics and settings.
        folder: where finished images are kept until all are.
        data_dir: where prepared sets are.
        hidden_references: whether to keep undistorted images that were rated.
        unrated: whether sets without subjective scores will do.
        pristine: whether to add the references of the images as images of level 0.
        resume: whether to go on with what is in ``folder``.
        progress: shows how far each part is.

    Raises:
        UsageError: a request that cannot be carried out.
    """
    data_dir = str(data_dir) if data_dir is not None else None
    try:
        specs = [resolved(str(spec), data_dir) for spec in data]
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    parts = open_parts(
        specs,
        data_dir,
        hidden_references=hidden_references,
        unrated=unrated,
        pristine=pristine,
    )
    scored = score_datasets(parts, how, folder, resume=resume, progress=progress)
    if not how.rank.first:
        return None
    facts = {
        "fingerprints": scored.fingerprints,
        "weights": scored.weights,
        "devices": [str(device) for device in jax.devices()],
        "processes": how.rank.count,
    }
    return Rated(
        scored.rows,
        scored.directions,
        scored.score_direction,
        facts,
        scored.parts,
        notes_of_users(part.dataset for part in parts),
    )


def rate_tables(
    paths: Sequence[Path | str],
    *,
    subjective: str | None = None,
    ignore: Sequence[str] = (),
    infinite: float | None = None,
) -> Rated:
    """Read tables of scores; see ``jiqa.evaluation.read_scores``."""
    scores = read_scores(paths, subjective=subjective, ignore=ignore, infinite=infinite)
    directions = dict(scores.score_direction)
    notes = [*scores.columns, *scores.notes]
    return Rated(scores.rows, {}, directions, notes=notes)
