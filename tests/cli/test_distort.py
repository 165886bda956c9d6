"""``jiqa distort`` from the command line to the files on disk."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.cli import main
from jiqa.cli.distort import parse_levels
from jiqa.distortions import distort
from jiqa.distortions.ladders.plan import Ladder, Source, Step
from jiqa.io.decode import read_image

PHOTO = Path(jiqa.__file__).parent / "sample/reference.png"
CHEAP = ("--set", "dbcnn", "--kinds", "jpeg,overexposure", "--levels", "1-2")


@pytest.fixture(autouse=True)
def _no_disk_cache(monkeypatch):
    # The persistent cache would change JAX's settings for the tests that follow.
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)


@pytest.fixture
def photos(tmp_path):
    """Three photographs of two sizes, one of them in a folder."""
    pixels = read_image(PHOTO)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    Image.fromarray(pixels[:48, :64]).save(tmp_path / "in" / "a.png")
    Image.fromarray(pixels[100:148, 90:154]).save(tmp_path / "in" / "b.bmp")
    Image.fromarray(pixels[90:130, 60:130]).save(tmp_path / "in" / "sub" / "a.png")
    return tmp_path / "in"


def _run(*arguments) -> int:
    try:
        return main(["distort", *map(str, arguments)])
    except SystemExit as end:
        return int(end.code or 0)


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_every_image_of_every_photograph(photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert _run(photos, *CHEAP, "--seed", 5, "-o", out) == 0
    rows = _rows(out)
    assert "15 images and manifest.csv written" in capsys.readouterr().out
    assert list(rows[0]) == (
        "image,reference,distortion,level,set,parameter,seed,error".split(",")
    )
    assert [r["image"] for r in rows] == [
        f"{stem}/{name}.png"
        for stem in ("a", "b", "sub/a")
        for name in (
            "pristine",
            *("jpeg/1", "jpeg/2", "overexposure/1", "overexposure/2"),
        )
    ]
    assert {r["image"] for r in rows} | {"manifest.csv", "ladder.json"} == set(
        _bytes(out)
    )
    assert [(r["level"], r["parameter"]) for r in rows[:5]] == [
        *(("0", ""), ("1", "43"), ("2", "12"), ("1", "0.15"), ("2", "0.3"))
    ]
    assert {(r["set"], r["seed"], r["error"]) for r in rows} == {("dbcnn", "5", "")}
    for row in rows:
        source = photos / Path(row["reference"]).parent
        (file,) = source.parent.glob(f"{source.name}.*")
        pixels = read_image(file)
        assert (read_image(out / row["reference"]) == pixels).all()
        if row["level"] != "0":
            kind = f"dbcnn/{row['distortion']}"
            want = np.asarray(distort(pixels, kind, int(row["level"]), 0)) * 255
            np.testing.assert_allclose(read_image(out / row["image"]), want, atol=1e-3)


def test_noise_depends_on_names_and_seed_alone(photos, tmp_path):
    noise = ("--set", "rankiqa_live", "--kinds", "gaussian_noise")
    assert _run(photos, *noise, "--levels", "1,3", "-o", tmp_path / "all") == 0
    whole = _bytes(tmp_path / "all")
    # Another order, other levels beside it, without the other files.
    alone = (photos / "b.bmp", photos / "a.png")
    assert _run(*alone, *noise, "-o", tmp_path / "some", "--workers", 1) == 0
    some = _bytes(tmp_path / "some")
    for name in ("a/gaussian_noise/1.png", "b/gaussian_noise/3.png"):
        assert some[name] == whole[name]
    assert _run(photos / "a.png", *noise, "--seed", 1, "-o", tmp_path / "seed") == 0
    assert (
        _bytes(tmp_path / "seed")["a/gaussian_noise/1.png"]
        != (whole["a/gaussian_noise/1.png"])
    )
    # Files of one name in two folders have noise of their own.
    ladder = Ladder("rankiqa_live")
    step = list(ladder.steps())[6]
    keys = [ladder.key(Source(PHOTO, Path(p)), step) for p in ("a.png", "sub/a.png")]
    assert keys[0] != keys[1] and step.name == "gaussian_noise"


def test_what_fails_is_told_and_the_rest_goes_on(photos, tmp_path, capsys):
    (photos / "bad.png").write_bytes(b"no image")
    grey = Image.fromarray(read_image(photos / "a.png")[:32, :40]).convert("L")
    grey.save(photos / "grey.png")
    out = tmp_path / "out"
    kinds = ("--set", "rankiqa_tid2013", "--kinds", "chromatic_shift,brighter")
    assert _run(photos, *kinds, "--levels", "4", "-o", out) == 1
    rows = {r["image"]: r for r in _rows(out)}
    assert len(rows) == 4 * 3 + 1
    assert "not an image" in rows["bad/pristine.png"]["error"]
    assert (
        "expected an image [H, W, 3], got shape"
        in rows["grey/chromatic_shift/4.png"]["error"]
    )
    failed = {name for name, row in rows.items() if row["error"]}
    assert failed == {"bad/pristine.png", "grey/chromatic_shift/4.png"}
    assert all((out / name).exists() != (name in failed) for name in rows)
    assert read_image(out / "grey/brighter/4.png").shape == (32, 40, 1)
    told = capsys.readouterr().err
    assert "bad.png: not an image" in told and "grey/chromatic_shift/4.png: " in told
    # Mended, it is done by --resume; what was there stays untouched.
    grey.convert("RGB").save(photos / "grey.png")
    Image.fromarray(read_image(photos / "a.png")).save(photos / "bad.png")
    before = (out / "a/brighter/4.png").stat().st_mtime_ns
    assert _run(photos, *kinds, "--levels", "4", "-o", out, "--resume") == 0
    assert (out / "a/brighter/4.png").stat().st_mtime_ns == before
    rows = _rows(out)
    assert len(rows) == 15 and not any(r["error"] for r in rows)


def test_wide_and_transparent_images_become_eight_bits(tmp_path):
    import imagecodecs

    pixels = read_image(PHOTO)[:40, :48]
    deep = pixels.astype(np.uint16) * 257
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    clear = np.dstack([pixels, np.full(pixels.shape[:2], 0, np.uint8)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    out = tmp_path / "out"
    files = (tmp_path / "deep.png", tmp_path / "clear.png")
    assert _run(*files, *CHEAP, "--background", 0, "--format", "webp", "-o", out) == 0
    assert (read_image(out / "deep/pristine.webp") == pixels).all()
    assert not read_image(out / "clear/pristine.webp").any()


@pytest.mark.parametrize("form", ["bmp", "tif"])
def test_formats_without_loss(form, photos, tmp_path):
    assert _run(photos / "a.png", *CHEAP, "--format", form, "-o", tmp_path / "o") == 0
    pixels = read_image(photos / "a.png")
    want = distort(pixels, "dbcnn/jpeg", 1, 0) * 255
    got = read_image(tmp_path / "o" / f"a/jpeg/1.{form}")
    np.testing.assert_allclose(got, want, atol=1e-3)


def test_other_images_of_the_folder_stay_in_its_table(photos, tmp_path):
    out = tmp_path / "out"
    assert _run(photos / "a.png", *CHEAP, "-o", out) == 0
    before = _rows(out)
    other = ("--set", "dbcnn", "--kinds", "dither", "--levels", "2")
    (out / before[-1]["image"]).unlink()
    assert _run(photos, *other, "-o", out, "--resume") == 0
    rows = {r["image"]: r for r in _rows(out)}
    stay = {r["image"] for r in before[:-1]}
    new = {f"{name}/dither/2.png" for name in ("a", "b", "sub/a")}
    assert stay <= set(rows) and new <= set(rows)
    assert before[-1]["image"] not in rows
    # Two more photographs, and three that are dithered.
    assert len(rows) == len(_rows(out)) == len(stay) + 2 + 3


def test_output_inside_the_input_is_not_distorted_again(photos, capsys):
    out = photos / "out"
    assert _run(photos, *CHEAP, "-o", out) == 0
    assert _run(photos, *CHEAP, "-o", out) == 2
    assert "add --resume" in capsys.readouterr().err
    assert _run(photos, *CHEAP, "-o", out, "--resume") == 0
    assert len(_rows(out)) == 15
    assert _run(photos, *CHEAP, "--seed", 3, "-o", out, "--resume") == 2
    assert "seed 0, not 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((PHOTO, "--set", "dbcnn"), "--output FOLDER is required"),
        ((PHOTO, "-o", "o"), "--set NAME is required"),
        ((PHOTO, "-o", "o", "--set", "dbcn"), "did you mean dbcnn"),
        ((PHOTO, "-o", "o", *CHEAP[:3], "jpg"), "did you mean jpeg"),
        (
            (PHOTO, "-o", "o", *CHEAP[:2], "--levels", "6"),
            "levels: expected 1 to 5, the levels of the distortions, got 6",
        ),
        (
            (PHOTO, "-o", "o", *CHEAP[:2], "--levels", "x"),
            "--levels: expected levels such as 3, 1-5 or 1,3,5, got x",
        ),
        (
            (PHOTO, "-o", "o", *CHEAP, "--format", "jpg"),
            "format: expected 'png', 'bmp', 'tif' or 'webp', got 'jpg'",
        ),
        (
            (PHOTO, "-o", "o", *CHEAP, "--seed", "-1"),
            "seed: expected 0 to 4294967295, got -1",
        ),
        (
            (PHOTO, "-o", "o", *CHEAP, "--workers", "0"),
            "--workers: expected 1 or more, got 0",
        ),
        (
            (PHOTO, "-o", "o", *CHEAP, "--background", "2"),
            "--background: expected 0 to 1, got 2",
        ),
        (("-o", "o", *CHEAP), "expected images, got none"),
        (("*.nothing", "-o", "o", *CHEAP), "no file matches"),
        ((PHOTO, "reference.webp", "-o", "o", *CHEAP), "would both be written"),
    ],
)
def test_wrong_usage_exits_with_two(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _run(*arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.png"))


def test_a_folder_of_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "manifest.csv").write_text("mine")
    assert _run(PHOTO, *CHEAP, "-o", tmp_path) == 2
    assert "holds another manifest.csv" in capsys.readouterr().err
    (tmp_path / "file").write_text("mine")
    assert _run(PHOTO, *CHEAP, "-o", tmp_path / "file") == 2
    assert "cannot write to" in capsys.readouterr().err


def test_levels_are_parsed():
    assert parse_levels("1-3") == (1, 2, 3)
    assert parse_levels("5,1,2-3") == (1, 2, 3, 5)
    for text in ("", "1-", "a", "1,,2", "3-1"):
        with pytest.raises(ValueError, match="--levels"):
            parse_levels(text)


def test_list_shows_sets_strengths_and_sources(capsys):
    assert _run("--list") == 0
    shown = capsys.readouterr().out
    for text in ("rankiqa_tid2013", "non_eccentricity", "43 12 7 4 0", "ICCV 2017"):
        assert text in shown


def test_pristine_is_a_step_of_its_own():
    assert Step(None, 0).name == "pristine" and Step(None, 0).parameter is None


def _command(photos: Path, out: Path, *extra: str) -> list[str]:
    return [
        *(sys.executable, "-m", "jiqa", "distort", str(photos), "-o", str(out)),
        *("--set", "dbcnn", "--kinds", "gaussian_noise,jpeg", "--levels", "1-2"),
        *("--workers", "1", *extra),
    ]


def test_a_killed_run_resumes_to_the_same_files(tmp_path):
    """kill -9 in the middle; --resume makes the rest and touches nothing."""
    photos = tmp_path / "in"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for index in range(60):
        # Noise that PNG cannot shrink, so that writing takes its time.
        pixels = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{index:02}.png")
    environment = {**os.environ, "JIQA_CACHE": str(tmp_path / "cache")}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run(_command(photos, whole), check=True, env=environment)
    with subprocess.Popen(_command(photos, cut), env=environment) as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if len(list(cut.rglob("*.png"))) > 20:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
    assert process.returncode == -signal.SIGKILL
    done = {p: p.stat().st_mtime_ns for p in cut.rglob("[!.]*.png")}
    assert not (cut / "manifest.csv").exists() and 20 < len(done) < 300
    refused = subprocess.run(
        _command(photos, cut), env=environment, capture_output=True, text=True
    )
    assert refused.returncode == 2 and "--resume" in refused.stderr
    subprocess.run(_command(photos, cut, "--resume"), check=True, env=environment)
    assert _bytes(cut) == _bytes(whole)
    assert len(_rows(cut)) == 300
    assert {p: p.stat().st_mtime_ns for p in done} == done
