"""``jiqa select`` from tables and from images, and its folders as metrics."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jiqa
from jiqa.cli import main
from jiqa.io.decode import read_image
from jiqa.models.parts.method_table import read_method_table
from jiqa.registry import get_metric, identity
from jiqa.selectors.forest_selector import open_selector
from jiqa.selectors.grow_forests import Growth
from jiqa.selectors.learning import grow_selector
from jiqa.weights import read, write
from tests.helpers import training_data
from tests.helpers.selector_data import (
    METHODS,
    TOYS,
    photographs,
    planted,
    toys_are_known,
    written,
)

_TREES = ["--trees", "15", "--leaf", "2", "--share", "1", "--folds", "3"]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def toys():
    with pytest.MonkeyPatch.context() as patch:
        toys_are_known(patch)
        yield


@pytest.fixture(scope="module")
def rated(tmp_path_factory) -> Path:
    return photographs(tmp_path_factory.mktemp("rated"))


@pytest.fixture(scope="module")
def chooser(toys, rated, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("chooser")
    words = ["select", "learn", "--data", str(rated), "--methods", ",".join(TOYS)]
    words += ["--data-dir", str(rated.parent / "prepared"), "--no-cache"]
    words += ["--kind", "pairwise", "--output", str(folder), *_TREES]
    assert main(words) == 0
    return folder


def test_learns_from_images(chooser, rated):
    scenario = read_method_table(str(chooser / "scenario.csv"))
    assert scenario.methods == tuple(TOYS) and len(scenario.row_numbers) == 160
    rows = {row["image"]: float(row["mos"]) for row in _read(rated)}
    scores = [rows[Path(image).name] for image in scenario.row_numbers]
    np.testing.assert_allclose(scenario.score, scores)
    lines = {line["name"]: line for line in _read(chooser / "figures.csv")}
    assert float(lines["selector: pairwise"]["closed_gap"]) > 0.4
    assert float(lines["toy_green"]["mae"]) > 10
    record = json.loads((chooser / "selector.json").read_text())
    assert record["kind"] == "pairwise" and record["facts"]["growth"]["trees"] == 15
    facts = json.loads((chooser / "run.json").read_text())
    assert facts["fingerprint"] == record["facts"]["fingerprint"]
    assert not list(chooser.glob("*.partial"))


def test_its_folder_is_a_metric(chooser, rated, tmp_path):
    name = f"selector:{chooser}"
    metric, choosing = jiqa.load(name), jiqa.load(name, output="choice")
    assert metric.info.kind == "no-reference" and metric.info.direction == "higher"
    assert metric.info.min_side == 6
    paths = sorted((rated.parent / "images").iterdir())[:12]
    images = [read_image(path) for path in paths]
    selector = open_selector(chooser)
    raw = np.array([[float(toy(x)) for toy in TOYS.values()] for x in images])
    scenario = dataclasses.replace(
        planted(12), methods=tuple(TOYS), raw=raw, features=(), extra_features=None
    )
    wanted = selector.on(scenario)
    alone = np.array([metric(image) for image in images])
    np.testing.assert_allclose(alone, wanted.predicted, rtol=1e-4)
    np.testing.assert_array_equal([choosing(x) for x in images], wanted.choice)
    together = metric(np.stack(images))
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    low, high = metric.info.range
    assert low <= alone.min() and alone.max() <= high
    # Most bright images are judged by green, most dark ones by blue.
    bright = np.array([image[..., 0].mean() > 127 for image in images])
    told = np.where(bright, 1, 2)
    assert (wanted.choice == told).mean() > 0.7
    table = tmp_path / "scores.json"
    words = ["score", f"{name},toy_blue", *map(str, paths), "--output", str(table)]
    assert main([*words, "--no-cache"]) == 0
    rows = json.loads(table.read_text())
    np.testing.assert_allclose([row[name] for row in rows], alone, rtol=1e-4)


def test_called_with_arrays_of_its_own(chooser, rated):
    name = f"selector:{chooser}"
    metric = get_metric(name)
    arrays, _ = read(chooser / "forests.safetensors")
    params = {f"{name}/{key}": value for key, value in arrays.items()}
    image = read_image(rated.parent / "images" / "05.png")
    np.testing.assert_allclose(metric(params, image), jiqa.load(name)(image))
    with pytest.raises(ValueError, match=r"5 missing: .*/feature"):
        metric({}, image)
    with pytest.raises(ValueError, match=r"output: expected 'score'.*, got 'both'"):
        metric(params, image, output="both")


def test_reports_on_other_images(chooser, rated, tmp_path, capsys):
    other = photographs(tmp_path / "other", 30, seed=7)
    words = ["select", "report", str(chooser), "--data", str(other), "--no-cache"]
    words += ["--data-dir", str(tmp_path / "prepared"), "-o", str(tmp_path / "out")]
    assert main(words) == 0
    shown = capsys.readouterr().out
    for text in ("toy_green", "single best", "oracle", "selector: pairwise", "fusion"):
        assert text in shown
    lines = {line["name"]: line for line in _read(tmp_path / "out" / "figures.csv")}
    assert float(lines["selector: pairwise"]["closed_gap"]) > 0.5
    assert not any(line["note"] for line in lines.values())
    rows = _read(tmp_path / "out" / "choices.csv")
    errors = [abs(float(row["value"]) - float(row["score"])) for row in rows]
    wanted = float(lines["selector: pairwise"]["mae"])
    np.testing.assert_allclose(np.mean(errors), wanted)
    found = read_method_table(str(tmp_path / "out" / "scenario.csv"))
    column = {name: found.values[:, k] for k, name in enumerate(found.methods)}
    for number, row in enumerate(rows):
        assert float(row["value"]) == pytest.approx(column[row["method"]][number])


def test_a_report_on_its_training_data_says_so(chooser, rated, tmp_path, capsys):
    words = ["select", "report", str(chooser), "--data", str(rated), "--no-cache"]
    words += ["--data-dir", str(rated.parent / "prepared"), "-o", str(tmp_path)]
    assert main(words) == 0
    said = capsys.readouterr().err
    note = "160 of 160 images were in its training data"
    assert f"selector:{chooser}: {note}. The figures say nothing" in said
    lines = {line["name"]: line for line in _read(tmp_path / "figures.csv")}
    assert lines["selector: pairwise"]["note"] == note
    assert lines["fusion: least squares"]["note"] == note
    assert lines["toy_green"]["note"] == lines["oracle"]["note"] == ""


def test_learns_from_a_table(tmp_path, capsys):
    scores, features = written(tmp_path, planted(missing=0.05), test=80)
    folder = tmp_path / "chooser"
    common = ["--scores", str(scores), "--features", str(features)]
    words = ["select", "learn", *common, "--split", "train", "-o", str(folder)]
    assert main([*words, "--kind", "best", *_TREES]) == 0
    assert "160 images" in capsys.readouterr().out
    words = ["select", "report", str(folder), *common, "--split", "test"]
    assert main(words) == 0
    lines = {line["name"]: line for line in _read(folder / "report" / "figures.csv")}
    selector = lines["selector: best"]
    assert float(selector["closed_gap"]) > 0.6
    assert int(selector["images"]) + int(selector["failed"]) == 80
    # The test rows' scores change nothing of what was chosen.
    first = (folder / "report" / "choices.csv").read_text()
    text = scores.read_text().splitlines()
    text[-1] = ",".join([text[-1].split(",")[0], "0", *text[-1].split(",")[2:]])
    scores.write_text("\n".join(text) + "\n")
    assert main([*words, "--force"]) == 0
    chosen = [
        [row.split(",")[2] for row in part.splitlines()]
        for part in (first, (folder / "report" / "choices.csv").read_text())
    ]
    assert chosen[0] == chosen[1]
    with pytest.raises(SystemExit):
        main(["score", f"selector:{folder}", str(scores)])
    assert "jiqa does not know sharp" in capsys.readouterr().err
    # What it has mapped to the MOS scale is not what the methods say.
    mapped = str(folder / "scenario.csv")
    with pytest.raises(SystemExit):
        main(["select", "learn", "--scores", mapped, "-o", str(tmp_path / "again")])
    assert "are already mapped" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["learn"], "give either --data NAME (with --methods) or --scores TABLE"),
        (["learn", "--data", "x"], "--data needs --methods"),
        (["learn", "--data", "x", "--methods", "ssim,niqe"], "ssim needs a reference"),
        (["learn", "--data", "x", "--methods", "niqee"], "did you mean niqe"),
        (["learn", "--data", "x:y", "--split", "z"], "--split is for --scores"),
        (["learn", "--scores", "none.csv"], "none.csv does not exist"),
        (["learn", "--scores", "TABLE", "--methods", "sharp,dull"], "scores of dull"),
        (["learn", "--scores", "TABLE", "--split", "z"], "train"),
        (["learn", "--scores", "TABLE", "--folds", "1"], "--folds: expected"),
        (
            ["learn", "--scores", "TABLE", "--leaf", "0"],
            "leaf: expected 1 or more, got 0",
        ),
        (
            ["learn", "--scores", "TABLE", "--ignore", *METHODS[:2]],
            "at least two methods",
        ),
        (["report", "none", "--scores", "TABLE"], "none is not a selector"),
    ],
)
def test_wrong_usage(words, message, tmp_path, capsys):
    table, _ = written(tmp_path, planted(20))
    words = [str(table) if word == "TABLE" else word for word in words]
    more = ["--output", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as end:
        main(["select", *words, *more])
    assert end.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_runs_of_training_among_the_methods(tmp_path, toys):
    table = training_data.rated(tmp_path / "rated", 8)
    run, other = tmp_path / "run", tmp_path / "other"
    words = ["train", "tiny", "--data", str(table), "--workdir", str(run)]
    words += ["--data-dir", str(tmp_path / "prepared"), "--hold-out", "0.25"]
    words += ["--set", "weights=random", "--set", "epochs=1", "--set", "batch_size=4"]
    words += ["--set", "divisions=0", "--set", "baseline="]
    assert main(words) == 0
    # Another run with the same keys, and other arrays.
    shutil.copytree(run, other)
    params, metadata = read(other / "model.safetensors")
    facts: dict[str, Any] = {k: metadata[k] for k in ("source", "licence", "sha256")}
    changed = {key: value + 0.05 for key, value in params.items()}
    write(other / "model.safetensors", changed, **facts)
    names = (f"run:{run}", f"run:{other}", "toy_red")
    image = read_image(table.parent / "images" / "03.png")
    scores = [float(jiqa.load(name)(image)) for name in names]
    assert abs(scores[0] - scores[1]) > 1e-3
    scenario = dataclasses.replace(
        planted(40), methods=names, features=(), extra_features=None
    )
    near = np.array(scores) + np.random.default_rng(0).normal(0, 1, (40, 3))
    scenario = dataclasses.replace(scenario, raw=near)
    chosen = {"methods": {n: {"metric": n, "identity": identity(n)} for n in names}}
    grow_selector(scenario, Growth(trees=4), chosen).save(tmp_path / "inner")
    inner = f"selector:{tmp_path / 'inner'}"
    selector = open_selector(tmp_path / "inner")
    one = dataclasses.replace(scenario.take([0]), raw=np.array([scores]))
    wanted = selector.on(one).predicted[0]
    np.testing.assert_allclose(jiqa.load(inner)(image), wanted, rtol=1e-4)
    # A selector is a method, too.
    nested = dataclasses.replace(scenario, methods=(inner, *names[1:]))
    grow_selector(nested, Growth(trees=4)).save(tmp_path / "outer")
    outer = jiqa.load(f"selector:{tmp_path / 'outer'}")
    assert set(outer.weights) == {*names[:2], inner, f"selector:{tmp_path / 'outer'}"}
    assert np.isfinite(outer(image))
    write(run / "model.safetensors", changed, **facts)
    with pytest.raises(ValueError, match=r"has changed since .* was learned"):
        jiqa.load(inner)
