"""Scenarios from data sets, whose images are scored, and from tables of scores."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jiqa.data.learned_images import facts_of_images
from jiqa.distributed import Rank
from jiqa.errors import UsageError
from jiqa.evaluation.rated import Rated, rate_data, rate_tables
from jiqa.evaluation.score_datasets import Scoring
from jiqa.progress import Progress, silent
from jiqa.registry import identity
from jiqa.scoring.choose_metrics import choose
from jiqa.selectors.scenario import Direction, Scenario, scenario_of_rows
from jiqa.selectors.scenario_table import is_scenario_table


def score_scenario(
    data: Path | str,
    methods: str | Sequence[str],
    *,
    folder: Path | str | None = None,
    resume: bool = False,
    options: Sequence[str] = (),
    features: Path | str | None = None,
    score_direction: Direction | None = None,
    data_dir: Path | str | None = None,
    hidden_references: bool = False,
    weights: Path | str | None = None,
    background: float = 1.0,
    memory: int | str | None = None,
    programs: Path | None = None,
    rank: Rank | None = None,
    progress: Progress = silent,
) -> Scenario | None:
    """Score the images of a data set with several no-reference methods.

    Args:
        data: a prepared data set, ``NAME`` or ``NAME:SPLIT``, or a table of images with
            a column of subjective scores.
        methods: names that ``jiqa.load`` takes, or a comma list of them.
        folder: where finished images are kept until all are; by default a temporary
            one, so that interrupted work is lost.
        resume: whether to go on with what is in ``folder``.
        options: options of methods by name, ``"niqe.border=0"``.
        features: a table of numbers to choose by beside the scores, with a column
            image.
        score_direction: which subjective scores are better; by default what the data
            set says.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.
        hidden_references: whether undistorted images that were rated stay among the
            distorted ones.
        weights: folder in which learned weights are looked for first.
        background: grey level in [0, 1] behind transparent pixels.
        memory: bytes, or text such as ``"512MB"``, that learned features may take.
        programs: folder in which traced programs are kept between runs.
        rank: of this process among several, see ``jiqa.distributed``.
        progress: see ``jiqa.progress``.

    Returns:
        The scores; ``None`` in every process but the first.

    Raises:
        UsageError: no method, one that needs a reference, an unknown one, or a data set
            that is not there.

    Example:
        With a prepared data set::

            from jiqa import selectors
            scenario = selectors.score_scenario("koniq10k:train", "niqe,brisque,piqe")
            found = selectors.learn(scenario, output="chooser")
    """
    names = methods if isinstance(methods, str) else ",".join(methods)
    looked_in = None if weights is None else str(weights)
    choices = choose(names, options, have_reference=True, weights=looked_in)
    full = [choice.label for choice in choices if choice.needs_reference]
    if full:
        verb = "needs" if len(full) == 1 else "need"
        raise UsageError(
            f"{', '.join(full)} {verb} a reference, but methods are chosen for images "
            "without one"
        )
    how = Scoring.of_call(
        choices,
        weights=weights,
        background=background,
        memory=memory,
        programs=programs,
        rank=rank,
    )
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
        rated = rate_data(
            [data],
            how,
            Path(folder),
            data_dir=data_dir,
            hidden_references=hidden_references,
            resume=resume,
            progress=progress,
        )
    if rated is None:
        return None
    described = {
        choice.label: {
            "metric": choice.name,
            "options": choice.options,
            "identity": identity(choice.name),
        }
        for choice in choices
    }
    scenario = _scenario(rated, score_direction)
    known = {
        image.image: image
        for part in rated.parts
        for image in facts_of_images(part.dataset, part.entries)
    }
    scenario = replace(scenario, files=tuple(known[name] for name in scenario.images))
    if features is not None:
        scenario = scenario.with_features(features)
    facts = {
        "data": str(data),
        "settings": list(options),
        "methods": described,
        "fingerprints": rated.facts["fingerprints"],
        "weights": rated.facts["weights"],
    }
    return replace(scenario, facts=facts)


def read_scenario(
    table: Path | str,
    *,
    methods: Sequence[str] = (),
    split: str | None = None,
    subjective: str | None = None,
    score_direction: Direction | None = None,
    ignore: Sequence[str] = (),
    features: Path | str | None = None,
    options: Sequence[str] = (),
) -> Scenario:
    r"""Read scores that are there already.

    Args:
        table: .csv, .parquet or .json with the columns image, subjective scores, and
            one a method.
        methods: the columns to take; by default all methods.
        split: only the rows with this value in the column split.
        subjective: the column of subjective scores; by default the only one of mos,
            dmos and score.
        score_direction: which of these are better; by default lower for dmos, else
            higher.
        ignore: columns that are no methods.
        features: a table of numbers to choose by beside the scores, with a column
            image.
        options: the options that the methods were computed with, ``"niqe.border=0"``:
            kept with the selector.

    Returns:
        The scores; ``notes`` says which images of the table were left out.

    Raises:
        UsageError: no such table, column or split, fewer than two methods, or a table
            that a selector has written.

    Example:
        >>> import pathlib, tempfile
        >>> from jiqa import selectors
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> text = "image,mos,one,two\na.png,3,0.1,7\nb.png,4,0.3,5\n"
        >>> _ = (folder / "scores.csv").write_text(text)
        >>> scenario = selectors.read_scenario(folder / "scores.csv")
        >>> scenario.methods, scenario.raw.shape
        (('one', 'two'), (2, 2))
    """
    if is_scenario_table(table):
        raise UsageError(
            f"{table}: the scores are already mapped to the MOS scale by a selector; "
            "expected the scores as the methods give them"
        )
    rated = rate_tables([table], subjective=subjective, ignore=ignore)
    scenario = _scenario(rated, score_direction)
    if split:
        scenario = scenario.of_split(split)
    scenario = scenario.of_methods(methods or scenario.methods)
    if features is not None:
        scenario = scenario.with_features(features)
    facts = {
        "data": f"{table} {split or ''}".strip(),
        "settings": list(options),
        "methods": _described(scenario.methods),
    }
    return replace(scenario, facts=facts, notes=tuple(rated.notes))


def _scenario(rated: Rated, score_direction: Direction | None) -> Scenario:
    direction: dict[str, Direction] = dict(rated.score_direction)
    if score_direction:
        direction = dict.fromkeys(direction, score_direction)
    return scenario_of_rows(rated.rows, direction)


def _described(labels: Sequence[str]) -> dict[str, Any]:
    """Of the columns of a table, what is not plain: methods that files describe."""
    found = {}
    for label in labels:
        try:
            found[label] = {"metric": label, "identity": identity(label)}
        except ValueError:
            continue  # a name in a table need not be one of ours
    return found
