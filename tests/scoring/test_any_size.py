"""Folders of many sizes: few programs, the scores of the exact ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jiqa.scoring import compiled
from jiqa.scoring.any_size import shared
from jiqa.scoring.batching import Layout
from jiqa.scoring.buckets import buckets_for, kinds_of, worth_sharing
from jiqa.scoring.choose_metrics import choose
from jiqa.scoring.jobs import Job
from jiqa.scoring.runner import Runner

_SIZES = [(48, 60), (60, 48), (50, 61), (64, 64), (57, 90), (33, 120), (20, 70)]


@pytest.fixture
def jobs(tmp_path: Path, rng: Any) -> list[Job]:
    """Pairs of files, each of another size; the last is too small to be padded."""
    found = []
    for number, (height, width) in enumerate(_SIZES):
        pixels = rng.integers(40, 200, (height, width, 3))
        paths = []
        for name, noise in (("reference", 0), ("image", 12)):
            noisy = pixels + rng.normal(0, noise, pixels.shape)
            paths.append(tmp_path / f"{number}-{name}.png")
            Image.fromarray(noisy.astype(np.uint8)).save(paths[-1])
        found.append(Job(paths[1], paths[0]))
    return found


def _rows(metrics: str, jobs: list[Job], **options: Any) -> dict[str, Any]:
    runner = Runner(choose(metrics, [], have_reference=True), **options)
    return {row["image"]: row for _, row in runner.run(jobs)}


def test_sizes_share_programs_and_keep_their_scores(jobs, monkeypatch):
    made = []
    original = compiled.Program._for

    def counted(self: Any, arrays: Any) -> Any:
        key = tuple((x.shape, str(x.dtype)) for x in arrays)
        if key not in self._ready:
            made.append([member.label for member in self._group.members])
        return original(self, arrays)

    monkeypatch.setattr(compiled.Program, "_for", counted)
    found = _rows("ssim,psnr,mdsi,wsnr", jobs)
    # wsnr has no program for any size, and the last image is scored by its own.
    assert made.count(["ssim"]) == made.count(["psnr"]) == made.count(["mdsi"]) == 1
    assert made.count(["wsnr"]) == 6 and len(made) == 10
    for job, (height, width) in zip(jobs, _SIZES, strict=True):
        (want,) = _rows("ssim,psnr,mdsi,wsnr", [job]).values()
        row = found[str(job.image)]
        assert (row["height"], row["width"], row["error"]) == (height, width, "")
        for label in ("ssim", "psnr", "mdsi", "wsnr"):
            assert row[label] == pytest.approx(want[label], rel=1e-6)


def test_a_file_that_cannot_be_read_takes_no_other_along(jobs):
    Path(jobs[1].image).write_bytes(b"no image")
    Path(jobs[2].image).write_bytes(Path(jobs[2].image).read_bytes()[:200])
    found = _rows("ssim", jobs)
    failed = {name for name, row in found.items() if row["error"]}
    assert failed == {str(jobs[1].image), str(jobs[2].image)}
    assert all(row["ssim"] is not None for k, row in found.items() if k not in failed)


def test_a_resumed_run_keeps_its_digits(jobs):
    whole = _rows("ssim,gmsd", jobs)
    runner = Runner(choose("ssim,gmsd", [], have_reference=True))
    rest = {job.key for job in jobs[:4]}
    again = {r["image"]: r for _, r in runner.run(jobs, frozenset(rest))}
    for name, row in again.items():
        assert (row["ssim"], row["gmsd"]) == (whole[name]["ssim"], whole[name]["gmsd"])
    assert len(again) == 3


def test_metrics_with_a_minimum_refuse_small_images_alone(jobs):
    found = _rows("ssim,vifp", jobs)
    refused = {name for name, row in found.items() if row["vifp"] is None}
    small = [j for j, size in zip(jobs, _SIZES, strict=True) if min(size) < 41]
    assert refused == {str(job.image) for job in small}
    assert all("41 pixels" in found[name]["error"] for name in refused)
    assert all(row["ssim"] is not None for row in found.values())


def test_metrics_without_a_reference_join(jobs):
    found = _rows("piqe,psnr", jobs[:4])
    for job in jobs[:4]:
        (want,) = _rows("piqe,psnr", [job]).values()
        for label in ("piqe", "psnr"):
            assert found[str(job.image)][label] == pytest.approx(want[label], rel=1e-5)


def _layout(height: int, width: int, dtype: str = "uint8") -> Layout:
    return Layout(height, width, 3, dtype, "uint8")


def test_a_size_of_many_images_keeps_its_own_program():
    members = choose("ssim,fsim", [], have_reference=True)
    kinds = kinds_of(members)
    assert [len(kind.members) for kind in kinds] == [1, 1]
    assert worth_sharing((400, 500), 1, kinds)
    assert not worth_sharing((400, 500), 5000, kinds)
    layouts = [_layout(384, 512), _layout(400, 500), _layout(410, 300)]
    counts = dict(zip(layouts, (5000, 1, 1), strict=True))
    (group,) = shared(dict.fromkeys(layouts, members), counts)
    assert group.layouts == tuple(layouts[1:])
    # Alone of its type, an image has nothing to share with.
    counts = {_layout(400, 500): 1, _layout(410, 300, "uint16"): 1}
    assert shared(dict.fromkeys(counts, members), counts) == []


def test_two_hundred_sizes_need_few_buckets(rng):
    sizes = [tuple(map(int, rng.integers(240, 1101, 2))) for _ in range(200)]
    counts: Any = dict.fromkeys(sizes, 1)
    for kind in kinds_of(choose("ssim,psnr,mdsi,vsi", [], have_reference=True)):
        buckets = buckets_for(counts, kind)
        assert len(set(buckets.values())) <= 6
        for (height, width), bucket in buckets.items():
            assert bucket.rows >= height and bucket.cols >= width
            factor = max(1, int(min(height, width) / 256 + 0.5))
            assert bucket.factor == (factor if kind.decimated else 1)
