"""``jiqa score --memory``: large images in tiles, the others as ever."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jiqa.cli import main
from jiqa.errors import UsageError
from jiqa.registry import bound_metric
from jiqa.scoring import memory
from jiqa.scoring.batching import Layout

OPTIONS = {"net": "alexnet", "layers": ("conv1", "pool1")}


@pytest.fixture(autouse=True)
def _no_disk_cache(monkeypatch):
    # The persistent cache would change JAX's settings for the tests that follow.
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)


@pytest.fixture
def files(tmp_path, rng) -> Path:
    """A reference with a distorted version, large, and one with two, small."""
    for name, size, count in (("large", (203, 250), 1), ("small", (48, 56), 2)):
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        for folder in ("ref", "dist"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for k in range(count):
            noise = rng.integers(-20 - k, 21 + k, pixels.shape)
            noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "ref" / f"{name}{k}.png")
            Image.fromarray(noisy).save(tmp_path / "dist" / f"{name}{k}.png")
    return tmp_path


def _score(files: Path, metrics: str, *more: str) -> tuple[int, list[dict[str, str]]]:
    out = files / "scores.csv"
    images = [str(files / "dist"), "--reference", str(files / "ref")]
    settings = [
        word
        for name in {"content_loss", "cnn_iqm"} & set(metrics.split(","))
        for option, value in OPTIONS.items()
        for word in ("--set", f"{name}.{option}={value}")
    ]
    code = main(
        ["score", metrics, *images, *settings, *more, "-o", str(out), "--force"]
    )
    with out.open(newline="") as file:
        return code, list(csv.DictReader(file))


def test_scores_do_not_depend_on_the_budget(files, monkeypatch):
    seen = []
    tiled = memory.tiled

    def spy(member, params, reference, distorted, *, memory):
        seen.append((member.name, reference.shape[:2], memory))
        return tiled(member, params, reference, distorted, memory=memory)

    monkeypatch.setattr(memory, "tiled", spy)
    metrics = "content_loss,mse,cnn_iqm"
    code, free = _score(files, metrics)
    assert code == 0 and not seen
    code, bound = _score(files, metrics, "--memory", "6MB")
    assert code == 0
    assert seen == [
        ("content_loss", (203, 250), 6_000_000),
        ("cnn_iqm", (203, 250), 6_000_000),
    ]
    assert [row["image"] for row in bound] == [row["image"] for row in free]
    labels = [key for key in free[0] if key.startswith(("content", "cnn", "mse"))]
    assert len(labels) == 3
    for one, other in zip(free, bound, strict=True):
        for label in labels:
            assert float(other[label]) == pytest.approx(float(one[label]), rel=2e-5)


def test_what_fits_neither_way_fails_alone(files, capsys):
    gmsd = ["--set", "cnn_iqm.metric=gmsd", "--memory", "5MB"]
    code, rows = _score(files, "cnn_iqm,mse", *gmsd)
    assert code == 1
    by_name = {Path(row["image"]).name: row for row in rows}
    large = by_name.pop("large0.png")
    assert "'gmsd' needs whole feature maps; the whole image needs" in large["error"]
    assert "but only 5000000 are allowed" in large["error"]
    assert float(large["mse"]) > 0
    assert all(not row["error"] and float(row["mse"]) for row in by_name.values())
    code, rows = _score(files, "content_loss,mse", "--memory", "1kB")
    assert code == 1
    assert all("for the smallest tile" in row["error"] for row in rows)
    assert all(float(row["mse"]) > 0 for row in rows)
    capsys.readouterr()


def test_a_batch_fits_into_the_budget():
    choices = [bound_metric("content_loss", OPTIONS), bound_metric("mse")]
    layout = Layout(48, 56, 3, "uint8", "uint8")
    needed = memory.whole_bytes(choices[0], layout)
    assert memory.whole_bytes(choices[1], layout) == 0
    params = {"alexnet": {}}
    for count in (1, 3):
        budget = int(count * needed) + 1
        _, order, most = memory.program_for(choices, layout, None, params, budget)
        assert (order, most) == (choices, count)
    _, order, most = memory.program_for(choices, layout, None, params, int(needed) - 1)
    assert ([c.name for c in order], most) == (["mse", "content_loss"], 1)


def test_metrics_take_turns_where_they_would_need_too_much_together(files, monkeypatch):
    seen = []
    original = memory.Program.__call__

    def spy(self, reference, image, *sizes):
        seen.append([member.label for member in self._group.members])
        return original(self, reference, image, *sizes)

    monkeypatch.setattr(memory.Program, "__call__", spy)
    code, free = _score(files, "ssim,uqi,gmsd,psnr")
    assert code == 0
    seen.clear()
    code, bound = _score(files, "ssim,uqi,gmsd,psnr", "--memory", "4MB")
    assert code == 0
    # 203x250 pixels of 32, 60, 3 and 48 bytes; all together for small images.
    turns = [["ssim"], ["uqi", "gmsd"], ["psnr"]]
    assert all(part in seen for part in turns)
    assert ["ssim", "uqi", "gmsd", "psnr"] in seen
    for one, other in zip(free, bound, strict=True):
        for label in ("ssim", "uqi", "gmsd", "psnr"):
            assert float(other[label]) == pytest.approx(float(one[label]), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("600", 600),
        ("512MB", 512_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("2g", 2_000_000_000),
        ("64 kib", 65_536),
    ],
)
def test_sizes(text, wanted):
    assert memory.read_bytes(text) == wanted


@pytest.mark.parametrize("text", ["", "many", "-5MB", "5 TB", "1e9"])
def test_no_sizes(text):
    with pytest.raises(
        UsageError, match=r"memory: expected a size such as 512MB .*, got"
    ):
        memory.read_bytes(text)


def test_help_says_it(capsys):
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--memory SIZE" in text
    assert "computed in tiles, with the same scores" in text
