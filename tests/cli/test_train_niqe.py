"""``jiqa train niqe``: NIQE's model fitted to a folder, and what scores with it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

import jiqa
from jiqa.cli import main
from jiqa.data.store import prepare
from jiqa.io.decode import read_image
from jiqa.models.niqe import Config
from jiqa.models.parts.niqe_fit import fit_niqe
from jiqa.training.fit_niqe import fit, photographs


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
    assert len(rows) == 19 and rows["deep/01.png"]["height"] == "194"
    facts = json.loads((run / "run.json").read_text())
    assert facts["data"]["training"]["images"] == 16
    blocks = [int(row["blocks"]) for row in rows.values() if row["blocks"]]
    assert sum(blocks) == facts["blocks"] > 36
    config = json.loads((run / "config.json").read_text())
    assert config["model_config"] == {"sharp": 0.75, "flat": "snap", "luma": "matlab"}


def test_a_run_scores_as_the_fitted_model(run, folder, tmp_path, capsys):
    fitted = fit_niqe(read_image(path) for path in _sound(folder))
    path = folder / "04.png"
    image = read_image(path)
    wanted = float(fitted.score(image))
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
    whole = fit_niqe(read_image(path) for path in paths)
    cut = fit_niqe(read_image(path)[:192] for path in paths)
    np.testing.assert_array_equal(whole.mean, cut.mean)
    np.testing.assert_array_equal(whole.covariance, cut.covariance)


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
        fit("table/pairs", tmp_path / "run", Config(), data_dir=tmp_path / "data")
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
        (["--data", "PHOTOS", "--workdir", "x", "--test", "y"], "--test does not"),
        (["--data", "PHOTOS", "--workdir", "x", "--set", "epochs=3"], "keys: sharp"),
        (
            ["--data", "PHOTOS", "--workdir", "x", "--set", "sharp=2"],
            "sharp: expected from 0 to below 1, got 2.0",
        ),
        (["--data", "PHOTOS", "--workdir", "x", "--set", "flat=no"], "'snap' or"),
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
    assert main(["train", "niqe", "--settings", "--set", "sharp=0.5"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == ["sharp=0.5", "flat=snap", "luma=matlab"]
