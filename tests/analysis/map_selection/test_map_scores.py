"""Scores of feature maps: of files, kept on disk, gone on with after a kill."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa import weights
from jiqa.analysis.map_selection.map_scores import compute_map_scores, fingerprint
from jiqa.analysis.map_selection.pair_stream import _divided
from jiqa.analysis.map_selection.score_cache import ScoreStore
from jiqa.core.loaded import Loaded
from jiqa.io.decode import read_image
from jiqa.scoring.batching import Layout

OPTIONS = {"metric": "mse", "layers": ("conv1", "conv2")}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> list[tuple[str, str]]:
    """Two references of two sizes with three and two versions; one is grey."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(4)
    found = []
    for name, shape, count in (("a", (40, 48, 3), 3), ("b", (48, 40, 3), 2)):
        clean = rng.integers(0, 256, shape, np.uint8)
        Image.fromarray(clean).save(folder / f"{name}.png")
        for k in range(count):
            noisy = clean + rng.normal(0, 10 * k + 5, shape)
            picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
            picture = picture.convert("L") if k == 2 else picture
            picture.save(folder / f"{name}{k}.png")
            found.append((str(folder / f"{name}.png"), str(folder / f"{name}{k}.png")))
    return [found[i] for i in (3, 0, 1, 4, 2)]  # references by turns


def directly(pair):
    """The metric's own values of two files."""
    metric = jiqa.load("cnn_iqm", per_map=True, **OPTIONS)
    reference, distorted = (read_image(path) for path in pair)
    wide = np.broadcast_to(distorted, reference.shape)
    return np.asarray(metric(reference, wide))


def test_are_the_metrics_own(pairs, monkeypatch):
    seen = []
    prepare = Loaded.prepare

    def spy(self, reference, **given):
        seen.append(reference.shape)
        return prepare(self, reference, **given)

    monkeypatch.setattr(Loaded, "prepare", spy)
    steps = []
    found = compute_map_scores(
        pairs, **OPTIONS, on_progress=lambda *step: steps.append(step)
    )
    assert found.values.shape == (5, 64 + 192) and found.values.dtype == np.float32
    assert found.layers == ("conv1",) * 64 + ("conv2",) * 192
    assert not found.errors and found.path is None
    for row, pair in zip(found.values, pairs, strict=True):
        np.testing.assert_allclose(row, directly(pair), rtol=1e-4, atol=1e-6)
    assert sorted(seen) == [(40, 48, 3), (48, 40, 3)]
    assert steps == [(2, 5), (5, 5)]


def test_every_layer_by_default(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 63, 63, 3), np.uint8)
    for name, image in zip("ab", pixels, strict=True):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    pair = str(tmp_path / "a.png"), str(tmp_path / "b.png")
    found = compute_map_scores([pair], metric="mae")
    assert found.values.shape == (1, 1152) and np.isfinite(found.values).all()
    assert list(dict.fromkeys(found.layers)) == [f"conv{i}" for i in range(1, 6)]


def test_a_cache_spares_the_network(pairs, tmp_path, monkeypatch):
    first = compute_map_scores(pairs, **OPTIONS, cache=tmp_path)
    assert first.path is not None
    header = json.loads(first.path.with_suffix(".json").read_text())
    assert header["network"] == "alexnet" and header["shape"] == [5, 256]
    assert header["weights"] == {"alexnet": weights.load("alexnet").sha256}
    np.testing.assert_array_equal(np.load(first.path), first.values)
    monkeypatch.setattr(Loaded, "prepare", None)
    again = compute_map_scores(pairs, **OPTIONS, cache=tmp_path)
    np.testing.assert_array_equal(again.values, first.values)


def test_the_key_is_all_that_scores_depend_on(pairs, tmp_path, monkeypatch):
    options = {**OPTIONS, "layers": ("conv1",), "cache": tmp_path}
    paths = [
        compute_map_scores(pairs[:2], **options).path,
        compute_map_scores(pairs[1::-1], **options).path,
        compute_map_scores(pairs[:2], **{**options, "metric": "mae"}).path,
        compute_map_scores(pairs[:2], **options, background=0.5).path,
    ]
    monkeypatch.setattr("jiqa.analysis.map_selection.map_scores.__version__", "99")
    paths.append(compute_map_scores(pairs[:2], **options).path)
    assert len(set(paths)) == 5


def test_contents_count_and_names_do_not(pairs, tmp_path):
    copies = []
    for number, path in enumerate(pairs[0]):
        copies.append(tmp_path / f"{number}.bin")
        copies[-1].write_bytes(Path(path).read_bytes())
    assert fingerprint([tuple(copies)]) == fingerprint(pairs[:1])
    copies[1].write_bytes(copies[1].read_bytes() + b"\0")
    assert fingerprint([tuple(copies)]) != fingerprint(pairs[:1])
    assert fingerprint([pairs[0][::-1]]) != fingerprint(pairs[:1])


