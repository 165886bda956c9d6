"""``jiqa evaluate METRICS --data``: one process or two, whole or broken off."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import skimage.data
from PIL import Image, ImageFilter

import jiqa
from jiqa.cli import main
from jiqa.data.store import open_dataset, prepare
from jiqa.evaluation.score_datasets import Scoring, open_parts, score_datasets
from jiqa.io.decode import read_image
from tests.helpers import data_layouts as layouts

_LEVELS = range(1, 5)


def _archive(root: Path) -> Path:
    """TID2013 with two references of two sizes, noise, blur and JPEG."""
    random = np.random.default_rng(0)
    photographs = skimage.data.astronaut()[:192, 100:356], skimage.data.coffee()
    references = photographs[0], photographs[1][100:276, 200:440]
    for folder in ("reference_images", "distorted_images"):
        (root / folder).mkdir(parents=True)
    lines = []
    for number, pixels in enumerate(references, 1):
        image = Image.fromarray(np.ascontiguousarray(pixels))
        image.save(root / "reference_images" / f"I{number:02}.BMP")
        for level in _LEVELS:
            noisy = pixels + random.normal(0, 8 * level, pixels.shape)
            file = io.BytesIO()
            image.save(file, "JPEG", quality=[60, 30, 12, 4][level - 1])
            versions = {
                1: Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)),
                8: image.filter(ImageFilter.GaussianBlur(0.7 * level)),
                10: Image.open(file),
            }
            for kind, version in versions.items():
                name = f"i{number:02}_{kind:02}_{level}.bmp"
                version.save(root / "distorted_images" / name)
                score = 8 - 1.5 * level + random.normal(0, 0.3)
                lines.append(f"{score:.5f} {name}")
    (root / "mos_with_names.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare("tid2013", _archive(folder / "archive"), folder / "prepared")
    return folder / "prepared"


def _words(metrics: str, data: Path, output: Path, *more: str) -> list[str]:
    words = ["evaluate", metrics, "--data", "tid2013", "--data-dir", str(data)]
    # With a budget of memory every size has its program, and so its batch: two
    # processes have one each.
    words += ["--output", str(output), "--resamples", "20", "--memory", "1GB"]
    return [*words, *more]


def _rows(folder: Path) -> list[dict]:
    rows = pq.read_table(folder / "rows.parquet").to_pylist()
    for row in rows:
        row.pop("seconds")
    return rows


@pytest.fixture(scope="module")
def whole(prepared, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("whole")
    assert main(_words("psnr,ssim,gmsd", prepared, output)) == 0
    return output


def test_rows_hold_what_the_metrics_say(prepared, whole):
    rows = _rows(whole)
    assert len(rows) == 3 * 2 * 3 * len(_LEVELS)
    dataset = open_dataset("tid2013", prepared)
    entries = {e.name: e for e in dataset.entries()}
    for row in rows[::7]:
        entry = entries[row["image"]]
        reference = dataset.reference(entry)
        assert reference is not None
        pair = read_image(reference), read_image(dataset.image(entry))
        value = getattr(jiqa.metrics, row["metric"])(*pair)
        np.testing.assert_allclose(row["value"], value, rtol=1e-6)
        facts = entry.reference, entry.distortion, entry.level, entry.score
        keys = "reference", "distortion", "level", "score"
        assert tuple(row[k] for k in keys) == facts
        assert (row["data"], row["version"]) == ("tid2013", jiqa.__version__)


def test_everything_is_written(whole):
    names = {p.name for p in whole.iterdir()}
    wanted = {"rows.parquet", "summary.csv", "summary.json", "significance.json"}
    assert names == wanted | {"run.json", "report.html", "plots"}
    summary = json.loads((whole / "summary.json").read_text())
    overall = {r["metric"]: r for r in summary if r["distortion"] == "all"}
    assert list(overall) == ["psnr", "ssim", "gmsd"]
    assert {r["n"] for r in overall.values()} == {24}
    # Scores fall with the level, and so must every metric, whichever way it points.
    alone = [r["srcc"] for r in summary if r["distortion"] != "all"]
    assert len(alone) == 9 and min(alone) > 0.7
    facts = json.loads((whole / "run.json").read_text())
    assert facts["arguments"]["data"] == ["tid2013"]
    assert len(facts["fingerprints"]["tid2013"]) == 64
    page = (whole / "report.html").read_text()
    assert "i01_08_4.bmp" in page and "data:image/" in page


def test_an_unreadable_image_is_rows_that_say_so(tmp_path, capsys):
    archive = _archive(tmp_path / "archive")
    broken = archive / "distorted_images" / "i01_01_1.bmp"
    broken.write_bytes(broken.read_bytes()[:2000])
    prepare("tid2013", archive, tmp_path / "prepared")
    words = _words("psnr", tmp_path / "prepared", tmp_path / "out", "--no-report")
    assert main(words) == 1
    failed = [r for r in _rows(tmp_path / "out") if r["error"]]
    assert [r["image"] for r in failed] == ["i01_01_1.bmp"]
    assert failed[0]["value"] is None and "truncated" in failed[0]["error"]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary[0]["n"], summary[0]["failed"]) == (23, 1)
    assert "1 row failed and is left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ssim"], "give either --data NAME"),
        (["--data", "tid2013", "--output", "x"], "METRICS and --data"),
        (["ssim", "--data", "tid2013"], "--data needs --output"),
        (["ssim", "--data", "tid2031", "--output", "x"], "did you mean tid2013"),
        (["ssim", "--data", "csiq", "--output", "x"], "csiq is not prepared"),
        (["ssim", "--data", "tid2013:tset", "--output", "x"], "no split 'tset'"),
        (["simm", "--data", "tid2013", "--output", "x"], "did you mean ssim"),
        (
            ["ssim", "--data", "tid2013", "--output", "x", "--process", "0"],
            "give --coordinator, --process and --processes together",
        ),
    ],
)
def test_wrong_usage_is_told(words, said, prepared, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JIQA_DATA", str(prepared))
    with pytest.raises(SystemExit) as end:
        main(["evaluate", *words])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def _start(words: list[str], **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "jiqa", *words],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finished(folder: Path) -> int:
    """Rows in the journals so far; the first line of each says what they are."""
    files = folder.glob("*.partial") if folder.exists() else []
    return sum(max(0, len(f.read_text().splitlines()) - 1) for f in files)


def test_killed_it_goes_on_and_ends_with_the_same_rows(
    prepared, whole, tmp_path, capsys
):
    output = tmp_path / "out"
    words = _words("psnr,ssim,gmsd", prepared, output, "--no-report")
    running = _start(words)
    try:
        while _finished(output) < 4 and running.poll() is None:
            time.sleep(0.002)
        running.send_signal(signal.SIGKILL)
    finally:
        running.communicate()
    assert running.returncode == -signal.SIGKILL
    there = _finished(output)
    assert 4 <= there and not (output / "rows.parquet").exists()
    with pytest.raises(SystemExit):
        main(words)
    assert "--resume" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*words, "--resume", "--background", "0"])
    assert "background 1.0, not 0.0" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 0
    assert _rows(output) == _rows(whole)
    assert not list(output.glob("*.partial"))


def test_a_resumed_run_counts_what_is_there(prepared, tmp_path):
    shown = []

    @contextlib.contextmanager
    def bar(what: str, total: int, start: int) -> Iterator[Callable[[], None]]:
        steps: list[int] = []
        yield lambda: steps.append(1)
        shown.append((what, total, start, len(steps)))

    parts = open_parts(["tid2013"], str(prepared))
    how = Scoring("psnr")

    def score() -> None:
        score_datasets(parts, how, tmp_path, resume=True, progress=bar)

    score()
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, **_: lines.append(path.read_text()))
        score()
    # As if it had been broken off after nine images and the first line.
    journal = tmp_path / "tid2013-0-of-1.partial"
    journal.write_text("\n".join(lines[0].splitlines()[:10]) + "\n")
    score()
    assert shown == [
        *[("scoring tid2013", 24, 0, 24)] * 2,
        ("scoring tid2013", 24, 9, 15),
    ]


def _two(words: list[str], output: Path, *folders: Path) -> tuple[list[int], list[str]]:
    """Exit codes and output of two processes, of which each may see other sets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    cluster = ("--coordinator", address, "--processes", "2", "--process")
    both = [
        _start(
            [*_words("psnr,ssim,gmsd", folder, output, *words), *cluster, str(i)],
            JAX_NUM_CPU_DEVICES="4",
        )
        for i, folder in enumerate(folders)
    ]
    try:
        said = [process.communicate(timeout=300)[0] for process in both]
    finally:
        for process in both:
            process.kill()
    return [process.returncode for process in both], said


