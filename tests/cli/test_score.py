"""``jiqa score`` from the command line to the file on disk."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from jiqa.cli import main
from jiqa.metrics import psnr, ssim
from jiqa.scoring.resized import resized
from tests.helpers import golden_open

IMAGES = golden_open.FOLDER / "images"
REF = str(IMAGES / "chelsea_ref.png")
BLUR = str(IMAGES / "chelsea_blur.png")


@pytest.fixture(autouse=True)
def _no_disk_cache(monkeypatch):
    # The persistent cache would change JAX's settings for the tests that follow.
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)


def _run(*arguments: str) -> int:
    try:
        return main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)


def _csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_one_pair_piped_is_csv(capsys):
    assert _run("score", "ssim,psnr", BLUR, "--reference", REF) == 0
    (row,) = _csv(capsys.readouterr().out)
    x, y = golden_open.image("chelsea_ref.png"), golden_open.image("chelsea_blur.png")
    assert float(row["ssim"]) == pytest.approx(float(ssim(x, y)), rel=1e-6)
    assert float(row["psnr"]) == pytest.approx(float(psnr(x, y)), rel=1e-6)
    assert (row["width"], row["height"], row["error"]) == ("451", "300", "")


def test_options_are_set_and_named_in_the_column(capsys):
    setting = ("--set", "ssim.luma=matlab", "--set", "ssim.downsample=auto")
    assert _run("score", "ssim", BLUR, "-r", REF, *setting) == 0
    (row,) = _csv(capsys.readouterr().out)
    want = ssim(
        golden_open.image("chelsea_ref.png"),
        golden_open.image("chelsea_blur.png"),
        luma="matlab",
        downsample="auto",
    )
    value = float(row["ssim(luma=matlab, downsample=auto)"])
    assert value == pytest.approx(float(want), rel=1e-6)


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_infinity_stays_infinite(tmp_path, suffix):
    out = tmp_path / f"scores.{suffix}"
    code = _run("score", "psnr", REF, BLUR, "nothing.png", "-r", REF, "-o", str(out))
    assert code == 1
    if suffix == "csv":
        rows = _csv(out.read_text())
    elif suffix == "json":
        rows = json.loads(out.read_text())
    else:
        rows = pq.read_table(out).to_pylist()
    assert math.isinf(float(rows[0]["psnr"]))
    assert math.isfinite(float(rows[1]["psnr"]))
    assert rows[2]["psnr"] in ("", None) and "no such file" in rows[2]["error"]
    assert not list(tmp_path.glob("*.partial"))


@pytest.fixture
def tree(tmp_path, rng):
    """Distorted images of two sizes in folders; references beside, other suffixes."""
    for folder in ("ref/a", "ref/b", "dist/a", "dist/b"):
        (tmp_path / folder).mkdir(parents=True)
    for index in range(7):
        shape = (40, 52, 3) if index % 2 else (33, 47, 3)
        pixels = rng.integers(30, 220, shape, dtype=np.uint8)
        noise = rng.integers(-9, 10, shape)
        folder = "ab"[index % 2]
        Image.fromarray(pixels).save(tmp_path / f"ref/{folder}/im{index}.png")
        noisy = (pixels + noise).astype(np.uint8)
        Image.fromarray(noisy).save(tmp_path / f"dist/{folder}/im{index}.bmp")
    return tmp_path


def _expected(tree) -> dict[str, float]:
    values = {}
    for path in sorted((tree / "dist").rglob("*.bmp")):
        reference = tree / "ref" / path.parent.name / f"{path.stem}.png"
        pair = (np.asarray(Image.open(p)) for p in (reference, path))
        values[str(path)] = float(ssim(*pair))
    return values


def test_folder_against_folder(tree, capsys):
    code = _run("score", "ssim", str(tree / "dist"), "-r", str(tree / "ref"))
    rows = _csv(capsys.readouterr().out)
    assert code == 0
    got = {r["image"]: float(r["ssim"]) for r in rows}
    assert list(got) == list(_expected(tree))
    assert got == pytest.approx(_expected(tree), rel=1e-6)


def test_pattern_with_stems(tree, capsys):
    pattern = str(tree / "dist" / "*" / "im[0-3].bmp")
    assert _run("score", "ssim", pattern, "-r", str(tree / "ref")) == 0
    assert len(_csv(capsys.readouterr().out)) == 4


def test_every_failure_is_a_row_and_the_rest_goes_on(tree, capsys):
    dist = tree / "dist"
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(dist / "a" / "tiny.png")
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(tree / "ref" / "a" / "tiny.png")
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(dist / "a" / "alone.png")
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(dist / "b" / "im1.png")
    data = (dist / "a" / "im2.bmp").read_bytes()
    (dist / "a" / "im2.bmp").write_bytes(data[:2000])
    assert _run("score", "ssim,psnr", str(dist), "-r", str(tree / "ref")) == 1
    captured = capsys.readouterr()
    rows = {r["image"].split("/")[-1]: r for r in _csv(captured.out)}
    assert len(rows) == 10
    assert "at least 11 pixels, got 9x8" in rows["tiny.png"]["error"]
    assert rows["tiny.png"]["psnr"] == "inf" and rows["tiny.png"]["ssim"] == ""
    assert "no reference" in rows["alone.png"]["error"]
    assert "sizes differ" in rows["im1.png"]["error"]
    assert "truncated" in rows["im2.bmp"]["error"]
    good = [n for n in rows if not rows[n]["error"]]
    assert len(good) == 6 and all(float(rows[n]["ssim"]) > 0.9 for n in good)
    assert "4 of 10 rows failed" in captured.err
    # Each once, and each file is named once.
    assert captured.err.count("alone.png:") == captured.err.count("im2.bmp:") == 1
    assert not any("im2.bmp" in row["error"] for row in rows.values())
    assert "--resize reference" in captured.err


def test_pairs_table(tree, capsys):
    table = tree / "pairs.csv"
    table.write_text(
        "reference,distorted\nref/a/im0.png,dist/a/im0.bmp\nref/b/im1.png,gone.bmp\n"
    )
    assert _run("score", "ssim", "--pairs", str(table)) == 1
    rows = _csv(capsys.readouterr().out)
    assert float(rows[0]["ssim"]) > 0.9 and "no such file" in rows[1]["error"]
    table.write_text("Ref;dist_img\nref/a/im0.png;dist/a/im0.bmp\n", "utf-16")
    assert _run("score", "ssim", "--pairs", str(table)) == 0
    assert _csv(capsys.readouterr().out)[0]["ssim"] == rows[0]["ssim"]
    table.write_text("left,distorted\na,b\n")
    assert _run("score", "ssim", "--pairs", str(table)) == 2
    said = "expected columns reference and distorted, got columns left, distorted"
    assert said in " ".join(capsys.readouterr().err.split())


def test_grey_next_to_colour_and_sixteen_bits(tmp_path, rng, capsys):
    import imagecodecs

    grey = rng.integers(0, 256, (32, 40), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.stack([grey] * 3, -1)).save(tmp_path / "rgb.png")
    deep = np.stack([grey.astype(np.uint16) * 257] * 3, -1)
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    reference = str(tmp_path / "rgb.png")
    names = [str(tmp_path / n) for n in ("grey.png", "deep.png")]
    assert _run("score", "mse,ssim", *names, "-r", reference) == 0
    for row in _csv(capsys.readouterr().out):
        assert float(row["mse"]) < 1e-13
        assert float(row["ssim"]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ssmi", BLUR, "-r", REF), "did you mean ssim"),
        (("ssim", BLUR), "--reference"),
        (("ssim", BLUR, "-r", "nowhere"), "--reference nowhere does not exist"),
        (("ssim", "*.nothing", "-r", REF), "no file matches"),
        (("ssim", "-r", REF), "expected images, got none"),
        (("ssim", BLUR, "-r", REF, "-o", "a.xls"), "expected a name that ends in .csv"),
        (("ssim", BLUR, "-r", REF, "--resume"), "--resume needs --output"),
        (("ssim", BLUR, "-r", REF, "--set", "ssim.lumma=x"), "did you mean luma"),
        (("ssim", BLUR, "-r", REF, "--set", "ssim.luma=x"), "luma: expected 'bt601'"),
        (("ssim", BLUR, "-r", REF, "--set", "psnr.luma=x"), "not among"),
        (("ssim", BLUR, "-r", REF, "--background", "7"), "expected 0 to 1, got 7"),
        (("ssim", "psnr", BLUR, "-r", REF), f"jiqa score ssim,psnr {BLUR} --ref"),
        (("photo.png",), "jiqa score recommended photo.png"),
        ((), "the following arguments are required: metrics"),
        (("ssim", BLUR, "-r", REF, "--resize", "both"), "expected 'reference' or 'im"),
    ],
)
def test_wrong_usage_is_one_line_and_exits_with_two(arguments, message, capsys):
    assert _run("score", *arguments) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and "jiqa" in said


def test_images_may_follow_options(capsys):
    assert _run("score", "PSNR", REF, "-r", REF, BLUR) == 0
    rows = _csv(capsys.readouterr().out)
    assert [row["image"] for row in rows] == [REF, BLUR] and rows[0]["psnr"] == "inf"


def test_a_finished_table_stays_unless_forced(tmp_path, capsys):
    out = tmp_path / "scores.csv"
    out.write_text("mine")
    call = ("score", "psnr", BLUR, "-r", REF, "-o", str(out))
    assert _run(*call) == 2 and "--force" in capsys.readouterr().err
    assert _run(*call, "--resume") == 2 and out.read_text() == "mine"
    assert _run(*call, "--force") == 0 and "psnr" in out.read_text()


def test_sizes_that_differ_are_resized_on_request(tmp_path, rng, capsys):
    pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    small = resized(pixels, (30, 31))
    for name, image in (("big.png", pixels), ("small.png", small)):
        Image.fromarray(image).save(tmp_path / name)
    big, little = str(tmp_path / "big.png"), str(tmp_path / "small.png")
    assert _run("score", "psnr", little, big, "-r", big, "--resize", "reference") == 0
    row, same = _csv(capsys.readouterr().out)
    # The reference became the very image.
    assert (row["psnr"], row["width"], row["height"]) == ("inf", "31", "30")
    assert row["resized"] == "reference 60x40 to 31x30, bicubic"
    assert same["resized"] == "" and same["width"] == "60"
    assert _run("score", "psnr", little, "-r", big, "--resize", "image") == 0
    (row,) = _csv(capsys.readouterr().out)
    enlarged = resized(small, (40, 60))
    assert float(row["psnr"]) == pytest.approx(float(psnr(pixels, enlarged)), rel=1e-6)
    assert row["width"] == "60"
    assert row["resized"] == "image 31x30 to 60x40, bicubic"


def _command(tree, out, *extra):
    return [
        *(sys.executable, "-m", "jiqa", "score", "ssim,psnr", str(tree / "many")),
        *("-r", str(tree / "ref" / "a" / "im0.png"), "-o", str(out), *extra),
    ]


def test_a_killed_run_resumes_with_the_same_rows(tree):
    """kill -9 in the middle; --resume computes the rest and gives the same table."""
    (tree / "many").mkdir()
    rng = np.random.default_rng(0)
    for index in range(600):
        # Noise that PNG cannot shrink, so that reading takes its time.
        pixels = rng.integers(0, 256, (33, 47, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tree / "many" / f"{index:03}.png")
    environment = {**os.environ, "JIQA_CACHE": str(tree / "cache")}
    whole, cut = tree / "whole.csv", tree / "cut.csv"
    subprocess.run(_command(tree, whole), check=True, env=environment)
    with subprocess.Popen(_command(tree, cut), env=environment) as process:
        journal = tree / "cut.csv.partial"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if journal.exists() and journal.read_bytes().count(b"\n") > 20:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
    assert process.returncode == -signal.SIGKILL
    assert not cut.exists() and 20 < journal.read_text().count("\n") < 600
    refused = subprocess.run(
        _command(tree, cut), env=environment, capture_output=True, text=True
    )
    assert refused.returncode == 2 and "--resume" in refused.stderr
    subprocess.run(_command(tree, cut, "--resume"), check=True, env=environment)
    assert cut.read_text() == whole.read_text()
    assert len(_csv(cut.read_text())) == 600 and not journal.exists()