def test_progress_begins_where_an_earlier_call_ended(pairs, tmp_path):
    seen = []

    @contextlib.contextmanager
    def recorded(what, total, start=0):
        seen.append([what, total, start])
        yield lambda: seen[-1].__setitem__(2, seen[-1][2] + 1)

    options = {**OPTIONS, "layers": ("conv1",), "cache": tmp_path}
    lost = [*pairs, (pairs[0][0], str(tmp_path / "lost.png"))]
    found = compute_map_scores(lost, **options, progress=recorded)
    files = len({str(image) for pair in lost for image in pair})
    assert seen == [["reading files", files, files], ["scoring maps", 6, 6]]
    assert list(found.errors) == [5]
    seen.clear()
    compute_map_scores(lost, **options, progress=recorded)
    assert seen[1] == ["scoring maps", 6, 6]  # five known, one fails again


KILLED = """
import json, os, signal, sys
from jiqa.analysis.map_selection.map_scores import compute_map_scores

def end(done, total):
    if done >= 2:
        os.kill(os.getpid(), signal.SIGKILL)

pairs = [tuple(p) for p in json.loads(sys.argv[1])]
compute_map_scores(pairs, metric="mse", layers=("conv1", "conv2"), cache=sys.argv[2],
                   on_progress=end)
"""


def test_goes_on_after_a_kill(pairs, tmp_path, monkeypatch):
    command = [sys.executable, "-c", KILLED, json.dumps(pairs), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    marks = np.load(next(tmp_path.glob("*.done.npy")))
    assert 2 <= marks.sum() < 5
    read = []
    monkeypatch.setattr(
        "jiqa.analysis.map_selection.pair_stream.read_image",
        lambda path, **given: read.append(path) or read_image(path, **given),
    )
    found = compute_map_scores(pairs, **OPTIONS, cache=tmp_path)
    assert len(read) == 5 - marks.sum()
    whole = compute_map_scores(pairs, **OPTIONS)
    np.testing.assert_array_equal(found.values, whole.values)


def test_what_fails_is_named_and_tried_again(pairs, tmp_path):
    lost, small = tmp_path / "lost.png", tmp_path / "small.png"
    Image.new("RGB", (8, 8)).save(small)
    wrong = [
        pairs[0],
        (pairs[0][0], lost),
        (pairs[0][0], pairs[1][1]),
        (small, small),
    ]
    found = compute_map_scores(wrong, **OPTIONS, cache=tmp_path / "kept")
    assert sorted(found.errors) == [1, 2, 3]
    assert "no such file" in found.errors[1] and str(lost) in found.errors[1]
    assert "sizes differ" in found.errors[2]
    assert "cnn_iqm" in found.errors[3]
    np.testing.assert_array_equal(
        np.isnan(found.values).all(1), [False, True, True, True]
    )
    again = compute_map_scores(wrong, **OPTIONS, cache=tmp_path / "kept")
    assert again.errors == found.errors


def test_maps_are_selected_on_what_did_not_fail(pairs, tmp_path):
    several = [*pairs, (pairs[0][0], tmp_path / "lost.png"), *pairs[::-1]]
    found = compute_map_scores(several, **OPTIONS)
    scores = np.append(found.values[:5, 7], 0)[[0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0]]
    chosen = found.select(scores, max_maps=1, criterion="plcc")
    assert chosen.selected == (7,) and chosen.images == 10
    assert chosen.network == "alexnet" and chosen.metric == "mse"
    assert chosen.options == {"layers": ("conv1", "conv2")}
    assert chosen.names == ("conv1:7",)


def test_a_table_that_is_cut_off_is_begun_again(tmp_path):
    store = ScoreStore(tmp_path, "t", {"a": 1}, (4, 3))
    store.write([2, 0], np.ones((2, 3)))
    assert ScoreStore(tmp_path, "t", {"a": 1}, (4, 3)).done.tolist() == [
        True,
        False,
        True,
        False,
    ]
    assert not ScoreStore(tmp_path, "t", {"a": 2}, (4, 3)).done.any()
    data = store.path.read_bytes()
    store.path.write_bytes(data[:-5])
    again = ScoreStore(tmp_path, "t", {"a": 1}, (4, 3))
    assert not again.done.any() and np.isnan(again.values).all()
    assert not list(tmp_path.glob("*.part"))


def test_batches_waste_little():
    layout = Layout(100, 100, 3, "uint8", "uint8")

    def members(*counts) -> Any:
        sources = [Path(str(k)) for k, n in enumerate(counts) for _ in range(n)]
        return list(zip(sources, range(len(sources)), strict=True))

    assert _divided(layout, members(5, 5, 5))[0] == 5
    assert _divided(layout, members(29, 29))[0] == 6
    assert _divided(layout, members(1, 1, 1))[0] == 1
    size, batches = _divided(layout, members(16, 7, 16))
    assert size == 8 and sorted(map(len, batches)) == [7, 8, 8, 8, 8]
    assert _divided(Layout(4000, 4000, 3, "uint8", "uint8"), members(9))[0] == 1
