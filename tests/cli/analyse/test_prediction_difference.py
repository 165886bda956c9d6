"""``jiqa analyse prediction-difference``: its images, its windows, its time."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from PIL import Image

from jiqa.analysis.explain.prediction_difference import window_count
from jiqa.cli import main
from jiqa.cli.analyse.prediction_difference import say_windows, timed_progress

CALL = ["analyse", "prediction-difference"]
QUICK = ["--sampler", "marginal", "--stride", "9", "--samples", "2"]


@pytest.fixture
def pair(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    monkeypatch.chdir(tmp_path)
    pixels = rng.integers(40, 200, (28, 37, 3), dtype=np.uint8)
    for name, image in (("a.png", pixels), ("b.png", pixels // 2 + 60)):
        Image.fromarray(image).save(tmp_path / name)
    return tmp_path


def test_the_reference_is_an_option_or_comes_first(pair, capsys):
    for number, images in enumerate((["b.png", "-r", "a.png"], ["a.png", "b.png"])):
        words = [*CALL, *images, "--metric", "mse", *QUICK, "-o", str(number)]
        assert main(words) == 0
        said = capsys.readouterr()
        assert said.err.startswith(
            "12 windows of 10 pixels, one every 9, 2 samples each: 24 images to compute"
        )
        assert "12 windows; 1 overlay written to" in said.out
    first, second = (np.load(f"{n}/values.npz")["values"] for n in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first).max() > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("b.png --metric mse", "mse needs --reference FILE"),
        ("a.png b.png -r a.png --metric mse", "expected IMAGE --reference FILE, got 3"),
        ("b.png -r a.png --map conv1:3", "--reference given: a reference is for"),
        ("a.png b.png --map conv1:3", "2 images given: a reference is for --metric"),
        ("b.png", "--map LAYER:NUMBER ..., or --metric METRIC"),
        ("b.png --stride 0 -r a.png --metric mse", "a stride of 1 or more"),
        ("b.png --window 30 -r a.png --metric mse", "(28, 37, 3), 30 and 4"),
    ],
)
def test_what_it_does_not_take_is_named(pair, words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*CALL, *words.split(), "--sampler", "marginal", "-o", "out"])
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_what_was_found_is_not_replaced_by_mistake(pair, capsys):
    words = [*CALL, "b.png", "-r", "a.png", "--metric", "mse", *QUICK, "-o", "out"]
    assert main(words) == 0
    before = (pair / "out" / "values.npz").read_bytes()
    with pytest.raises(SystemExit) as ended:
        main([*words, "--seed", "1"])
    assert ended.value.code == 2
    assert "values.npz is there already: --force" in capsys.readouterr().err
    assert (pair / "out" / "values.npz").read_bytes() == before
    assert main([*words, "--seed", "1", "--force"]) == 0
    assert (pair / "out" / "values.npz").read_bytes() != before


@pytest.mark.parametrize(
    ("shape", "stride", "said"),
    [
        ((256, 384, 3), 4, "--stride 10 needs 1,014 windows"),
        ((200, 200, 3), 4, "--stride 7 needs 841 windows"),
        ((256, 384, 3), 10, None),  # windows that do not touch leave gaps
        ((100, 100, 3), 4, None),
    ],
)
def test_a_stride_is_suggested_for_many_windows(shape, stride, said, capsys):
    given = argparse.Namespace(window=10, stride=stride, samples=10)
    count = window_count(shape, 10, stride)
    say_windows(shape, count, given)
    text = capsys.readouterr().err
    assert text.startswith(f"{count:,} windows of 10 pixels")
    assert (said in text) if said else ("many" not in text)


def test_the_time_is_said_once_without_compiling(capsys):
    # A minute of compiling, then four windows in two seconds.
    times, seen = iter([60.0, 62.0]), []
    timed = timed_progress(lambda *step: seen.append(step), clock=lambda: next(times))
    for done in (4, 8, 12, 128):
        timed(done, 128)
    assert seen == [(4, 128), (8, 128), (12, 128), (128, 128)]
    assert capsys.readouterr().err == "this takes about 60 s\n"
