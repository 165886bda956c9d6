"""Metrics on learned features: the authors' values, with the real weights."""

from __future__ import annotations

import csv
import functools
import io
from collections import defaultdict
from typing import Any

import jax
import numpy as np
import pytest

import jiqa
from jiqa.registry import get_metric
from tests.helpers import golden_open

#: The golden's name: metric, its options.
GOLDEN = {
    "lpips_alex_v0.1": ("lpips", {}),
    "lpips_vgg_v0.1": ("lpips", {"net": "vgg"}),
    "dists_no_resize": ("dists", {}),
}


@functools.cache
def _rows() -> dict[tuple[str, str], list[tuple[str, str, float]]]:
    table = defaultdict(list)
    with (golden_open.FOLDER / "deep.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            pair = [row[k].removeprefix("images/") for k in ("reference", "distorted")]
            group = pair[0].split("_")[0]
            table[row["metric"], group].append((*pair, float(row["value"])))
    return dict(table)


def test_every_golden_is_asked_for():
    assert {metric for metric, _ in _rows()} == set(GOLDEN)
    assert sum(len(rows) for rows in _rows().values()) == 102


@functools.cache
def _loaded(case: str) -> Any:
    name, options = GOLDEN[case]
    return jiqa.load(name, **options)


def _check_group(case: str, group: str, relative: float, some: int = 99) -> None:
    metric, rows = _loaded(case), _rows()[case, group][:some]
    assert all(w.published for w in metric.weights.values())
    (reference,) = {row[0] for row in rows}
    distorted = np.stack([golden_open.image(row[1]) for row in rows])
    values = metric.prepare(golden_open.image(reference))(distorted)
    np.testing.assert_allclose(values, [row[2] for row in rows], rtol=relative)


#: A program for every size: single precision is tried in colour and in grey.
@pytest.mark.parametrize("case", GOLDEN)
@pytest.mark.parametrize(
    "group", ["china", pytest.param("camera", marks=pytest.mark.slow)]
)
def test_golden_float32(case, group):
    _check_group(case, group, 1e-4, some=99 if group != "china" else 2)


@pytest.mark.parametrize("case", GOLDEN)
@pytest.mark.parametrize(
    "some", [1, pytest.param(99, marks=pytest.mark.slow)], ids=["one", "all"]
)
def test_golden_float64(case, some):
    with jax.enable_x64(True):
        # A program for every size: of the larger networks, in colour and in grey.
        groups = sorted({g for _, g in _rows()})
        large = case not in ("lpips_alex_v0.1",)
        groups = ["china", "camera"] if large else groups
        for group in ["china"] if some == 1 else groups:
            _check_group(case, group, 1e-6, some)


def test_golden_pairwise():
    reference, distorted, value = _rows()["lpips_alex_v0.1", "chelsea"][0]
    pair = [golden_open.image(name) for name in (reference, distorted)]
    np.testing.assert_allclose(_loaded("lpips_alex_v0.1")(*pair), value, rtol=1e-4)


@functools.cache
def _photo() -> np.ndarray:
    return golden_open.image("chelsea_ref.png")[40:168, 60:188]


@pytest.mark.parametrize(
    "name",
    [
        "cnn_histogram",
        "cnn_iqm",
        "lpips",
        pytest.param("deepsim", marks=pytest.mark.slow),
        pytest.param("dfb_iqa", marks=pytest.mark.slow),
        pytest.param("dists", marks=pytest.mark.slow),
        pytest.param("content_loss", marks=pytest.mark.slow),
    ],
)
def test_stronger_distortion_is_worse(name, rng):
    """With the real weights, on a photograph: noise, blur and JPEG."""

    from PIL import Image, ImageFilter

    photo = _photo()
    picture = Image.fromarray(photo)
    added = rng.normal(0, 1, photo.shape)

    def jpeg(quality: int) -> np.ndarray:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    ladders = [
        [np.clip(photo + s * added, 0, 255).astype(np.uint8) for s in (0, 5, 15, 45)],
        [
            np.asarray(picture.filter(ImageFilter.GaussianBlur(r)))
            for r in (0, 0.7, 1.5, 4)
        ],
        [photo, jpeg(85), jpeg(30), jpeg(5)],
    ]
    metric = jiqa.load(name).prepare(photo)
    sign = 1 if get_metric(name).info.direction == "lower" else -1
    for ladder in ladders:
        assert (np.diff(sign * np.asarray(metric(np.stack(ladder)))) > 0).all()
