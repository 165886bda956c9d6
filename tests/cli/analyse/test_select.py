"""``jiqa analyse select`` and its result as a metric, with the real AlexNet."""

from __future__ import annotations

import csv
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jiqa
from jiqa.analysis.map_selection.map_scores import compute_map_scores
from jiqa.analysis.map_selection.rated_pairs import open_rated_pairs
from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.analysis.map_selection.study import natural_direction
from jiqa.cli import main
from jiqa.errors import UsageError
from jiqa.io.decode import read_image
from jiqa.registry import get_metric, identity
from jiqa.weights import load as load_weights
from tests.helpers.analysis_data import prepare_rated
from tests.helpers.logistic_peers import logistic

PLANTED = 17
LAYERS = ("conv1", "conv2")


def _rate(pairs: Any) -> Any:
    """What people would say if one map of AlexNet's first layer were all they had."""
    found = compute_map_scores(pairs, layers=LAYERS)
    noise = np.random.default_rng(0).normal(0, 0.02, len(pairs))
    return 1 + 8 * found.values[:, PLANTED] ** 2 + noise


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    return prepare_rated(tmp_path_factory.mktemp("mini"), _rate)


def _words(prepared: Path, output: Path, *more: str) -> list[str]:
    words = ["analyse", "select", "--data", "table/mini", "--data-dir", str(prepared)]
    words += ["--layers", ",".join(LAYERS), "--output", str(output), "--no-cache"]
    return [*words, "--cache", str(prepared / "kept"), "--resamples", "3", *more]


