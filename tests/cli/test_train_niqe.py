"""``jiqa train niqe``: NIQE's model fitted to a folder, and what scores with it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

import jiqa
from jiqa.cli import main
from jiqa.core.images import to_float
from jiqa.data.learned_images import learned_by
from jiqa.data.store import prepare
from jiqa.io.decode import read_image
from jiqa.models.model import Variables
from jiqa.models.niqe import Config, fit, gaussian, score, sharp_blocks
from jiqa.training.fit_photographs import photographs
from jiqa.weights import read


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Textures of several roughnesses and sizes, and three files that are of no use."""
    folder = tmp_path_factory.mktemp("niqe") / "photos"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.default_rng(4)
    for k in range(16):
        noise = rng.normal(size=(193 + k % 3, 288, 3))
        smooth = scipy.ndimage.gaussian_filter(noise, (0.4 + 0.08 * k, 0.7, 0.3))
        field = 40 * smooth / smooth.std() + 6 * rng.normal(size=noise.shape)
        pixels = np.clip(128 + field, 0, 255).astype(np.uint8)
        place = folder / ("deep" if k % 2 else "") / f"{k:02}.png"
        Image.fromarray(pixels).save(place)
    sound = (folder / "00.png").read_bytes()
    (folder / "cut.png").write_bytes(sound[: len(sound) // 2])
    (folder / "none.png").write_bytes(b"no image")
    (folder / "notes.txt").write_text("of the photographs")
    Image.new("RGB", (200, 40)).save(folder / "small.png")
    return folder


def _sound(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.png") if p.stem.isdigit())


def _blocks(pictures: Iterable[np.ndarray]) -> list[Any]:
    return [sharp_blocks(Config(), pixels)[0] for pixels in pictures]


def _fitted(folder: Path) -> Variables:
    return fit(Config(), _blocks(map(read_image, _sound(folder))))[0]


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory) -> Path:
    workdir = tmp_path_factory.mktemp("runs") / "own"
    words = ["train", "niqe", "--data", str(folder), "--workdir", str(workdir)]
    assert main([*words, "--no-cache"]) == 1  # some files are of no use
    return workdir


def test_every_photograph_is_a_row(run, folder):
    with (run / "images.csv").open(newline="") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    failed = {name: row["error"] for name, row in rows.items() if row["error"]}
    assert failed.keys() == {"cut.png", "none.png", "small.png"}
    assert "truncated" in failed["cut.png"]
    assert "not an image" in failed["none.png"]
    assert "200x40" in failed["small.png"] and "96" in failed["small.png"]
    digest = hashlib.sha256((folder / "deep" / "01.png").read_bytes()).hexdigest()
    assert rows["deep/01.png"]["sha256"] == digest
    assert len(learned_by(f"run:{run}")) == 16
    assert len(rows) == 19 and rows["deep/01.png"]["height"] == "194"
    facts = json.loads((run / "run.json").read_text())
    assert facts["data"]["training"]["images"] == 16
    blocks = [int(row["blocks"]) for row in rows.values() if row["blocks"]]
    assert sum(blocks) == facts["blocks"] > 36
    config = json.loads((run / "config.json").read_text())
    assert config["model_config"] == {"sharp": 0.75, "flat": "snap", "luma": "matlab"}


def test_a_run_scores_as_the_fitted_model(run, folder, tmp_path, capsys):
    path = folder / "04.png"
    image = read_image(path)
    wanted = float(score(Config(), _fitted(folder), to_float(jnp.asarray(image))))
    metric = jiqa.load(f"run:{run}")
    np.testing.assert_allclose(metric(image), wanted, rtol=1e-5)
    assert (metric.info.direction, metric.info.min_side) == ("lower", 96)
    assert str(folder) in metric.info.title and metric.info.fidelity == "paper"
    table = tmp_path / "scores.json"
    words = ["score", f"run:{run},niqe", str(path), "--output", str(table)]
    assert main([*words, "--no-cache"]) == 0
    (row,) = json.loads(table.read_text())
    np.testing.assert_allclose(row[f"run:{run}"], wanted, rtol=1e-5)
    assert abs(row["niqe"] - wanted) > 0.1
    noise = np.random.default_rng(0).normal(0, 60, image.shape)
    worse = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert float(metric(worse)) > 1.2 * wanted
    words = ["export", f"run:{run}", "--output", str(tmp_path / "one.safetensors")]
    assert main(words) == 0


def test_what_is_left_over_beside_the_blocks_is_not_seen(folder):
    paths = _sound(folder)
    whole = gaussian(_blocks(read_image(path) for path in paths))
    cut = gaussian(_blocks(read_image(path)[:192] for path in paths))
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one, other)


def test_of_a_set_with_references_these_count(folder, tmp_path):
    rows = ["image,reference,distortion,level,error"]
    for level in range(1, 3):
        name = f"{level:02}.png"
        (tmp_path / "in").mkdir(exist_ok=True)
        for source, target in (("00.png", "good.png"), ("02.png", name)):
            (tmp_path / "in" / target).write_bytes((folder / source).read_bytes())
        rows.append(f"{name},good.png,noise,{level},")
    (tmp_path / "in" / "table.csv").write_text("\n".join(rows) + "\n")
    prepare("table/pairs", tmp_path / "in", tmp_path / "data")
    found = photographs("table/pairs", tmp_path / "data")
    assert [name for name, _ in found] == ["good.png"]
    assert found[0][1].read_bytes() == (folder / "00.png").read_bytes()
    with pytest.raises(ValueError, match=r"sharp blocks, got .* in 1 photographs"):
        jiqa.train(
            "niqe",
            "table/pairs",
            workdir=tmp_path / "run",
            data_dir=tmp_path / "data",
        )
    # The rows are there to see why, and nothing that would score.
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["images.csv"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workdir", "x"], "--data is required"),
        (["--data", "PHOTOS"], "--workdir is required"),
        (["--data", "nowhere", "--workdir", "x"], "no folder nowhere either"),
        (["--data", "EMPTY", "--workdir", "x"], "no photographs in"),
        (["--data", "PHOTOS", "--workdir", "RUN"], "already holds a run"),
        (
            ["--data", "PHOTOS", "--workdir", "FILE"],
            "cannot write the run into this folder",
        ),
        (["--data", "PHOTOS", "--workdir", "x", "--test", "y"], "takes no test"),
        (
            ["--data", "PHOTOS", "--workdir", "x", "--set", "epochs=3"],
            "niqe is fitted in one pass, and takes no epochs",
        ),
        (
            ["--data", "PHOTOS", "--workdir", "x", "--set", "sharp=0.5"],
            "did you mean model.sharp?",
        ),
        (
            ["--data", "PHOTOS", "--workdir", "x", "--set", "model.sharp=2"],
            "sharp: expected from 0 to below 1, got 2.0",
        ),
        (
            ["--data", "PHOTOS", "--workdir", "x", "--set", "model.flat=no"],
            "'snap' or",
        ),
    ],
)
def test_wrong_usage_is_told(words, said, run, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    names = {"PHOTOS": str(folder), "RUN": str(run), "EMPTY": "empty", "FILE": "file"}
    with pytest.raises(SystemExit) as end:
        main(["train", "niqe", "--no-cache", *(names.get(w) or w for w in words)])
    assert end.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_its_settings_are_shown(capsys):
    assert main(["train", "niqe", "--settings", "--set", "model.sharp=0.5"]) == 0
    said = capsys.readouterr().out.splitlines()
    options = ["model.sharp=0.5", "model.flat=snap", "model.luma=matlab"]
    names, meanings = said[::2], said[1::2]
    assert names == ["stage=photographs", *options]
    assert all(line.startswith("    ") and line.endswith(".") for line in meanings)


def test_a_finished_fit_goes_on_only_as_it_was(run, folder):
    given: dict[str, Any] = {"workdir": run, "resume": True}
    before = read(run / "model.safetensors")
    again = jiqa.train("niqe", folder, **given)
    assert again.figures["images"] == 16 and again.unread == (
        *("cut.png", "none.png", "small.png"),
    )
    after = read(run / "model.safetensors")
    assert before[1] == after[1]
    for key, value in before[0].items():
        np.testing.assert_array_equal(value, after[0][key])
    with pytest.raises(ValueError, match=r"was started with model_config"):
        jiqa.train("niqe", folder, model_config={"sharp": 0.5}, **given)
    with pytest.raises(ValueError, match=r"was started with data"):
        jiqa.train("niqe", folder / "deep", **given)


def test_a_run_of_an_earlier_version_opens(run, folder, tmp_path):
    options = {"sharp": 0.75, "flat": "snap", "luma": "matlab"}
    config = {"model": "niqe", "data": "photos", "stage": "photographs"}
    facts = {
        "data": {"training": {"spec": "photos", "images": 16, "failed": 3}},
        "blocks": 96,
        "score": {"factor": 1.0, "summand": 0.0, "mapped": False, "scale": None},
    }
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "model_config": options})
    )
    (tmp_path / "run.json").write_text(json.dumps(facts))
    arrays = (run / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(arrays)
    image = read_image(folder / "04.png")
    one, other = (jiqa.load(f"run:{path}")(image) for path in (run, tmp_path))
    assert float(one) == float(other)
