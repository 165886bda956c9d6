"""``jiqa score`` on files of linear light, beside the metric on arrays."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from jiqa.cli import main
from jiqa.io.light import read_light
from jiqa.metrics import pu_psnr


@pytest.fixture(autouse=True)
def _no_disk_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reference, a noisy image and files that are broken, or sRGB images."""
    rng = np.random.default_rng(0)
    x = np.exp2(rng.uniform(-4, 6, (20, 24, 3))).astype(np.float32)
    y = x * rng.uniform(0.8, 1.2, x.shape).astype(np.float32)
    ref, noisy = (imagecodecs.rgbe_encode(v, rle=False) for v in (x, y))
    (tmp_path / "ref.hdr").write_bytes(ref)
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.hdr").write_bytes(noisy)
    head = b"PF\n24 20\n-1\n"
    (images / "b.pfm").write_bytes(head + y[::-1].tobytes())
    (images / "c.hdr").write_bytes(noisy[:-9])
    Image.new("RGB", (24, 20)).save(images / "d.hdr", "PNG")
    (images / "e.png").write_bytes(b"")
    return tmp_path


def _score(*arguments: str) -> int:
    try:
        return main(["score", *arguments])
    except SystemExit as end:
        return int(end.code or 0)


def test_light_is_scored_and_bad_files_are_rows(folder: Path, capsys: Any) -> None:
    reference, images = str(folder / "ref.hdr"), str(folder / "images")
    assert _score("pu_psnr", images, "--reference", reference) == 1
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [Path(r["image"]).name for r in rows] == ["a.hdr", "b.pfm", "c.hdr", "d.hdr"]
    x = read_light(reference)
    for row in rows[:2]:
        want = float(pu_psnr(x, read_light(row["image"])))
        assert float(row["pu_psnr"]) == pytest.approx(want, rel=1e-5)
        assert not row["error"]
    assert [bool(r["pu_psnr"]) for r in rows[2:]] == [False, False]
    assert "cannot be decoded" in rows[2]["error"]
    assert "expected linear light" in rows[3]["error"]


def test_sRGB_metrics_refuse_light(folder: Path, capsys: Any) -> None:
    image, reference = (str(folder / n) for n in ("images/a.hdr", "ref.hdr"))
    assert _score("mse", image, "--reference", reference) == 1
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert "expected an sRGB image, got linear light" in row["error"]
    assert _score("mse,hdrflip", image, "--reference", reference) == 2
    assert "score them in two runs" in capsys.readouterr().err
    given = ("pu_psnr", image, "--reference", reference, "--resize", "image")
    assert _score(*given) == 2
    assert "--resize is for sRGB images" in capsys.readouterr().err
