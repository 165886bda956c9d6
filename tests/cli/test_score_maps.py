"""``jiqa score --maps``: where metrics see the difference, in the report."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jiqa.cli import main
from jiqa.registry import bound_metric, get_metric
from jiqa.report.score_maps import maps_section
from jiqa.scoring.score_maps import Mapped, maps_of, with_maps, worst


@pytest.fixture(autouse=True)
def _no_disk_cache(monkeypatch):
    # The persistent cache would change JAX's settings for the tests that follow.
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)


@pytest.fixture
def folder(tmp_path, rng) -> Path:
    """A reference, and images with noise of three strengths in their left half."""
    pixels = rng.integers(90, 160, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ref.png")
    (tmp_path / "dist").mkdir()
    for strength in (4, 60, 20):
        noisy = pixels.astype(int)
        noisy[:, :16] += rng.integers(-strength, strength + 1, (24, 16, 3))
        image = Image.fromarray(noisy.astype(np.uint8))
        image.save(tmp_path / "dist" / f"{strength}.png")
    (tmp_path / "dist" / "broken.png").write_bytes(b"no image")
    return tmp_path


def _pictures(html: str) -> list[tuple[str, str, np.ndarray]]:
    """Name, note and pixels of the figures of the maps."""
    found = re.findall(
        r'<figure><img src="data:image/\w+;base64,([^"]+)" alt="[^"]*"><figcaption>'
        r"<strong>([^<]*)</strong> ([^<]*)<",
        html,
    )
    return [
        (name, note, np.asarray(Image.open(io.BytesIO(b64decode(data))).convert("RGB")))
        for data, name, note in found
    ]


def test_the_report_shows_the_worst_images(folder, capsys):
    words = [str(folder / "dist"), "--reference", str(folder / "ref.png")]
    page = folder / "page.html"
    code = main(
        ["score", "mse,flip,gmsd", *words, "--report", str(page), "--maps", "2"]
    )
    assert code == 1  # of the broken one
    capsys.readouterr()
    html = page.read_text()
    titles = re.findall(r"<h3>([^<]*)</h3>", html)
    assert [Path(t).name for t in titles if t.endswith(".png")] == ["60.png", "20.png"]
    shown = _pictures(html)
    assert [name for name, _, _ in shown] == ["distorted", "flip", "gmsd"] * 2
    flip, gmsd = shown[1], shown[2]
    assert "0 (dark, alike) to 1 (bright)" in flip[1] and "bright, alike" in gmsd[1]
    # FLIP's errors are bright, similarities dark where the noise is.
    halves = [p.mean(-1)[:, [2, -3]].mean(0) for _, _, p in (flip, gmsd)]
    assert halves[0][0] > halves[0][1] and halves[1][0] < halves[1][1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mse", "--report", "p.html", "--maps"], "expected one of .*flip.*, got mse"),
        (["flip", "--maps"], "--maps needs --report"),
        (["flip", "--report", "p.html", "--maps", "-1"], "--maps: expected a number"),
    ],
)
def test_what_cannot_be_shown_is_refused(folder, capsys, monkeypatch, words, message):
    monkeypatch.chdir(folder)
    metric, *rest = words
    with pytest.raises(SystemExit) as end:
        main(["score", metric, "dist", "--reference", "ref.png", *rest])
    assert end.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_rows_are_chosen_by_the_direction_of_the_metric():
    rows = [
        {"image": name, "reference": "r", "error": "", "ssim": value}
        for name, value in (("a", 0.9), ("b", 0.2), ("c", 0.5))
    ]
    rows.append({"image": "d", "reference": None, "error": "", "ssim": 0.0})
    rows.append({"image": "e", "reference": "r", "error": "broken", "ssim": None})
    found = worst(rows, bound_metric("ssim"), 2)
    assert [row["image"] for row in found] == ["b", "c"]
    choices = [bound_metric(n) for n in ("mse", "ssim", "flip")]
    choices.append(bound_metric("gmsd", {"output": "map"}))
    assert [c.name for c in with_maps(choices)] == ["ssim", "flip"]


def test_maps_are_those_of_the_metric(folder):
    row = {"image": str(folder / "dist" / "60.png"), "reference": folder / "ref.png"}
    (found,) = maps_of([row], [bound_metric("gmsd")])
    pair = [np.asarray(Image.open(row[k])) for k in ("reference", "image")]
    want = get_metric("gmsd")(*pair, output="map")
    np.testing.assert_allclose(found.maps["gmsd"], want, rtol=1e-6)
    assert found.pixels is not None
    np.testing.assert_array_equal(found.pixels, pair[1])


def test_images_of_several_sizes_have_one_scale():
    maps = [np.full((3, 4), 0.5), np.full((5, 2), 1.0)]
    images = [Mapped(f"{k}", None, {"gmsd": m}) for k, m in enumerate(maps)]
    section = maps_section(images, {"gmsd": get_metric("gmsd").info})
    notes = [p["note"] for group in section["figures"] for p in group["pictures"]]
    assert notes == ["1 (bright, alike) to 0.5 (dark)"] * 2
