"""The tests that need no human scores, and the mining of pairs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from jiqa.evaluation.statistics.gmad import mine_pairs
from jiqa.evaluation.statistics.waterloo import d_test, l_test, p_test

UP: Any = "up"


def test_discrimination_by_hand():
    # At T = 6: 3 of 4 pristine ones are at it or above, 4 of 5 distorted ones below.
    found = d_test([9, 8, 6, 3], [7, 5, 4, 2, 1], direction="higher")
    assert found.value == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert found.threshold == 6
    turned = d_test([-9, -8, -6, -3], [-7, -5, -4, -2, -1], direction="lower")
    assert turned == (found.value, -6)
    assert d_test([1, 1], [1, 1], direction="higher").value == 0.5
    assert d_test([np.inf], [40, 50], direction="higher") == (1, np.inf)


def test_discrimination_is_the_largest_of_all_thresholds(rng):
    pristine, distorted = rng.normal(1, 1, 80), rng.normal(0, 1, 200)
    found = d_test(pristine, distorted, direction="higher")
    every = [
        ((pristine >= t).mean() + (distorted < t).mean()) / 2
        for t in np.concatenate([pristine, distorted])
    ]
    assert found.value == pytest.approx(max(every))


def test_listing_by_hand():
    # Ladders: perfect, one swap (SRCC .8 of four), all equal.
    values = [9, 7, 5, 3, 9, 5, 7, 3, 4, 4, 4, 4]
    levels = [1, 2, 3, 4] * 3
    ladders = [("a", "blur")] * 4 + [("b", "blur")] * 4 + [("a", "noise")] * 4
    found = l_test(values, levels, ladders, direction="higher")
    assert found == (pytest.approx((1 + 0.8 + 0) / 3), 3, 1)
    assert l_test(values, levels, ladders, direction="lower").value == (
        pytest.approx(-0.6)
    )
    with pytest.raises(ValueError, match=r"expected at least one ladder .*, got none"):
        l_test(values, levels, range(12), direction="higher")


def test_preference_counts_every_discriminable_pair(rng):
    quality = rng.uniform(0, 100, 300)
    experts = quality + rng.normal(0, 5, (3, 300))
    values = np.round(quality + rng.normal(0, 40, 300), -1)
    pairs = right = 0
    for i, j in itertools.permutations(range(300), 2):
        if (experts[:, i] > experts[:, j] + 40).all():
            pairs += 1
            right += values[i] > values[j]
    found = p_test(values, experts, direction="higher")
    assert found == (pytest.approx(right / pairs), pairs)
    assert p_test(-values, experts, direction="lower") == found
    with pytest.raises(ValueError, match=r"there is no pair .* more than 150"):
        p_test(values, experts, direction="higher", margin=150)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: d_test([], [1.0], direction="higher"), "pristine: expected shape"),
        (lambda: d_test([np.nan], [1.0], direction="higher"), "no NaN"),
        (lambda: d_test([1], [1], direction=UP), "direction: expected .*, got 'up'"),
        (
            lambda: p_test([1, 2], [[1, 2, 3]], direction="higher"),
            r"experts: expected .*, got shape \(1, 3\)",
        ),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_mined_pairs_are_the_extremes_of_each_band(rng):
    values = {"psnr": rng.normal(size=600), "ssim": rng.normal(size=600)}
    values["ssim"][7] = np.nan
    pairs = mine_pairs(values, levels=3, width=0.5)
    assert len(pairs) == 2 * 3
    for pair in pairs:
        attack, defence = values[pair.attacker], values[pair.defender]
        inside = (defence >= pair.band[0]) & (defence <= pair.band[1])
        inside &= ~np.isnan(values["ssim"])
        assert inside.sum() == 100
        assert attack[pair.low] == attack[inside].min()
        assert attack[pair.high] == attack[inside].max()
        assert pair.difference == attack[pair.high] - attack[pair.low]
        assert inside[pair.low] and inside[pair.high]
    bands = [p.band for p in pairs if p.defender == "psnr"]
    assert bands == sorted(bands) and bands[0][1] < bands[1][0]


def test_mining_says_what_it_needs():
    with pytest.raises(
        ValueError, match=r"names: expected at least two metrics, .*, got 1"
    ):
        mine_pairs({"a": [1, 2]})
    with pytest.raises(ValueError, match="expected at least 2 images per level, got "):
        mine_pairs({"a": range(10), "b": range(10)})
    with pytest.raises(
        ValueError, match=r"values: expected one shape .*, got \(3,\), \(4,\)"
    ):
        mine_pairs({"a": range(3), "b": range(4)})
    with pytest.raises(ValueError, match=r"levels, width: expected .*, got .* and 2"):
        mine_pairs({"a": range(3), "b": range(3)}, width=2)
    # The attacker sees no difference anywhere.
    pairs = mine_pairs({"a": np.zeros(40), "b": np.arange(40)}, levels=2)
    assert [p.attacker for p in pairs] == ["b", "b"]