def test_two_processes_of_four_devices_give_the_rows_of_one(prepared, whole, tmp_path):
    output = tmp_path / "out"
    codes, said = _two([], output, prepared, prepared)
    assert codes == [0, 0], said
    assert "report written" in said[0] and "report written" not in said[1]
    facts = json.loads((output / "run.json").read_text())
    assert (facts["processes"], len(facts["devices"])) == (2, 8)
    assert _rows(output) == _rows(whole)


@pytest.mark.slow
def test_what_one_process_cannot_read_does_not_stop_the_other(
    prepared, whole, tmp_path
):
    # Every host may have a disk of its own: the second one's has lost the images.
    lost = tmp_path / "lost"
    shutil.copytree(prepared, lost)
    (shard,) = lost.rglob("*-images.array_record*")
    shard.unlink()
    codes, said = _two(["--no-report"], tmp_path / "out", prepared, lost)
    assert codes == [1, 0], said
    rows, sound = _rows(tmp_path / "out"), _rows(whole)
    failed = [row for row in rows if row["error"]]
    theirs = {row["image"] for row in failed}
    assert 0 < len(theirs) < 24 and len(failed) == 3 * len(theirs)
    assert all("No such file" in row["error"] for row in failed)
    assert [r for r in rows if r["image"] not in theirs] == [
        r for r in sound if r["image"] not in theirs
    ]
    # Whose turn an image is follows from sizes: one of the second's is now cut short.
    archive = _archive(tmp_path / "archive")
    name = min(theirs)
    broken = archive / "distorted_images" / name
    broken.write_bytes(broken.read_bytes()[:2000])
    prepare("tid2013", archive, tmp_path / "cut")
    # What was read from the archive is kept: that may go.
    shutil.rmtree(archive)
    codes, said = _two(
        ["--no-report"], tmp_path / "two", tmp_path / "cut", tmp_path / "cut"
    )
    assert codes == [1, 0], said
    assert "3 rows failed" in said[0]
    words = _words("psnr,ssim,gmsd", tmp_path / "cut", tmp_path / "one", "--no-report")
    assert main(words) == 1
    rows = _rows(tmp_path / "two")
    assert rows == _rows(tmp_path / "one")
    failed = [row for row in rows if row["error"]]
    assert [row["image"] for row in failed] == [name] * 3
    assert "truncated" in failed[0]["error"]
    assert [r for r in rows if r["image"] != name] == [
        r for r in sound if r["image"] != name
    ]


