"""The neural selectors: their loss in NumPy, and a planted truth found."""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from PIL import Image

import jiqa
from jiqa.cli import main
from jiqa.io.decode import read_image
from jiqa.models import get_model, selector
from jiqa.models.parts import method_table
from jiqa.models.parts.method_choice import Methods
from jiqa.registry import identity
from jiqa.training.log import read_log
from jiqa.training.run_metric import open_run
from jiqa.weights import read
from tests.helpers import tiny_model, training_data
from tests.helpers.choices import choices

NAN = np.nan


def _batch(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Eight images and three methods; some scores, an image and a row are missing."""
    values = rng.uniform(0, 10, (8, 3))
    values[1, 0] = values[2, 1:] = values[3] = NAN
    score = rng.uniform(0, 10, 8)
    score[3] = NAN
    mask = np.arange(8) != 5
    found = {"score": score, "methods": values}
    return {k: v.astype(np.float32) for k, v in found.items()} | {"mask": mask}


def _by_hand(kind: str, said: np.ndarray, batch: dict[str, np.ndarray]) -> Any:
    """Loss, count, errors, hits and scores of the choice, image by image."""
    total, count, wrong, hits, scores = 0.0, 0, [], 0, {}
    for row in range(8):
        error = batch["methods"][row].astype(float) - batch["score"][row]
        known = np.flatnonzero(np.isfinite(error))
        if not batch["mask"][row] or not known.size:
            continue
        mine, true = said[row][known].astype(float), error[known]
        best = np.abs(true).argmin()
        if kind == "best":
            total -= scipy.special.log_softmax(mine)[best]
            count += 1
            choice = mine.argmax()
        else:
            total += (((mine - true) / 2.5) ** 2).sum()
            count += known.size
            choice = np.abs(mine).argmin()
        wrong.append(abs(true[choice]))
        hits += choice == best
        scores[row] = batch["methods"][row][known[choice]]
    return total, count, wrong, hits, scores


@pytest.mark.parametrize("kind", ["errors", "best"])
def test_the_loss_is_numpys(kind, rng):
    given: Any = {"kind": kind, "names": ("a", "b", "c"), "scale": 2.5}
    config = selector.Config(**given)
    batch = _batch(rng)
    said = rng.normal(0, 4, (8, 3)).astype(np.float32)
    outputs = {"logits" if kind == "best" else "errors": jnp.asarray(said)}
    total, count, wrong, hits, scores = _by_hand(kind, said, batch)
    loss = jax.jit(functools.partial(selector.loss, config))
    value, logs = loss(outputs, batch)
    np.testing.assert_allclose(value, (total, count), rtol=1e-5)
    np.testing.assert_allclose(logs["error"], (sum(wrong), len(wrong)), rtol=1e-5)
    np.testing.assert_allclose(logs["hits"], (hits, len(wrong)))
    judged = jax.jit(functools.partial(selector.judged, config))(outputs, batch)
    judged = np.asarray(judged)
    np.testing.assert_array_equal([judged[row] for row in scores], [*scores.values()])
    parts = [slice(0, 4), slice(4, 8)]  # what two devices would have
    halves = [
        loss(
            {k: np.asarray(v)[part] for k, v in outputs.items()},
            {k: v[part] for k, v in batch.items()},
        )[0]
        for part in parts
    ]
    np.testing.assert_allclose(np.sum(halves, 0), (total, count), rtol=1e-5)


def test_missing_scores_have_no_gradient(rng):
    batch = _batch(rng)
    said = jnp.asarray(rng.normal(0, 4, (8, 3)), jnp.float32)
    for kind, name in (("errors", "errors"), ("best", "logits")):
        given: Any = {"kind": kind, "names": ("a", "b", "c"), "scale": 1.0}
        config = selector.Config(**given)

        def total(x: Any, config: Any = config, name: str = name) -> Any:
            return selector.loss(config, {name: x}, batch)[0].total

        slope = jax.jit(jax.grad(total))(said)
        known = batch["mask"][:, None] & np.isfinite(batch["methods"])
        assert np.isfinite(slope).all()
        assert (np.asarray(slope)[~known] == 0).all()
        assert (np.asarray(slope)[[0, 4, 6, 7]] != 0).all()


# The rest trains: brisque is right on bright images, a run of "tiny" on dark ones.


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Any:
    """Data, table and two runs: the method that is chosen, and the selector."""
    folder = tmp_path_factory.mktemp("planted")
    with tiny_model.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("JIQA_CACHE", str(folder / "cache"))
        tiny = folder / "tiny"
        common = ["--data-dir", str(folder / "prepared"), "--set", "weights=random"]
        common += ["--set", "divisions=0", "--set", "baseline="]
        rated = training_data.rated(folder / "rated", 8)
        words = ["train", "tiny", "--data", str(rated), "--workdir", str(tiny)]
        assert main([*words, *common, "--set", "steps=1", "--set", "batch_size=4"]) == 0
        bright = _images(folder / "planted", str(tiny))
        words = ["train", "selector", "--data", str(folder / "planted" / "scores.csv")]
        words += ["--workdir", str(folder / "run"), *common, "--hold-out", "0.25"]
        settings = {
            "model.methods": folder / "planted" / "scenario.csv",
            "model.names": f"run:{tiny},brisque",
            "model.backbone": "squeezenet1_1",
            "model.crop": 32,
            "model.hidden": "16,8",
            "model.dropout": "0.0,0.0",
            "frozen": "true",
            "steps": 60,
            "validate_every": 30,
            "batch_size": 8,
            "head_rate": 0.01,
        }
        words += [w for k, v in settings.items() for w in ("--set", f"{k}={v}")]
        assert main(words) == 0
        yield SimpleNamespace(
            folder=folder, run=folder / "run", bright=bright, words=words
        )


def _images(folder: Path, tiny: str) -> dict[str, bool]:
    """Noise, bright or dark whatever its score; which ones are bright, by name."""
    random = np.random.default_rng(4)
    (folder / "images").mkdir(parents=True)
    bright = {f"{number:02}.png": bool(random.integers(2)) for number in range(24)}
    scores, table = [["image", "mos"]], [["image", "score", f"run:{tiny}", "brisque"]]
    for name, light in bright.items():
        pixels = random.integers(0, 80, (32, 32, 3)) + (170 if light else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / name)
        score, near, far = random.uniform(0, 100), random.normal(0, 1), 30.0
        scores.append([name, f"{score:.3f}"])
        wrong = (far, near) if light else (near, -far)
        table.append([name, f"{score:.3f}", *(f"{score + w:.3f}" for w in wrong)])
    table[3][2] = ""
    for name, rows in (("scores.csv", scores), ("scenario.csv", table)):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    records = [
        {
            "name": f"run:{tiny}",
            "parameters": [0, 0, 0, 0.5, 7],
            "low": -1e6,
            "high": 1e6,
        },
        {"name": "brisque", "parameters": [20, 0.1, 90, -1, 2], "low": 0, "high": 100},
    ]
    facts: dict[str, Any] = {
        f"run:{tiny}": {"metric": f"run:{tiny}", "identity": identity(f"run:{tiny}")},
        "brisque": {"metric": "brisque", "options": {"flat": "authors"}},
    }
    record = {"methods": records, "facts": {"methods": facts}}
    (folder / "selector.json").write_text(json.dumps(record))
    return bright


def test_the_planted_truth_is_found(planted):
    lines = [x for x in read_log(planted.run) if x["kind"] == "validation"]
    best = max(lines, key=lambda line: line["likelihood"])
    assert best["step"] == max(lines, key=lambda line: -line["loss"])["step"]
    # Always the same method is wrong by 30 every other time.
    assert best["error"] < 4 and best["hits"] > 0.9
    assert best["plcc"] > 0.97 and best["srcc"] > 0.8 and best["rmse"] < 9
    folder = planted.folder / "planted" / "images"
    names, found = choices(planted.run, map(read_image, sorted(folder.iterdir())))
    wanted = [names.index("brisque") if b else 0 for b in planted.bright.values()]
    assert names[0].startswith("run:") and names[1] == "brisque"
    assert (found == wanted).mean() > 0.9
    with pytest.raises(ValueError, match="tiny does not choose metrics"):
        choices(planted.folder / "tiny", [])


@pytest.mark.usefixtures("tiny")
def test_the_run_is_a_metric_without_its_table(planted, monkeypatch):
    run = planted.run
    monkeypatch.setattr(method_table, "read_method_table", None)
    metric = jiqa.load(f"run:{run}")
    (tiny, brisque), _ = choices(run, [])
    folder = planted.folder / "planted" / "images"
    images = [read_image(folder / f"{number:02}.png") for number in range(4, 10)]
    places = choices(run, images)[1]
    assert set(places) == {0, 1}
    wanted = []
    for image, place in zip(images, places, strict=True):
        if place == 0:
            wanted.append(0.5 * float(jiqa.load(tiny)(image)) + 7)
        else:
            x = np.clip(float(jiqa.load(brisque, flat="authors")(image)), 0, 100)
            wanted.append(20 * (0.5 - 1 / (1 + np.exp(0.1 * (x - 90)))) - x + 2)
    np.testing.assert_allclose(metric(np.stack(images)), wanted, rtol=1e-3)
    assert metric.info.direction == "higher" and metric.info.min_side == 17
    assert set(metric.weights) == {f"run:{run}", tiny}


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_the_run_scores_a_folder(planted, tmp_path):
    """Beside the method that it chooses among, whose arrays have the same names."""
    folder, out = planted.folder / "planted" / "images", tmp_path / "scores.json"
    (tiny, _), places = choices(planted.run, map(read_image, sorted(folder.iterdir())))
    words = ["score", f"run:{planted.run},{tiny}", str(folder), "--output", str(out)]
    assert main(words) == 0
    rows = json.loads(out.read_text())
    assert len(rows) == 24
    for row, place in zip(rows, places, strict=True):
        same = np.isclose(row[f"run:{planted.run}"], 0.5 * row[tiny] + 7, rtol=1e-3)
        assert same == (place == 0)


def test_what_a_run_records(planted):
    run = open_run(planted.run)
    config = json.loads((planted.run / "config.json").read_text())
    assert config["stage"] == "methods"
    assert run.options.names == tuple(config["model_config"]["names"])
    assert run.options.recipes[1] == (
        "brisque",
        (("flat", "authors"),),
        (20, 0.1, 90, -1, 2, 0, 100),
        "",
    )
    errors = [30.0, 1.0]
    assert min(errors) < run.options.scale < max(errors)
    keys = [k for k in read(planted.run / "model.safetensors")[0] if "head." in k]
    assert len(keys) == 2 * 3 * 2
    assert set(run.arrays()) > set(run.params)


def test_a_changed_table_is_no_way_to_go_on(planted, monkeypatch, capsys):
    monkeypatch.setenv("JIQA_CACHE", str(planted.folder / "cache"))
    assert main([*planted.words, "--resume"]) == 0
    table = planted.folder / "planted" / "scenario.csv"
    text = table.read_text()
    table.write_text(text + "more.png,1,1,1\n")
    with pytest.raises(SystemExit):
        main([*planted.words, "--resume"])
    assert "was started with model_config" in capsys.readouterr().err
    table.write_text(text)


def test_without_curves_it_chooses_and_gives_no_score(planted, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in planted.run.iterdir():
        if path.is_file():
            (bare / path.name).write_bytes(path.read_bytes())
    config = json.loads((bare / "config.json").read_text())
    recipes = config["model_config"].pop("recipes")
    (bare / "config.json").write_text(json.dumps(config))
    image = np.full((32, 32, 3), 210, np.uint8)
    names, places = choices(bare, [image])
    assert names[places[0]] == "brisque"
    with pytest.raises(ValueError, match="can choose a metric, but not score"):
        jiqa.load(f"run:{bare}")
    stale = [[*recipe[:3], "0" * 16] for recipe in recipes]
    config["model_config"]["recipes"] = stale
    (bare / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="has changed since its curve was fitted"):
        jiqa.load(f"run:{bare}")
    assert get_model("selector").choose is selector.choose


def test_a_chosen_score_keeps_its_digits_in_float32():
    # A fit of few rows: parts of the curve, each of 1e4, that nearly cancel.
    image = jnp.asarray(np.random.default_rng(0).uniform(size=(64, 64, 3)), jnp.float32)
    raw = float(jiqa.load("piqe")(image))
    b1, b2, b3, b4 = -22494.633, 0.38805196, raw + 23, -2.7085951
    bend = b1 * (scipy.special.expit(b2 * (raw - b3)) - 0.5)
    curve = (b1, b2, b3, b4, 50 - bend - b4 * raw, raw - 7, raw + 7)
    methods = Methods.of(["a"], [("piqe", (), curve, "")])
    found = jax.jit(methods.score)(jnp.int32(0), {}, image)
    assert float(found) == pytest.approx(50, abs=1e-4)
