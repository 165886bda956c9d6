"""Cross-validation and resampling of a selection."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from jiqa.analysis.map_selection.cross_validation import (
    best_count,
    fold_count,
    nested_cross_validate,
    reference_folds,
)
from jiqa.analysis.map_selection.forward_selection import forward_select
from jiqa.analysis.map_selection.stability import bootstrap_stability
from tests.helpers.planted_study import planted_study


@pytest.fixture(scope="module")
def study():
    return planted_study(references=12, impairments=4, levels=3, maps=30, seed=2)


@pytest.fixture(scope="module")
def noise():
    """Maps that know nothing about the scores."""
    rng = np.random.default_rng(5)
    return rng.normal(size=(60, 80)), rng.normal(size=60), np.arange(60) // 5


def test_folds_keep_references_whole():
    references = [f"r{i % 7}" for i in range(50)]
    part = reference_folds(references, 3, seed=1)
    sides = {
        r: {p for q, p in zip(references, part, strict=True) if q == r}
        for r in references
    }
    assert all(len(side) == 1 for side in sides.values())
    counts = np.bincount([next(iter(s)) for s in sides.values()])
    assert counts.min() == 2 and counts.max() == 3
    assert reference_folds(references, None).max() == 6
    assert (reference_folds(references, 3, seed=1) == part).all()
    with pytest.raises(
        ValueError, match="folds: expected 2 to 7, the number of references, got 8"
    ):
        reference_folds(references, 8)


@pytest.mark.parametrize("criterion", ["nonlinear_plcc", "plcc", "srcc"])
def test_planted_maps_hold_out_of_sample(study, criterion):
    found = nested_cross_validate(
        study.map_scores,
        study.scores,
        study.references,
        folds=3,
        criterion=criterion,
        max_maps=3,
    )
    for fold in found.folds:
        assert sorted(fold.selection.selected) == list(study.planted)
        assert len(fold.curve) == 3
    assert found.out_of_sample > 0.97
    assert found.out_of_sample > found.all_maps + 0.1
    assert sorted(r for f in found.folds for r in f.references) == list(range(12))
    assert np.isfinite(found.predictions).all()
    assert "out of sample" in str(found)


@pytest.mark.parametrize("criterion", ["nonlinear_plcc", "srcc"])
def test_noise_looks_good_in_sample_only(noise, criterion):
    found = nested_cross_validate(*noise, folds=4, criterion=criterion, max_maps=6)
    assert found.in_sample > 0.45
    assert abs(found.out_of_sample) < 0.2
    assert abs(found.fold_values.mean()) < 0.2


def test_what_is_held_out_has_no_say(study):
    options = {"folds": 3, "max_maps": 2, "criterion": "plcc"}
    given = study.map_scores, study.scores, study.references
    plain = nested_cross_validate(*given, **options)
    held = np.isin(study.references, plain.folds[0].references)
    moved = np.where(held, study.scores[::-1], study.scores)
    again = nested_cross_validate(study.map_scores, moved, study.references, **options)
    assert again.folds[0].selection == plain.folds[0].selection
    np.testing.assert_array_equal(again.predictions[held], plain.predictions[held])
    assert again.folds[1].selection != plain.folds[1].selection


def test_a_fold_is_what_it_says(study):
    values, target = study.map_scores, study.scores
    found = nested_cross_validate(values, target, study.references, folds=3)
    fold = found.folds[1]
    held = np.isin(study.references, fold.references)
    chosen = forward_select(values[~held], target[~held])
    assert chosen == fold.selection
    mapped = chosen.predicted(values[held])
    np.testing.assert_allclose(mapped, found.predictions[held])
    assert fold.out_of_sample == pytest.approx(np.corrcoef(mapped, target[held])[0, 1])
    together = np.corrcoef(found.predictions, target)[0, 1]
    assert found.out_of_sample == pytest.approx(together)


@pytest.mark.parametrize("criterion", ["plcc", "srcc"])
def test_the_curve_is_of_all_folds_together(noise, criterion):
    values, target, references = noise
    options = {"criterion": criterion, "min_gain": 0.02}
    seen = []
    found = nested_cross_validate(*noise, folds=3, on_selection=seen.append, **options)
    assert seen == [1, 2, 3, 4]
    curve = found.held_out_curve
    assert len(curve) == len(found.selection.selected) > 2
    sizes = [len(fold.selection.selected) for fold in found.folds]
    for step, value in enumerate(curve, 1):
        together = np.empty(len(target))
        for fold in found.folds:
            held = np.isin(references, fold.references)
            count = min(step, len(fold.selection.selected))
            some = forward_select(
                values[~held], target[~held], max_maps=count, **options
            )
            together[held] = some.predicted(values[held])
        x, y = together, target
        if criterion == "srcc":
            x, y = rankdata(x), rankdata(y)
        assert value == pytest.approx(np.corrcoef(x, y)[0, 1])
    if len(curve) >= max(sizes):
        assert curve[-1] == pytest.approx(found.out_of_sample)
    assert f"{found.out_of_sample:.4f}" in str(found) and "mean of" not in str(found)


def test_fewer_references_make_fewer_folds():
    assert fold_count(list("aabbccddee"), "auto") == 5
    assert fold_count(list("abcdefg"), "auto") == 5
    assert fold_count(list("aabb"), "auto") == 2
    assert fold_count(list("aabb"), 7) == 7 and fold_count(list("aabb"), None) is None
    with pytest.raises(ValueError, match="folds: expected 'auto'"):
        fold_count(list("aabb"), "some")
    with pytest.raises(ValueError, match=r"references: expected 2 or more, .* got 1"):
        reference_folds(list("aaa"), fold_count(list("aaa"), "auto"))


def test_inner_folds_limit_the_count(noise):
    greedy = nested_cross_validate(*noise, folds=3, criterion="plcc")
    wary = nested_cross_validate(*noise, folds=3, inner_folds=3, criterion="plcc")
    sizes = [
        np.mean([len(f.selection.selected) for f in x.folds]) for x in (greedy, wary)
    ]
    assert sizes[1] < sizes[0]
    with pytest.raises(ValueError, match=r"inner_folds: expected 2 to 8, .* got 9"):
        nested_cross_validate(*noise, folds=3, inner_folds=9, criterion="plcc")
    assert best_count([[0.5, 0.7, 0.6], [0.5, 0.6]]) == 2
    assert best_count([[float("nan")], [0.2, 0.3]]) == 2


def test_a_map_that_breaks_anywhere_is_out_everywhere(study):
    values = study.map_scores.copy()
    values[0, study.planted[0]] = np.nan
    found = nested_cross_validate(
        values, study.scores, study.references, folds=3, criterion="plcc"
    )
    assert all(study.planted[0] in f.selection.unusable for f in found.folds)
    assert np.isfinite(found.predictions).all()


def test_resamples_agree_on_planted_maps_and_not_on_noise(study, noise):
    options = {"criterion": "plcc", "resamples": 12, "max_maps": 3}
    steady = bootstrap_stability(
        study.map_scores, study.scores, study.references, **options
    )
    assert sorted(i for i, _ in steady.most_frequent(3)) == list(study.planted)
    assert steady.frequency[list(study.planted)].min() > 0.9
    assert steady.frequency.sum() == pytest.approx(steady.sizes.mean())
    assert steady.first.sum() == pytest.approx(1)
    chance = bootstrap_stability(*noise, **options)
    assert chance.overlap < 0.3 < 0.7 < steady.overlap
    assert np.nanmean(chance.out_of_sample) < 0.3 < np.nanmean(chance.in_sample)
    assert np.nanmean(steady.out_of_sample) > 0.9
    seen = []
    again = bootstrap_stability(*noise, **options, on_resample=seen.append)
    assert again.selections == chance.selections and seen == list(range(1, 13))
    with pytest.raises(
        ValueError,
        match=r"references.*: expected one reference for each of 60 scores.*, got 59",
    ):
        bootstrap_stability(noise[0], noise[1], noise[2][:59])
