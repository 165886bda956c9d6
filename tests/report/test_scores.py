"""The HTML page of ``jiqa score --report`` and the parts of ``jiqa demo``."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from html import unescape

import numpy as np
import pytest
from PIL import Image

from jiqa.cli import demo, main
from jiqa.registry import get_metric
from jiqa.report import pictures, scores

#: Markup, and a byte that is no text, as Linux allows it.
ODD = """<b>&"it's"\udcff.png"""


class Page:
    """The cells of the scores, the pictures and the names in the drawings of a page."""

    def __init__(self, text: str) -> None:
        self.text, self.rows = text, []
        body = text.split("<tbody>")[1].split("</tbody>")[0]
        for row in (re.findall("<td.*?</td>", r, re.S) for r in body.split("<tr>")[1:]):
            self.rows.append([unescape(re.sub("<[^>]*>", "", cell)) for cell in row])
        data = re.findall(r'<img src="data:image/(?:jpeg|png);base64,([^"]+)"', text)
        self.images = [Image.open(io.BytesIO(b64decode(d))) for d in data]
        self.ids = re.findall(r'\sid="([^"]+)"', text)
        self.targets = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
        loaded = re.findall(r"""(?:\b(?:src|href)=|url\()['"]?([^)'"]*)""", text)
        assert all(address.startswith(("data:", "#")) for address in loaded)
        assert not re.search(r"@import|<(link|iframe|object|embed|base)\b", text)


def _columns(*names: str):
    return [(n, get_metric(n).info) for n in names]


def _row(image, error: str = "", **values):
    return {"image": str(image), "reference": None, "error": error, **values}


def _write(path, columns, rows, **more) -> Page:
    more |= {"title": "t", "command": "c"}
    scores.write_report(path, columns=columns, rows=rows, **more)
    return Page(path.read_text("utf-8"))


def test_score_writes_a_page_of_every_row(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    pixels = rng.integers(40, 215, (30, 40, 3), dtype=np.uint8)
    noisy = (pixels + rng.integers(-20, 20, pixels.shape)).astype(np.uint8)
    for name, image in (("ref.png", pixels), (ODD, noisy), ("small.png", pixels[:9])):
        Image.fromarray(image).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes((tmp_path / "ref.png").read_bytes()[:900])
    names = ["ref.png", ODD, "small.png", "broken.png", "gone.png"]
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "new" / "page.html"
    call = ["score", "psnr,ssim", *names, "-r", "ref.png", "--report", str(out)]
    assert main(call) == 1
    page = Page(out.read_text("utf-8"))
    shown = [n.replace("\udcff", "?") for n in names]
    reasons = ("", "", "sizes differ", "cannot be decoded", "no such file")
    for row, name, why in zip(page.rows, shown, reasons, strict=True):
        assert row[0].startswith(name + why) and row[0].count(name) == 1
    assert "<b>" not in page.text and page.rows[0][1:] == ["inf", "1"]
    assert 15 < float(page.rows[1][1]) < 40
    assert [row[1:] for row in page.rows[2:]] == [["–", "–"]] * 3
    assert "3 rows with a problem" in page.text
    # The reference of all once, before the images.
    sizes = [(40, 30), (40, 30), (40, 30), (40, 9)]
    assert [i.size for i in page.images] == sizes
    assert page.text.count("Reference of all images") == 1
    mean = np.asarray(page.images[2], float).mean((0, 1))
    np.testing.assert_allclose(mean, noisy.mean((0, 1)), atol=3)


def test_many_rows_bring_histograms_and_correlations(tmp_path, rng):
    values = rng.random((40, 2))
    rows = [_row(f"{i}.png", ssim=a, gmsd=b) for i, (a, b) in enumerate(values)]
    rows[3].update(ssim=None, error="no")
    page = _write(tmp_path / "a.html", _columns("ssim", "gmsd"), rows)
    assert page.text.count("<svg") == 2 and len(page.rows) == 40
    assert len(page.ids) == len(set(page.ids))
    assert page.targets and page.targets <= set(page.ids)


@pytest.mark.parametrize("count", [1, 9, 35])
@pytest.mark.parametrize("value", [None, float("inf"), float("-inf")])
def test_columns_without_a_finite_value(tmp_path, count, value):
    row = _row("a", "" if value else "why", psnr=value, snr=value)
    page = _write(tmp_path / "a.html", _columns("psnr", "snr"), [row] * count)
    shown = str(value) if value else "–"
    assert [row[1:3] for row in page.rows] == [[shown, shown]] * count


def test_each_image_stands_beside_its_own_reference(tmp_path, rng):
    for name in ("a/1.png", "b/1.png", "ref/a.png", "ref/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (8, 20 if "a" in name else 30, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    rows = [
        _row(tmp_path / f"{x}/1.png", mse=1.0)
        | {"reference": f"{tmp_path}/ref/{x}.png"}
        for x in "ab"
    ]
    page = _write(tmp_path / "page.html", _columns("mse"), rows)
    assert [i.size[0] for i in page.images] == [20, 20, 30, 30]
    assert [row[0] for row in page.rows] == ["a/1.png", "b/1.png"]
    assert 'title="reference ref/a.png"' in page.text
    assert "Reference of all" not in page.text


def test_a_reason_of_many_rows_is_said_once(tmp_path):
    many = "ssim: expected at least 11 pixels"
    rows = [_row(f"{i}.png", many, mse=0.0, ssim=None) for i in range(5)]
    rows.append(_row("x.png", "another", mse=None, ssim=None))
    page = _write(tmp_path / "a.html", _columns("mse", "ssim"), rows)
    assert page.text.count(many) == 1 and f"Note 1: {many} (5 images)" in page.text
    names = [row[0] for row in page.rows]
    assert names == [*(f"{i}.pngnote 1" for i in range(5)), "x.pnganother"]


def test_metrics_that_compare_luma_only_are_marked(tmp_path):
    columns = _columns("ssim", "vsi", "mse", "niqe")
    rows = [_row("a.png", ssim=1.0, vsi=1.0, mse=0.0, niqe=3.0)]
    page = _write(tmp_path / "a.html", columns, rows)
    heads = page.text.split("<thead>")[1].split("</thead>")[0].split("<th ")
    assert ["◐" in head for head in heads[2:]] == [True, False, False, False]
    assert "a grey copy of a colour image scores as perfect" in page.text
    page = _write(tmp_path / "a.html", columns[1:], rows)
    assert "◐" not in page.text


@pytest.mark.parametrize("images", [3, 50])
def test_no_table_is_wider_than_the_page(images):
    labels = [f"metric_{n}" for n in range(37)]
    tables = scores.score_tables(labels, images, labels[3:10])
    shown = [n for table in tables for n in table["columns"]]
    assert sorted(shown) == list(range(37)) and tables[0]["columns"] == [*range(3, 10)]
    assert [t["title"] for t in tables if t["title"]] == [
        "Recommended metrics",
        "All other metrics",
    ]
    assert max(len(t["columns"]) for t in tables if not t["turned"]) <= 9
    assert [t["turned"] for t in tables][-1] == (images == 3)
    (alone,) = scores.score_tables(labels[:5], images, ())
    assert alone == {"title": "", "columns": [0, 1, 2, 3, 4], "turned": False}


def test_the_best_is_green_in_either_direction(tmp_path):
    rows = [_row(f"{i}", ssim=v, gmsd=1 - v) for i, v in enumerate((0.9, 0.5, 0.1))]
    page = _write(tmp_path / "a.html", _columns("ssim", "gmsd"), rows)
    shades = re.findall(r'<td [^>]*style="background:rgb\(([^)]+)\)', page.text)
    assert shades[::2] == shades[1::2] == ["205,233,213", "226,222,208", "247,211,203"]


def test_thumbnails_stop_at_the_limit_and_take_any_depth(tmp_path, rng, monkeypatch):
    grey = rng.integers(0, 256, (8, 8, 1), np.uint8).repeat(50, 0).repeat(70, 1)
    Image.fromarray(grey[..., 0]).save(tmp_path / "grey.png")
    deep = grey[..., 0].astype(np.uint16) * 256 + 99
    Image.fromarray(deep).save(tmp_path / "deep.png")
    rows = [_row(tmp_path / n, mse=0.0) for n in ("grey.png", "deep.png", "grey.png")]
    monkeypatch.setattr(scores, "MOST_THUMBNAILS", 2)
    page = _write(tmp_path / "a.html", _columns("mse"), rows)
    assert [(i.mode, i.size) for i in page.images] == [("L", (192, 137))] * 2
    one, two = (np.asarray(i, float) for i in page.images)
    np.testing.assert_array_equal(one, two)
    small = np.asarray(Image.fromarray(grey[..., 0]).resize((192, 137)), float)
    assert np.abs(one - small).mean() < 4


def test_maps_are_bright_where_images_are_alike(tmp_path, rng):
    photo = rng.integers(90, 160, (48, 64, 3), dtype=np.uint8)
    damaged = photo.copy()
    damaged[:, :24] = rng.integers(0, 256, (48, 24, 3))
    Image.fromarray(photo).save(tmp_path / "reference.png")
    Image.fromarray(damaged).save(tmp_path / "noise_2.png")
    columns = _columns("ssim", "mse", "delta_e")
    section = demo._maps(columns, tmp_path, tmp_path / "reference.png", None)
    ((_, *maps),) = (group["pictures"] for group in section["figures"])
    assert [m["name"] for m in maps] == ["ssim", "delta_e"]
    page = _write(tmp_path / "a.html", columns, [], sections=[section])
    for found, image in zip(maps, page.images[1:], strict=True):
        light = np.asarray(image.convert("L"), float)
        assert light[:, :16].mean() + 60 < light[:, -20:].mean()
        alike, other = found["note"][:-7].split(" (bright, alike) to ")
        assert (float(alike) > float(other)) == (found["name"] == "ssim")


def test_ladder_has_a_plot_for_each_metric_and_skips_infinity():
    names = ("psnr", "gmsd", "ssim", "mse", "vsi", "snr")
    row = dict.fromkeys(names, 0.5)
    table = [_row(f"{n}.png", **row) for n in ("blur_1", "blur_2", "noise_1")]
    top = _row("reference.png", **{**row, "psnr": float("inf"), "snr": None})
    svg = demo._ladder(_columns(*names), [top, *table])["svg"]
    titles = re.findall(r">(\w+ [↑↓])<", svg)
    assert titles == ["psnr ↑", "gmsd ↓", "ssim ↑", "mse ↓", "vsi ↑", "snr ↑"]
    assert svg.count(">blur<") == svg.count(">noise<") == 1
    lines = {"a": {"blur": [float("inf")], "noise": [0.5]}, "b": {"blur": [None]}}
    alone = pictures.ladder_plots(lines, {"a": "lower", "b": "higher"})
    # The second distortion keeps its colour where the first has nothing to draw.
    assert "#ff7f0e" in alone and "#1f77b4" not in alone and ">b ↑<" in alone


def test_demo_copies_its_images(tmp_path, capsys):
    assert main(["demo", "--copy", str(tmp_path / "images")]) == 0
    copied = sorted(p.name for p in (tmp_path / "images").iterdir())
    assert len(copied) == 10 and "reference.png" in copied and "README.md" not in copied
    assert "jiqa score ssim,psnr" in capsys.readouterr().out
