"""What a study says of itself: one definition of held out, and notes."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from jiqa.analysis.map_selection.map_scores import MapScores
from jiqa.analysis.map_selection.study import run_study
from jiqa.evaluation.statistics.logistic import fit_logistic


def _found(values: np.ndarray) -> MapScores:
    layers = ("conv1",) * values.shape[1]
    return MapScores(values, layers, {}, "alexnet", "ssim", {})


@pytest.fixture
def bent(rng) -> tuple[MapScores, np.ndarray, list[str]]:
    """A map beside which the subjective scores rise, then fall."""
    x = np.linspace(0, 10, 60)
    values = np.stack([x, rng.normal(size=60)], 1)
    scores = 20 - (x - 6.5) ** 2 / 4 + rng.normal(0, 0.2, 60)
    return _found(values), scores, [f"r{i % 3}" for i in range(60)]


def test_the_curve_ends_where_the_table_begins(bent):
    study = run_study(*bent, resamples=0, max_maps=1)
    (chosen, every) = study.figures
    assert study.held_out_curve() == [pytest.approx(chosen.held_out)]
    folds = [fold.all_maps for fold in study.validation.folds]
    assert every.held_out == study.validation.all_maps != np.mean(folds)
    assert not any("The folds took" in note for note in study.notes)
    np.testing.assert_array_equal(study.combined, bent[0].values[:, 0])


def test_few_references_and_a_curve_that_turns_round_are_noted(bent):
    found, scores, references = bent
    study = run_study(*bent, resamples=0, max_maps=1)
    few, turned = study.notes
    assert few == "The pairs have only 3 references: 3 folds instead of 5."
    beside = fit_logistic(found.values[:, 0], scores, mapping=4)
    assert "turns round" in turned and turned.endswith(f"gives {beside.plcc:.4f}.")
    assert beside.plcc is not None and beside.plcc < study.selection.value
    asked = run_study(*bent, resamples=0, max_maps=1, folds=3)
    assert asked.notes == (turned,)
    line = run_study(found, found.values[:, 0] + 0.1 * scores, references, resamples=0)
    assert len(line.notes) == 1


def test_every_part_that_takes_long_shows_its_progress(bent, rng):
    seen: dict[str, list[int]] = {}

    @contextlib.contextmanager
    def recorded(what, total, start=0):
        seen[what] = [total, start]
        yield lambda: seen[what].__setitem__(1, seen[what][1] + 1)

    run_study(*bent, resamples=2, max_maps=1, progress=recorded)
    assert seen == {"selecting maps": [4, 4], "selecting on resamples": [2, 2]}


def test_where_folds_take_more_maps_it_is_said(rng):
    values, scores = rng.normal(size=(60, 40)), rng.normal(size=60)
    references = [i // 5 for i in range(60)]
    study = run_study(_found(values), scores, references, resamples=0, criterion="plcc")
    sizes = [len(fold.selection.selected) for fold in study.validation.folds]
    noted = [note for note in study.notes if note.startswith("The folds took")]
    assert bool(noted) == (max(sizes) > len(study.selection.selected))
