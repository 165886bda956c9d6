"""Forward selection of feature maps, against a plain one and on planted truth."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import gmean, rankdata

from jiqa.analysis.map_selection.combination import combined
from jiqa.analysis.map_selection.criteria import Criterion, ranks
from jiqa.analysis.map_selection.forward_selection import forward_select
from jiqa.analysis.map_selection.selected_maps import Selection
from tests.helpers.logistic_peers import plain_correlation
from tests.helpers.planted_study import planted_study

LAYERS = ("conv1",) * 4 + ("conv2",) * 6


@pytest.fixture(scope="module")
def study():
    return planted_study(
        references=6, impairments=4, levels=3, maps=10, noise=0.6, seed=1
    )


@pytest.fixture(scope="module")
def large():
    return planted_study(references=10, maps=60, seed=3)


def plainly_selected(values, target, judged, together):
    """Greedy selection as one would write it down."""
    chosen, curve = [], [-np.inf]
    while len(chosen) < values.shape[1]:
        tried = {
            i: judged(together(values[:, [*chosen, i]], [*chosen, i]), target)
            for i in range(values.shape[1])
            if i not in chosen
        }
        best = max(tried, key=lambda i: tried[i])
        if tried[best] <= curve[-1]:
            break
        chosen.append(best)
        curve.append(tried[best])
    return chosen, curve[1:]


#: Gentle enough for plain fits to find the best logistic as well.
GENTLE = 3.0

JUDGES = {
    "nonlinear_plcc": lambda x, y: plain_correlation(x, y, GENTLE),
    "plcc": lambda x, y: abs(np.corrcoef(x, y)[0, 1]),
    "srcc": lambda x, y: abs(np.corrcoef(rankdata(x), rankdata(y))[0, 1]),
}


@pytest.mark.parametrize("criterion", JUDGES)
def test_equals_a_plain_selection(study, criterion):
    values, target = study.map_scores, study.scores
    chosen, curve = plainly_selected(
        values, target, JUDGES[criterion], lambda v, _: v.mean(1)
    )
    found = forward_select(values, target, criterion=criterion, steepest=GENTLE)
    assert list(found.selected) == chosen
    assert len(chosen) >= 2
    np.testing.assert_allclose(found.curve, curve, atol=1e-6)
    np.testing.assert_allclose(
        found.all_maps, JUDGES[criterion](values.mean(1), target), atol=1e-6
    )


def test_no_worse_than_plain_fits_of_steep_logistics(study):
    found = forward_select(study.map_scores, study.scores)
    for count, value in enumerate(found.curve, 1):
        together = study.map_scores[:, list(found.selected[:count])].mean(1)
        assert value >= plain_correlation(together, study.scores) - 1e-6


def balanced(values, columns):
    own = np.array([LAYERS[i] for i in columns])
    return np.mean([values[:, own == n].mean(1) for n in dict.fromkeys(own)], axis=0)


RULES = {
    "mean": lambda values, _: values.mean(1),
    "geometric": lambda values, _: gmean(np.abs(values), axis=1),
    "layer_balanced": balanced,
}


@pytest.mark.parametrize("rule", RULES)
def test_rules_of_combination(study, rule):
    values, target = study.map_scores - 0.1, study.scores
    chosen, curve = plainly_selected(values, target, JUDGES["plcc"], RULES[rule])
    found = forward_select(
        values, target, criterion="plcc", combine=rule, layers=LAYERS
    )
    assert list(found.selected) == chosen
    np.testing.assert_allclose(found.curve, curve, atol=1e-12)
    wanted = RULES[rule](values[:, chosen], chosen)
    np.testing.assert_allclose(found.combined(values), wanted, atol=1e-12)
    np.testing.assert_allclose(
        found.all_maps,
        JUDGES["plcc"](RULES[rule](values, range(10)), target),
        atol=1e-12,
    )


def test_a_zero_makes_a_geometric_mean_zero():
    assert combined([[0.0, 0.5, 2.0]], "geometric") == 0
    with pytest.raises(ValueError, match="needs layers"):
        combined(np.ones((2, 3)), "layer_balanced")


def test_spared_fits_change_nothing(large):
    spared = forward_select(large.map_scores, large.scores, max_maps=6, stop="count")
    full = forward_select(
        large.map_scores,
        large.scores,
        max_maps=6,
        stop="count",
        exhaustive=True,
        workers=1,
    )
    assert spared == full


@pytest.mark.parametrize("criterion", JUDGES)
def test_finds_the_planted_maps(criterion):
    for seed in (0, 1):
        study = planted_study(references=12, maps=60, seed=seed)
        found = forward_select(
            study.map_scores, study.scores, criterion=criterion, min_gain=1e-3
        )
        assert sorted(found.selected[:3]) == list(study.planted)
        assert found.value > found.all_maps + 0.1
        if criterion != "plcc":  # a line does not fit the observers' scale
            assert len(found.selected) == 3
            assert found.value > 0.99


def test_maps_that_are_no_use_are_named_and_left(study):
    values = np.concatenate([study.map_scores] * 2, axis=1)
    values[:, 12], values[3, 13], values[4, 15] = 0.25, np.nan, -np.inf
    found = forward_select(values, study.scores, combine="geometric")
    plain = forward_select(study.map_scores, study.scores, combine="geometric")
    assert found.unusable == {
        12: "constant",
        13: "not finite for 1 images",
        15: "not finite for 1 images",
    }
    assert found.selected[: len(plain.selected)] == plain.selected
    assert "3 maps are constant or not finite" in str(found)
    with pytest.raises(ValueError, match="none of 2 maps"):
        forward_select(values[:, [12, 13]], study.scores)


def test_stopping(study):
    values, target = study.map_scores, study.scores
    paper = forward_select(values, target)
    every = forward_select(values, target, stop="count", max_maps=10)
    assert sorted(every.selected) == list(range(10))
    assert every.selected[: len(paper.selected)] == paper.selected
    assert np.diff(every.curve).min() < 0
    assert every.value == pytest.approx(every.all_maps, abs=1e-9)
    assert forward_select(values, target, max_maps=2).selected == paper.selected[:2]
    rises = np.diff(paper.curve)
    choosy = forward_select(values, target, min_gain=rises[0])
    assert choosy.selected == paper.selected[:1]
    assert forward_select(values, target, min_gain=rises[0] - 1e-9).value > choosy.value
    with pytest.raises(ValueError, match="max_maps"):
        forward_select(values, target, stop="count")


@pytest.mark.parametrize("criterion", JUDGES)
def test_direction(study, criterion):
    values, target = study.map_scores, study.scores
    either, same = (
        forward_select(values, target, criterion=criterion, direction=d)
        for d in ("either", "same")
    )
    assert either.selected == same.selected and same.rises
    reverse = forward_select(values, -target, criterion=criterion, direction="opposite")
    assert reverse.selected == same.selected and not reverse.rises
    against = forward_select(values, target, criterion=criterion, direction="opposite")
    assert against.all_maps < 0 < same.all_maps
    assert against.value < same.value


def test_steps_are_told_and_shown(study):
    seen = []
    found = forward_select(
        study.map_scores,
        study.scores,
        layers=LAYERS,
        on_step=lambda *step: seen.append(step),
    )
    assert [(i, v) for _, i, v in seen] == list(
        zip(found.selected, found.curve, strict=True)
    )
    first = found.selected[0]
    name = f"conv1:{first}" if first < 4 else f"conv2:{first - 4}"
    assert found.names[0] == name and name in str(found)
    assert found.alone[0] == pytest.approx(found.curve[0], abs=1e-9)
    predicted = found.predicted(study.map_scores)
    assert np.corrcoef(predicted, study.scores)[0, 1] == pytest.approx(found.value)


def test_a_file_brings_the_selection_back(study, tmp_path):
    values = study.map_scores.copy()
    values[:, 0] = 1.0
    found = forward_select(values, study.scores, layers=LAYERS)
    named = found.described("alexnet", "ssim", layers=("conv1", "conv2"))
    text = named.to_json(tmp_path / "maps.json")
    for source in (text, tmp_path / "maps.json", str(tmp_path / "maps.json")):
        assert Selection.from_json(source) == named
    assert sum(map(len, named.by_layer().values())) == len(found.selected)
    np.testing.assert_array_equal(
        Selection.from_json(text).combined(values), found.combined(values)
    )
    combined = found.combined(values)
    assert named.middle == (combined.min() + combined.max()) / 2
    # Files of before say nothing of the middle; the curve is the same without.
    before = json.loads(text)
    del before["middle"]
    older = Selection.from_json(json.dumps(before))
    assert older.middle == named.mapping[2]
    np.testing.assert_allclose(older.predicted(values), found.predicted(values))
    with pytest.raises(ValueError, match='"version": 1'):
        Selection.from_json(text.replace('"version": 1', '"version": 9'))
    with pytest.raises(ValueError, match="lacks curve"):
        Selection.from_json(text.replace('"curve"', '"bend"'))
    with pytest.raises(ValueError, match="layers of the maps are unknown"):
        dataclasses.replace(named, layers=None).by_layer()
    with pytest.raises(
        ValueError, match=r"map_scores: expected shape \[..., 10\].*, got "
    ):
        named.combined(values[:, :9])


def test_ranks_are_scipys(rng):
    rows = np.stack([rng.normal(size=50), rng.integers(0, 9, 50), np.zeros(50)])
    np.testing.assert_array_equal(ranks(rows), rankdata(rows, axis=1))


def test_a_criterion_of_no_use_is_the_lowest(rng):
    y = rng.normal(size=30)
    rows = np.stack([y, np.ones(30), np.where(y > 0, np.nan, y)])
    for name in JUDGES:
        judge = Criterion(name, y, direction="same", steepest=7.5)
        found = judge.of(rows)
        assert found[0] == pytest.approx(1)
        assert (found[1:] == -np.inf).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"criterion": "krcc"}, "criterion: expected .*, got 'krcc'"),
        ({"combine": "median"}, "combine: expected .*, got 'median'"),
        ({"stop": "never"}, "stop: expected .*, got 'never'"),
        ({"direction": "up"}, "direction: expected .*, got 'up'"),
        ({"combine": "layer_balanced"}, "needs layers"),
        ({"layers": LAYERS[:3]}, "layers: expected one for each of 10 maps, got 3"),
        ({"names": ["a"]}, "names: expected one for each of 10 maps, got 1"),
        ({"max_maps": 0}, "max_maps: expected 1 or more, got 0"),
        ({"scores": np.ones(72)}, "all equal"),
        ({"scores": np.ones(3)}, r"\[images, maps\].*, got "),
    ],
)
def test_refuses_and_says_why(study, change, message):
    scores = change.pop("scores", study.scores)
    with pytest.raises(ValueError, match=message):
        forward_select(study.map_scores, scores, **change)
