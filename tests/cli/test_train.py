"""``jiqa train``, in one process and in two, and what scores with its runs."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.cli import main
from jiqa.io.decode import read_image
from jiqa.models import registry as finding
from jiqa.training.log import read_log
from jiqa.weights import read
from tests.helpers import tiny_model, training_data

_HELD = ["--hold-out", "0.25"]
_FAST = [
    *("--set", "weights=random", "--set", "batch_size=4", "--set", "epochs=4"),
    *("--set", "divisions=0", "--set", "baseline="),
    *("--set", "backbone_rate=0.01", "--set", "head_rate=0.05"),
]


pytestmark = pytest.mark.usefixtures("tiny")


def _words(material: Path, workdir: Path, *more: str) -> list[str]:
    words = ["train", "tiny", "--data", str(material / "rated" / "scores.csv")]
    words += ["--workdir", str(workdir), "--data-dir", str(material / "prepared")]
    return [*words, *_HELD, *_FAST, *more]


@pytest.fixture(scope="module")
def run(material, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "one"
    test = str(material / "other" / "scores.csv")
    with tiny_model.registered():
        assert main(_words(material, folder, "--test", test)) == 0
    return folder


def test_the_test_split_is_reported_on(run):
    summary = json.loads((run / "evaluation" / "summary.json").read_text())
    overall = next(r for r in summary if r["distortion"] == "all")
    assert (overall["n"], overall["metric"]) == (10, f"run:{run}")
    assert overall["srcc"] > 0.8
    assert (run / "evaluation" / "report.html").is_file()
    page = (run / "report.html").read_text()
    assert "Predictions" in page and "of 16 is kept" in page
    facts = json.loads((run / "evaluation" / "run.json").read_text())
    fingerprint = read(run / "model.safetensors")[1]["fingerprint"]
    assert fingerprint in facts["weights"][f"run:{run}"]


def test_figures_on_its_training_data_say_so(run, material, tmp_path, capsys):
    table = material / "rated" / "scores.csv"
    out, metric = tmp_path / "out", f"run:{run}"
    words = ["evaluate", metric, "--data", str(table), "--output", str(out)]
    words += ["--data-dir", str(material / "prepared"), "--resamples", "0"]
    assert main(words) == 0
    notes = [
        "18 of 24 images were in its training data",
        "6 of 24 images decided which state of its training was kept",
    ]
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{metric}: {notes[0]}" in shown and f"{metric}: {notes[1]}" in shown
    summary = json.loads((out / "summary.json").read_text())
    assert summary[0]["note"].endswith("; ".join(notes))
    page = (out / "report.html").read_text()
    heading = page[: page.index("</header>")]
    assert f"{notes[0]}; {notes[1]}. The figures say nothing of images" in heading
    # A table of scores that was made with it, whose images have no digests.
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    lines = [f"image,mos,{metric}", *(f"{n},{s},{float(s) / 2}" for n, s in rows)]
    scores = tmp_path / "scores.csv"
    scores.write_text("\n".join(lines) + "\n")
    assert main(["evaluate", "--scores", str(scores), "--resamples", "0"]) == 0
    assert f"{notes[0]} (by name and score)" in " ".join(
        capsys.readouterr().out.split()
    )
    # Of the test split nothing was learned.
    other = json.loads((run / "evaluation" / "summary.json").read_text())
    assert "images" not in other[0]["note"]


def _by_hand(run: Path, image: np.ndarray) -> float:
    """On the scale of the table, 0 to 100."""
    params = read(run / "model.safetensors")[0]
    variables = tiny_model.Variables(params, {})
    floats = jnp.asarray(image / 255.0, jnp.float32)
    return 100 * float(tiny_model.score(tiny_model.Config(), variables, floats))


def test_a_run_is_a_metric(run, material, tmp_path, capsys):
    path = material / "rated" / "images" / "07.png"
    image = read_image(path)
    wanted = _by_hand(run, image)
    metric = jiqa.load(f"run:{run}")
    assert metric.info.direction == "higher" and metric.info.min_side == 16
    assert "trained on table/scores" in metric.info.title
    np.testing.assert_allclose(metric(image), wanted, rtol=1e-4)
    both = metric(np.stack([image, image[::-1]]))
    np.testing.assert_allclose(both[0], wanted, rtol=1e-4)
    table = tmp_path / "scores.json"
    words = ["score", f"run:{run},brisque", str(path), "--output", str(table)]
    assert main(words) == 0
    (row,) = json.loads(table.read_text())
    np.testing.assert_allclose(row[f"run:{run}"], wanted, rtol=1e-4)
    # Beside a reference, which it does not look at.
    words = ["score", f"run:{run},psnr", str(path), "--reference", str(path)]
    assert main([*words, "--output", str(table), "--force"]) == 0
    (row,) = json.loads(table.read_text())
    np.testing.assert_allclose(row[f"run:{run}"], wanted, rtol=1e-4)
    capsys.readouterr()


def test_a_run_is_exported(run, material, tmp_path, capsys):
    image = read_image(material / "rated" / "images" / "07.png")
    arrays = tmp_path / "one.safetensors"
    assert main(["export", f"run:{run}", "--output", str(arrays)]) == 0
    params, metadata = read(arrays)
    own = read(run / "model.safetensors")[0]
    assert all(np.array_equal(own[k], v) for k, v in params.items()) and params
    assert json.loads(metadata["config"])["model"] == "tiny"
    program = tmp_path / "one.bin"
    words = ["export", f"run:{run}", "--format", "jax-export", "--output", str(program)]
    with pytest.raises(SystemExit):
        main(words)
    assert "--size: expected WIDTHxHEIGHT for jax-export" in capsys.readouterr().err
    assert main([*words, "--size", "24x20"]) == 0
    read_back = jax.export.deserialize(bytearray(program.read_bytes()))
    for count in (1, 3):
        scores = read_back.call(np.stack([image] * count))
        np.testing.assert_allclose(scores, [_by_hand(run, image)] * count, rtol=1e-4)


@pytest.mark.slow
def test_first_ranks_then_scores(material, tmp_path, capsys):
    words = ["train", "tiny", "--data", str(material / "ladder")]
    words += ["--workdir", str(tmp_path / "ranks"), "--validation", "none:x"]
    words += ["--data-dir", str(material / "prepared"), *_FAST]
    with pytest.raises(SystemExit):
        main(words)
    assert "unknown data set 'none'" in capsys.readouterr().err
    words = [*words[:6], *words[8:], "--hold-out", "0.4"]
    assert main(words) == 0
    config = json.loads((tmp_path / "ranks" / "config.json").read_text())
    assert config["stage"] == "ranks"
    assert "ordered" in capsys.readouterr().out
    begun = f"weights=run:{tmp_path / 'ranks'}"
    after = _words(material, tmp_path / "scores", "--set", begun)
    assert main(after) == 0
    facts = json.loads((tmp_path / "scores" / "run.json").read_text())
    ranks = read(tmp_path / "ranks" / "model.safetensors")[1]
    assert facts["start"]["sha256"] == ranks["fingerprint"]


@pytest.mark.slow
def test_lower_scores_may_be_better(material, tmp_path):
    table = material / "rated" / "scores.csv"
    turned = material / "rated" / "dmos.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()]
    lines = ["image,dmos", *(f"{n},{100 - float(s):.3f}" for n, s in rows[1:])]
    turned.write_text("\n".join(lines) + "\n")
    words = _words(material, tmp_path / "run")
    words[3] = str(turned)
    assert main(words) == 0
    metric = jiqa.load(f"run:{tmp_path / 'run'}")
    assert metric.info.direction == "lower"
    dark, bright = (
        float(metric(read_image(material / "rated" / "images" / f"{n}.png")))
        for n in ("02", "22")
    )
    assert dark > bright + 20
    # Trained the other way round it is the same model, on the turned scale.
    validation = read_log(tmp_path / "run")[-1]
    assert validation["srcc"] > 0.8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tinny", "--data", "x", "--workdir", "y"], "did you mean tiny"),
        (["tiny", "--data", "x"], "--workdir is required"),
        (["tiny", "--data", "koniq10k", "--workdir", "y"], "is not prepared"),
        (["tiny", "--data", "DATA", "--workdir", "y", "--set", "epoch=3"], "epochs"),
        (
            ["tiny", "--data", "DATA", "--workdir", "y", "--set", "epochs=x"],
            "a whole number",
        ),
        (
            ["tiny", "--data", "DATA", "--workdir", "y", "--set", "optimiser=lion"],
            "optimiser: expected 'sgd', 'adam' or 'adamw', got 'lion'",
        ),
        (
            ["tiny", "--data", "no.csv", "--workdir", "y"],
            "no.csv: this table does not exist",
        ),
        (["tiny", "--data", "no/", "--workdir", "y"], "no file or folder no/ either"),
        (
            ["tiny", "--data", "BARE", "--workdir", "y"],
            "got images alone (bare.csv: columns image = image; "
            "not used: iso; no scores)",
        ),
        (
            ["tiny", "--data", "DATA", "--workdir", "FILE"],
            "cannot write the run into this folder",
        ),
        (["tiny", "--data", "DATA", "--workdir", "y", "--workers", "-1"], "0 or more"),
        (["tiny", "--data", "x", "--workdir", "y", "--host-devices", "0"], "1 or more"),
        (
            ["tiny", "--data", "DATA", "--workdir", "y", "--set", "epochs"],
            "--set epochs: expected a value, as in epochs=10, got none",
        ),
        (
            ["tiny", "--epoch", "3"],
            "--epoch 3; give a setting as --set epochs=VALUE",
        ),
        (["tiny", "--dropout=0.2"], "give a setting as --set model.dropout=VALUE"),
        (["tiny", "--wokdir", "y"], "--wokdir y; did you mean --workdir?"),
    ],
)
def test_wrong_usage_is_told(words, said, material, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JIQA_DATA", str(material / "prepared"))
    data = str(material / "rated" / "scores.csv")
    bare = material / "rated" / "bare.csv"
    bare.write_text("image,iso\n01.png,3\n02.png,4\n")
    (tmp_path / "file").touch()
    words = [{"FILE": "file", "BARE": str(bare)}.get(w) or w for w in words]
    if "file" in words:
        words += _FAST
    with pytest.raises(SystemExit) as end:
        main(["train", *(w.replace("DATA", data) for w in words)])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_another_models_run_is_told(run, material, monkeypatch, capsys):
    info = dataclasses.replace(tiny_model.MODEL.info, name="other")
    other = dataclasses.replace(tiny_model.MODEL, info=info)
    models = {**finding.all_models(), "other": other}
    monkeypatch.setattr(finding, "all_models", lambda: models)
    test = str(material / "other" / "scores.csv")
    words = _words(material, run, "--test", test, "--resume")
    words[1] = "other"
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "was started with model 'tiny', not 'other': use the same settings" in said


def test_what_is_left_out_is_told(tmp_path, capsys):
    table = training_data.rated(tmp_path / "rated", 14)
    images = table.parent / "images"
    (images / "03.png").write_bytes(b"no image")
    Image.new("RGB", (9, 30)).save(images / "05.png")
    # Its header is whole, so that only whoever decodes it knows.
    Image.new("RGB", (24, 20)).save(tmp_path / "whole.bmp")
    (images / "07.png").write_bytes((tmp_path / "whole.bmp").read_bytes()[:900])
    words = ["train", "tiny", "--data", str(table), "--workdir", str(tmp_path / "run")]
    words += ["--data-dir", str(tmp_path / "data"), *_HELD, *_FAST]
    with pytest.raises(SystemExit):
        main([*words, "--set", "accumulation=3"])
    assert "batch_size: expected a multiple of 3" in capsys.readouterr().err
    # That one never began, and is in nobody's way.
    assert main([*words, "--set", "epochs=1", "--resume"]) == 1
    said = capsys.readouterr().err
    assert "holds no run to continue; starting a new one" in said
    assert (
        "3 images could not be used and were left out: 03.png, 05.png, 07.png" in said
    )


def test_settings_are_shown(capsys):
    assert main(["train", "tiny", "--settings", "--set", "model.width=8"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "epochs=10" in said and "model.width=8" in said
    assert said[said.index("optimiser=adam") + 1] == (
        "    sgd, adam, adamw: the rule of an update."
    )


_PROCESS = """
import sys
sys.path.insert(0, {tests!r})
from tests.helpers import tiny_model
tiny_model.register()
from jiqa.cli import main
sys.exit(main(sys.argv[1:]))
"""


def _start(words: list[str], devices: int = 1) -> subprocess.Popen:
    code = _PROCESS.format(tests=str(Path(__file__).parents[2]))
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env={
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "JAX_NUM_CPU_DEVICES": str(devices),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _end_alike(*folders: Path) -> None:
    first, second = (read(folder / "model.safetensors")[0] for folder in folders)
    for key, value in first.items():
        np.testing.assert_allclose(value, second[key], atol=1e-5, err_msg=key)


def test_two_processes_end_where_one_does(material, run, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = _words(material, tmp_path / "two", "--coordinator", address)
    both = [
        _start([*words, "--process", str(i), "--processes", "2"], 2) for i in range(2)
    ]
    try:
        said = [process.communicate(timeout=900)[0] for process in both]
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [0, 0], said
    kept = "kept the state after update"
    assert kept in said[0] and kept not in said[1]
    assert "an update takes 4 images" in said[0]
    assert "an update takes" not in said[1]
    facts = json.loads((tmp_path / "two" / "run.json").read_text())
    assert (facts["processes"], len(facts["devices"])) == (2, 4)
    one, two = (read_log(folder) for folder in (run, tmp_path / "two"))
    assert len(one) == len(two) == 20
    for first, second in zip(one, two, strict=True):
        for key in ("loss", "srcc"):
            if key in first:
                np.testing.assert_allclose(first[key], second[key], atol=1e-5)
    _end_alike(run, tmp_path / "two")


def test_devices_of_the_host_share_the_batches(material, run, tmp_path, capsys):
    words = [*_words(material, tmp_path / "two"), "--host-devices", "2"]
    process = _start(words)
    said = process.communicate(timeout=900)[0]
    assert process.returncode == 0, said
    facts = json.loads((tmp_path / "two" / "run.json").read_text())
    assert len(facts["devices"]) == 2
    _end_alike(run, tmp_path / "two")
    # In a process that computes already it is too late.
    with pytest.raises(SystemExit):
        main(words)
    assert "already" in capsys.readouterr().err
