"""The plots of an evaluation as files, and what they are drawn from."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from jiqa.report.evaluation.figures import axis_range, scatter
from jiqa.report.evaluation.metric_pairs import agreement, comparisons
from jiqa.report.evaluation.plots import write_plots
from jiqa.report.evaluation.view import groups
from jiqa.report.inline_svg import short_path
from jiqa.report.plot_style import look, printable
from tests.helpers.evaluations import evaluated, make_rows


def test_every_plot_is_a_png_and_an_svg(tmp_path):
    names = ["a/b", "a:b", "A b", "../../up", "lpips(net=vgg)"]
    rows = make_rows(names, references=2) + make_rows(["a"], data="..", split="")
    files = write_plots(tmp_path / "plots", evaluated(rows))
    assert sorted(files) == sorted(p for p in tmp_path.rglob("*.*") if p.is_file())
    assert {p.parent for p in files} == {
        tmp_path / "plots" / n for n in ("made-test", "plot")
    }
    stems = {p.stem for p in files if p.parent.name == "made-test"}
    overview = {"srcc", "by-distortion", "agreement", "f-test"}
    scatters = {"a-b", "a-b-2", "A-b-3", "up", "lpips-net=vgg"}
    pairs = {"different-similar", "better-worse"}
    assert stems == overview | pairs | {f"scatter-{n}" for n in scatters}
    for path in files:
        if path.suffix == ".png":
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("L"))
            assert min(pixels.shape) > 100 and np.ptp(pixels) > 200
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
    legend = (tmp_path / "plots/made-test/scatter-up.svg").read_text()
    assert all(f">{kind}<" in legend for kind in ("noise", "blur", "jpeg"))


def test_beside_a_curve_that_turns_round_a_monotonic_one_is_dashed():
    rows = make_rows(["bent", "plain"])
    bent = rows[: len(rows) // 2]
    best = max(row["score"] for row in bent)
    for number, row in enumerate(bent):  # two values of each score
        side = 1 if number % 3 == 0 else -1
        row["value"] = side * (best - row["score"]) ** 0.5
    for row in rows[len(bent) :]:
        row["value"] = np.tanh((row["score"] - 3) / 2)
    (group,) = groups(evaluated(rows))
    styles = {}
    for series in group.series:
        lines = scatter(group, series, legend=False).axes[0].lines
        styles[series.metric] = [line.get_linestyle() for line in lines]
    assert styles == {"bent": ["-", "--"], "plain": ["-"]}
    series = {s.metric: s for s in group.series}
    beside = series["bent"].monotonic
    assert beside is not None and beside.course in ("rising", "falling")
    note = str(series["bent"].overall["note"])
    assert "the fitted curve is not monotonic within the data" in note
    assert f"logistic-4, which is, has PLCC {beside.plcc:.4f} and RMSE" in note
    plain = series["plain"]
    assert plain.monotonic is None and "monotonic" not in str(plain.overall["note"])


def test_metrics_of_opposite_direction_agree_where_they_call_the_same_good():
    rows = make_rows(["up", "down", "partly"], lower=["down"])
    for row in rows[-8:]:
        row["value"] = None
    (group,) = groups(evaluated(rows, lower=["down"]))
    found = agreement(group)
    values = {
        m: [r["value"] for r in rows if r["metric"] == m]
        for m in ("up", "down", "partly")
    }
    at = {m: group.labels.index(m) for m in values}
    np.testing.assert_allclose(np.diag(found), 1)
    for a, b, sign, n in (("up", "down", -1, 36), ("up", "partly", 1, 28)):
        ranks = [stats.rankdata(values[name][:n]) for name in (a, b)]
        expected = sign * np.corrcoef(*ranks)[0, 1]
        np.testing.assert_allclose(found[at[a], at[b]], expected)
        np.testing.assert_allclose(found[at[b], at[a]], expected)
    assert found[at["up"], at["down"]] > 0


def test_comparisons_follow_the_order_of_the_metrics():
    evaluation = evaluated(make_rows(["worse", "best", "none"]))
    order = {"best": 0.9, "worse": 0.2, "none": None}
    for line in evaluation.summary:
        line["srcc"] = order[line["metric"]]
    p = [[1.0, 0.01, None], [0.01, 1.0, None], [None, None, None]]
    evaluation.significance[0] |= {
        "f_test": [[0, -1, None], [1, 0, None], [None, None, None]],
        "gaussian": [False, True, None],
        "krasula": {
            "different_similar_auc": [0.6, 0.7, None],
            "better_worse_auc": [0.9, 0.8, None],
            "ds_p": p,
            "bw_p": [[None] * 3] * 3,
        },
    }
    (group,) = groups(evaluation)
    assert group.labels == ["best", "worse", "none"]
    test, similar = comparisons(group)
    for found in (test, similar):
        np.testing.assert_array_equal(found.signs[:2, :2], [[0, 1], [-1, 0]])
        assert np.isnan(found.signs[2]).all() and np.isnan(found.signs[:, 2]).all()
    assert test.figures == [True, False, None]
    assert similar.figures == [0.7, 0.6, None]


def _points(path: str) -> list[tuple[str, np.ndarray]]:
    """A path of any commands as absolute coordinates."""
    here = start = np.zeros(2)
    out = []
    for letter, text in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        numbers = [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", text)]
        size = {"m": 2, "l": 2, "h": 1, "v": 1, "q": 4, "c": 6, "z": 1}[letter.lower()]
        for i in range(0, max(len(numbers), 1), size):
            steps = np.array(numbers[i : i + size])
            if letter == "z":
                here = start
                out.append(("z", here))
                continue
            if letter in "hv":
                steps = np.array([steps[0], 0] if letter == "h" else [0, steps[0]])
            ends = steps.reshape(-1, 2) + (here if letter.islower() else 0)
            here = ends[-1]
            kind = "m" if letter in "Mm" and i == 0 else "l"
            kind = letter.lower() if letter in "QqCc" else kind
            start = here if kind == "m" else start
            out.append((kind, ends))
    return out


def test_a_short_path_is_the_same_path(rng):
    parts = []
    for command in "MLLMLQCzLMLzMMCCQQLLz":
        count = {"M": 1, "L": 1, "Q": 2, "C": 3, "z": 0}[command]
        numbers = rng.choice([0.04, 1.0, 100.0]) * rng.standard_normal(2 * count)
        numbers[rng.random(len(numbers)) < 0.3] = 5
        parts.append(" ".join([command, *(f"{n:.6f}" for n in numbers)]))
    long = " \n".join(parts)
    short = short_path(long)
    assert len(short) < len(long) / 2
    for (kind, where), (kind_too, exact) in zip(
        _points(short), _points(long), strict=True
    ):
        assert kind == kind_too
        np.testing.assert_allclose(where, exact, atol=0.0501)


def test_far_values_do_not_press_the_others_together():
    near = np.linspace(20, 50, 90)
    low, high = axis_range(np.concatenate([near, [1e5] * 5, [np.inf] * 5, [-np.inf]]))
    assert 15 < low < 20 and 50 < high < 60
    np.testing.assert_array_less(axis_range(near)[0], 20)
    assert axis_range(np.array([np.inf])) == (0, 1)
    low, high = axis_range(np.array([3.0, 3.0]))
    assert low < 3 < high
    low, high = axis_range(np.array([1.0, 2, 3, 1e6]), np.inf)
    assert high > 1e6


def test_looks_differ_and_names_stay_on_a_line():
    assert len({look(i) for i in range(42)}) == 42
    assert printable("a\nb\x00\udcff") == "a?b??"
    assert printable("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("name", ["$", "$a$", "\\frac", "字", "\x00", "\udcff", " "])
def test_any_name_can_be_drawn(tmp_path, name):
    rows = make_rows([name], kinds=(name, "b"), references=1)
    assert len(write_plots(tmp_path, evaluated(rows))) >= 4