@pytest.fixture(scope="module")
def study(prepared, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("study")
    words = _words(prepared, output, "--folds", "each", "--against", "ssim")
    assert main(words) == 0
    return output


def test_finds_the_planted_map_and_says_what_is_held_out(study, prepared):
    chosen = Selection.from_json(study / "maps.json")
    assert chosen.names[0] == f"conv1:{PLANTED}" and chosen.curve[0] > 0.99
    assert (chosen.network, chosen.metric) == ("alexnet", "ssim")
    assert chosen.direction == "same" and chosen.rises
    facts = json.loads((study / "run.json").read_text())
    lines = {line["name"]: line for line in facts["figures"]}
    assert list(lines) == ["chosen maps", "all maps", "ssim"]
    assert lines["all maps"]["maps"] == 256 and lines["ssim"]["maps"] is None
    assert lines["chosen maps"]["in_sample"] == chosen.value
    assert lines["chosen maps"]["held_out"] > lines["all maps"]["held_out"]
    for line in lines.values():
        assert line["held_out"] < line["in_sample"] <= 1
        assert 0 < line["srcc_held_out"] <= 1 and 0 < line["srcc_in_sample"] <= 1
    assert len(facts["folds"]) == 4 and facts["pairs"] == 36
    assert all(len(fold["held_out_references"]) == 1 for fold in facts["folds"])
    assert facts["data_dir"] == str(prepared)
    assert len(facts["fingerprint"]) == 64 and facts["failed"] == {}


def test_tables_and_plot_are_written(study):
    chosen = Selection.from_json(study / "maps.json")
    with (study / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["added"] for row in rows] == list(chosen.names)
    np.testing.assert_allclose([float(r["in_sample"]) for r in rows], chosen.curve)
    with (study / "stability.csv").open() as file:
        first = next(csv.DictReader(file))
    assert (int(first["map"]), float(first["frequency"])) == (PLANTED, 1)
    assert read_image(study / "curve.png").shape[0] > 200


def test_options_of_the_selection(prepared, tmp_path, capsys):
    more = "--criterion", "srcc", "--combination", "geometric", "--stopping", "2"
    words = _words(prepared, tmp_path, *more, "--folds", "2", "--resamples", "0")
    assert main(words) == 0
    chosen = Selection.from_json(tmp_path / "maps.json")
    assert (chosen.criterion, chosen.combine) == ("srcc", "geometric")
    assert len(chosen.selected) == 2 and not (tmp_path / "stability.csv").exists()
    assert "held out" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*words, "--bogus"])
    assert ended.value.code == 2 and "unrecognized: --bogus" in capsys.readouterr().err
    for wrong in (["--folds", "9"], ["--layers", "conv9"], ["--against", "brisque"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--force", *wrong])
        assert ended.value.code == 2
        assert "--force" not in capsys.readouterr().err.splitlines()[-1]


def test_a_finished_study_is_replaced_with_force_alone(study, prepared, capsys):
    before = (study / "maps.json").read_bytes()
    words = _words(prepared, study, "--stopping", "1", "--resamples", "0")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "maps.json is there already: --force replaces it" in capsys.readouterr().err
    assert (study / "maps.json").read_bytes() == before


def test_few_references_make_fewer_folds(prepared, tmp_path, capsys):
    (tmp_path / "maps.json").write_text("{}")
    more = "--stopping", "1", "--resamples", "0", "--force"
    assert main(_words(prepared, tmp_path, *more)) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "only 4 references: 4 folds instead of 5." in said
    assert "the predictions of 4 folds together" in said
    facts = json.loads((tmp_path / "run.json").read_text())
    assert len(facts["folds"]) == 4 and facts["notes"][0] in said


def test_directions():
    assert natural_direction("ssim", "higher") == "same"
    assert natural_direction("ssim", "lower") == "opposite"
    assert natural_direction("mse", "higher") == "opposite"


def test_unprepared_sets_are_named(tmp_path):
    with pytest.raises(UsageError, match="not prepared"):
        open_rated_pairs("csiq", str(tmp_path))


SHARED = """
import sys
import jax
jax.config.update("jax_num_cpu_devices", 4)
import numpy as np
from jiqa.analysis.map_selection.map_scores import compute_map_scores
from jiqa.analysis.map_selection.rated_pairs import open_rated_pairs
pairs = open_rated_pairs("table/mini", sys.argv[1]).pairs[:14]
options = dict(layers=("conv1",), metric="mse")
one = compute_map_scores(pairs, **options)
four = compute_map_scores(pairs, **options, devices=jax.local_devices())
assert len(jax.local_devices()) == 4 and not four.errors
np.testing.assert_allclose(four.values, one.values, rtol=1e-5, atol=1e-7)
"""


def test_devices_share_a_batch(prepared):
    command = [sys.executable, "-c", SHARED, str(prepared)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_chosen_maps_are_a_metric(study, prepared):
    chosen = Selection.from_json(study / "maps.json")
    name = f"selected:{study / 'maps.json'}"
    pairs = open_rated_pairs("table/mini", str(prepared)).pairs[4:6]
    x, y = (np.stack([read_image(p[k]) for p in pairs]) for k in (0, 1))
    scores = compute_map_scores(pairs, layers=LAYERS).values
    metric = jiqa.load(name)
    assert metric.info.direction == "higher" and metric.info.name == name
    np.testing.assert_allclose(metric(x, y), chosen.combined(scores), atol=2e-6)
    each = jiqa.load(name, output="maps")(x, y)
    np.testing.assert_allclose(each, scores[:, list(chosen.selected)], atol=2e-6)
    said = jiqa.load(name, output="predicted")(x, y)
    np.testing.assert_allclose(said, chosen.predicted(scores), rtol=1e-3)
    np.testing.assert_allclose(metric(x, x), 1, atol=1e-6)
    np.testing.assert_allclose(metric.prepare(x[0])(y[:1]), metric(x, y)[:1], atol=1e-6)


def test_predictions_keep_their_digits_where_the_curves_terms_cancel(
    study, prepared, tmp_path
):
    chosen = Selection.from_json(study / "maps.json")
    # A tanh and a line that nearly cancel, as in fits whose middle is far away: term by
    # term, float32 is wrong by 1e-5.
    chosen = dataclasses.replace(chosen, mapping=(4e6, 0.1, 6.0, -1e5, 6e5))
    chosen.to_json(tmp_path / "maps.json")
    pairs = open_rated_pairs("table/mini", str(prepared)).pairs[:8]
    x, y = (np.stack([read_image(p[k]) for p in pairs]) for k in (0, 1))
    name = f"selected:{tmp_path / 'maps.json'}"
    scores = np.asarray(jiqa.load(name)(x, y), np.float64)
    said = np.asarray(jiqa.load(name, output="predicted")(x, y))
    wanted = logistic(scores, chosen.mapping)
    assert said.dtype == np.float32 and np.ptp(wanted) > 100
    np.testing.assert_allclose(said, wanted, rtol=2e-6)
    wanted = chosen.predicted(compute_map_scores(pairs, layers=LAYERS).values)
    np.testing.assert_allclose(said, wanted, rtol=1e-5)


@pytest.mark.parametrize("rule", ["geometric", "layer_balanced"])
def test_other_rules_and_metrics(study, prepared, rule, tmp_path):
    pairs = open_rated_pairs("table/mini", str(prepared)).pairs[:12:2]
    found = compute_map_scores(pairs, layers=LAYERS, metric="psnr")
    chosen = found.select(
        np.arange(6.0), combine=rule, stop="count", max_maps=4, criterion="plcc"
    )
    path = tmp_path / "maps.json"
    chosen.to_json(path)
    x, y = (read_image(p) for p in pairs[3])
    value = jiqa.load(f"selected:{path}")(x, y)
    np.testing.assert_allclose(value, chosen.combined(found.values[3]), rtol=1e-4)


def test_one_program_compares_images_of_all_sizes(study, rng):
    name = f"selected:{study / 'maps.json'}"
    sizes = ((64, 80), (71, 64), (90, 77))
    pairs = [rng.random((2, *size, 3)).astype(np.float32) for size in sizes]
    padded = jiqa.load(name, sizes="any")
    assert padded.exact.members[0].any_size
    found = padded([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    want = [float(jiqa.load(name)(*pair)) for pair in pairs]
    np.testing.assert_allclose(found, want, rtol=1e-5)


def test_it_computes_only_what_it_needs(study, tmp_path):
    text = json.loads((study / "maps.json").read_text())
    text |= {"selected": [3], "curve": [0.5], "alone": [0.5], "names": ["conv1:3"]}
    text |= {"layers": ["conv1"], "numbers": [3]}
    path = tmp_path / "maps.json"
    path.write_text(json.dumps(text))
    deep: Any = get_metric(f"selected:{path}").deep
    assert deep is not None and list(deep.spec_for().shapes) == [
        "conv1.kernel",
        "conv1.bias",
    ]
    whole = get_metric(f"selected:{study / 'maps.json'}").deep
    assert whole is not None
    params = load_weights("alexnet").params
    options = deep.with_defaults({})
    found = deep.features(params, options, np.zeros((63, 63, 3), np.float32))
    assert found["conv1"].shape[-1] == 1


def test_score_and_evaluate_take_it(study, prepared, tmp_path, capsys):
    name = f"selected:{study / 'maps.json'}"
    pair: Any = open_rated_pairs("table/mini", str(prepared)).pairs[0]
    for path, image in zip(("r.png", "d.png"), pair, strict=True):
        (tmp_path / path).write_bytes(image.read_bytes())
    words = ["score", name, str(tmp_path / "d.png"), "-r", str(tmp_path / "r.png")]
    output = tmp_path / "s.csv"
    assert main([*words, "--no-cache", "-o", str(output)]) == 0
    with output.open() as file:
        value = float(next(csv.DictReader(file))[name])
    expected = jiqa.load(name)(*(read_image(p) for p in pair))
    np.testing.assert_allclose(value, float(expected), rtol=1e-5)
    words = ["evaluate", name, "--data", "table/mini", "--data-dir", str(prepared)]
    more = ["--set", f"{name}.output=predicted", "--resamples", "0", "--no-report"]
    assert main([*words, *more, "--no-cache", "-o", str(tmp_path / "e")]) == 0
    (line,) = [
        r
        for r in json.loads((tmp_path / "e" / "summary.json").read_text())
        if r["distortion"] == "all"
    ]
    assert line["srcc"] > 0.98 and "inferred" not in line["note"]


def test_what_is_no_selection_is_named(tmp_path, study):
    (tmp_path / "no.json").write_text("{}")
    for place in ("no.json", "lost.json"):
        with pytest.raises(ValueError, match=place):
            jiqa.load(f"selected:{tmp_path / place}")
    name = f"selected:{study / 'maps.json'}"
    other = tmp_path / "maps.json"
    other.write_text((study / "maps.json").read_text().replace("mean", "geometric"))
    assert len({identity(name), identity(f"selected:{other}"), identity("ssim")}) == 3
    assert identity("ssim") == ""