def test_a_damaged_record_is_one_row(prepared, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(prepared, damaged)
    (shard,) = damaged.rglob("*-images.array_record*")
    data = bytearray(shard.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 100] = bytes(100)
    shard.write_bytes(data)
    assert main(_words("psnr", damaged, tmp_path / "out", "--no-report")) == 1
    (failed,) = (row for row in _rows(tmp_path / "out") if row["error"])
    assert failed["error"].startswith("cannot be read: Corrupted")


def test_a_table_of_ones_own_is_a_data_set(tmp_path, capsys):
    layouts.put(tmp_path, ["ref.png", "a.png", "b.png", "c.png"])
    lines = [f"{name}.png,ref.png,{k}" for k, name in enumerate("abc", start=2)]
    table = tmp_path / "scores.csv"
    table.write_text("\n".join(["image,reference,mos", *lines]))
    words = ["evaluate", "psnr", "--data", str(table), "--no-report", "--output"]
    place = ["--data-dir", str(tmp_path / "prepared"), "--resamples", "10"]
    assert main([*words, str(tmp_path / "out"), *place]) == 0
    rows = _rows(tmp_path / "out")
    assert [(r["image"], r["score"]) for r in rows] == [
        ("a.png", 2.0),
        ("b.png", 3.0),
        ("c.png", 4.0),
    ]
    table.write_text("image,reference\na.png,ref.png\n")
    with pytest.raises(SystemExit) as end:
        main([*words, str(tmp_path / "other"), *place])
    assert end.value.code == 2
    assert "no subjective scores" in capsys.readouterr().err
