"""``jiqa score`` with metrics on learned features."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.cli import main
from jiqa.scoring import compiled as programs

METRICS = "lpips,dfb_iqa,mse"
SETTINGS = ["--set", "dfb_iqa.net=alexnet", "--set", "dfb_iqa.layers=('relu1','relu2')"]


@pytest.fixture
def files(tmp_path, rng) -> Path:
    """Two references, one with three distorted versions and one with one."""
    for name, count in (("a", 3), ("b", 1)):
        pixels = rng.integers(0, 256, (48, 56, 3), np.uint8)
        (tmp_path / "ref").mkdir(exist_ok=True)
        (tmp_path / "dist").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "ref" / f"{name}.png")
        for k in range(count):
            noise = rng.integers(-20 * k - 5, 20 * k + 6, pixels.shape)
            noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(tmp_path / "dist" / f"{name}{k}.png")
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["reference", "distorted"])
        for path in sorted((tmp_path / "dist").glob("*.png")):
            out.writerow([f"ref/{path.name[0]}.png", f"dist/{path.name}"])
    return tmp_path


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_the_librarys_and_a_reference_is_seen_once(files, monkeypatch):
    seen = []
    call = programs.Program.__call__

    def spy(self, reference, image):
        seen.append((np.ndim(reference), np.ndim(image)))
        return call(self, reference, image)

    monkeypatch.setattr(programs.Program, "__call__", spy)
    out = files / "scores.csv"
    command = ["score", METRICS, "--pairs", str(files / "pairs.csv"), *SETTINGS]
    assert main([*command, "-o", str(out)]) == 0
    assert sorted(seen) == [(3, 4), (4, 4)]
    rows = _read(out)
    assert [Path(r["image"]).name for r in rows] == [
        "a0.png",
        "a1.png",
        "a2.png",
        "b0.png",
    ]
    dfb = "dfb_iqa(net=alexnet, layers=('relu1', 'relu2'))"
    metrics = {
        "lpips": jiqa.load("lpips"),
        "mse": jiqa.load("mse"),
        dfb: jiqa.load("dfb_iqa", net="alexnet", layers=("relu1", "relu2")),
    }
    for row in rows:
        pair = [np.asarray(Image.open(row[k])) for k in ("reference", "image")]
        for label, metric in metrics.items():
            assert float(row[label]) == pytest.approx(float(metric(*pair)), rel=1e-5)


def test_interrupted_run_ends_with_the_same_rows(files):
    whole, part = files / "whole.csv", files / "part.csv"
    command = ["score", METRICS, "--pairs", str(files / "pairs.csv"), *SETTINGS]
    assert main([*command, "-o", str(whole)]) == 0
    # What a run leaves behind that was broken off after the second row.
    from jiqa.scoring.journal import Journal

    labels = [k for k in _read(whole)[0] if k not in ("image", "reference", "width")]
    labels = [k for k in labels if k not in ("height", "error")]
    settings = {"metrics": labels, "x64": False, "background": 1.0}
    journal = Journal(part, settings, resume=False)
    from jiqa.scoring.jobs import read_pairs

    for job, row in list(
        zip(read_pairs(str(files / "pairs.csv")), _read(whole), strict=True)
    )[1:3]:
        values = {k: float(row[k]) for k in labels}
        size = {"width": int(row["width"]), "height": int(row["height"])}
        kept = {"image": row["image"], "reference": row["reference"], "error": ""}
        journal.add(job.key, {**kept, **size, **values})
    journal.close(finished=False)
    assert main([*command, "-o", str(part), "--resume"]) == 0
    assert part.read_bytes() == whole.read_bytes()


def test_without_weights(files, monkeypatch, capsys):
    monkeypatch.setenv("JIQA_CACHE", str(files / "cache"))
    pair = [str(files / "dist" / "a0.png"), "-r", str(files / "ref" / "a.png")]
    with pytest.raises(SystemExit) as stop:
        main(["score", "dfb_iqa", *pair, "--set", "dfb_iqa.net=vgg19"])
    assert stop.value.code == 2
    assert "vgg19.safetensors" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["score", "lpips", *pair, "--weights", str(files / "nowhere")])
    assert stop.value.code == 2
    assert "nowhere is not a folder" in capsys.readouterr().err


def test_all_leaves_out_what_has_no_weights(monkeypatch):
    from jiqa.scoring import choose_metrics as selection

    everything = [c.name for c in selection.choose("all", [], have_reference=True)]
    assert "lpips" in everything and "ssim" in everything
    monkeypatch.setattr(selection, "lacking_weights", lambda _: {"lpips": "alexnet"})
    rest = [c.name for c in selection.choose("all", [], have_reference=True)]
    assert set(everything) - set(rest) == {"lpips"}


def test_what_all_leaves_out_is_said_and_looked_for_once(files, monkeypatch, capsys):
    from jiqa.scoring import choose_metrics as selection

    looked = []

    def lacking(folder):
        looked.append(folder)
        return dict.fromkeys(jiqa.list_metrics(classical=False), "alexnet")

    monkeypatch.setattr(selection, "lacking_weights", lacking)
    monkeypatch.setattr(selection, "list_metrics", lambda **_: ["lpips", "mse"])
    image = [str(files / "dist" / "a0.png"), "-r", str(files / "ref" / "a.png")]
    assert main(["score", "mse, all", *image, "--no-cache"]) == 0
    captured = capsys.readouterr()
    assert looked == [None]
    assert "skipped lpips: no weights alexnet" in captured.err
    assert captured.out.splitlines()[0].split(",")[4:] == ["mse", "error"]


def test_json_says_weights_once(files, capsys):
    main(["metrics", "lpips"])
    assert "alexnet, lpips-alex-v0.1" in capsys.readouterr().out
    out = files / "scores.json"
    command = ["score", "lpips", str(files / "dist" / "a0.png")]
    assert main([*command, "-r", str(files / "ref" / "a.png"), "-o", str(out)]) == 0
    assert json.loads(out.read_text())
