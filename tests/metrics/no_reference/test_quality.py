"""The model that ships: its parameters, its numbers, and what it was not made for."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jiqa
from jiqa.cli import main
from jiqa.core import any_size
from jiqa.core.bound_metric import BoundMetric
from jiqa.metrics.no_reference.quality import COLUMNS, doubt
from jiqa.models.model import Variables
from jiqa.models.parts import backbones
from jiqa.models.quality import MODEL, Config
from jiqa.nn import quality as network
from jiqa.registry import get_metric
from jiqa.weights import find, get_set
from tests.helpers.any_size import in_noise
from tests.helpers.screens import screens


@pytest.fixture(scope="module")
def every():
    return jiqa.load("quality", output="all")


def _photograph(size: tuple[int, int] = (240, 320)) -> np.ndarray:
    return screens(*size)["photograph"]


def test_the_parameters_are_small_and_part_of_jiqa():
    place = find(get_set("quality"))
    assert place.origin == "jiqa"
    assert place.path.stat().st_size < 12e6
    assert tuple(network.TAPS) == backbones.taps(network.BACKBONE, "many")


def test_outputs_belong_together(every):
    image = _photograph()
    found = dict(zip(COLUMNS, np.asarray(every(image)), strict=True))
    assert found["score"] == jiqa.load("quality")(image)
    assert 0 < found["deviation"] < 0.5
    middle = (found["low"] + found["high"]) / 2
    assert middle == pytest.approx(found["score"], abs=1e-6)
    inner = jiqa.load("quality", output="high", coverage=0.5)(image)
    outer = jiqa.load("quality", output="high", coverage=0.95)(image)
    assert found["score"] < inner < found["high"] < outer
    with pytest.raises(
        ValueError, match=r"coverage: expected one of 0\.5, .* got 0\.7"
    ):
        jiqa.load("quality", coverage=0.7)(image)


def test_worse_photographs_score_less(every):
    image = _photograph()
    rng = np.random.default_rng(3)
    noisy = np.clip(image + rng.normal(0, 0.15, image.shape), 0, 1)
    soft = image
    for _ in range(12):
        soft = (soft + np.roll(soft, 1, 0) + np.roll(soft, 1, 1)) / 3
    scores = [float(every(x.astype(np.float32))[0]) for x in (image, noisy, soft)]
    assert scores[0] > scores[1] and scores[0] > scores[2]


def test_batch_grey_and_gradient(every):
    image = _photograph((100, 90))
    batch = np.stack([image, image[::-1]])
    alone = [every(x) for x in batch]
    np.testing.assert_allclose(every(batch), alone, rtol=2e-5, atol=2e-5)
    grey = image[..., :1]
    same = every(np.repeat(grey, 3, -1))
    np.testing.assert_allclose(every(grey), same, rtol=1e-5, atol=1e-5)
    slope = jax.jit(jax.grad(jiqa.load("quality")))
    for x in (image, np.zeros_like(image), np.full_like(image, 0.5)):
        assert np.isfinite(slope(x)).all()


def test_one_program_for_any_size():
    member = BoundMetric(get_metric("quality"), {"output": "all"})
    assert member.any_size
    loaded: Any = jiqa.load("quality", output="all")

    def scores(params: Any, rows: Any, cols: Any, image: Any) -> Any:
        extent = any_size.Extent(rows, cols)
        return any_size.scores(member, params, extent, image)

    program: Any = jax.jit(scores)

    for size in ((101, 64), (128, 113)):
        image = _photograph(size)
        found = program(
            loaded.params,
            jnp.asarray([size[0]], jnp.int32),
            jnp.asarray([size[1]], jnp.int32),
            jnp.asarray(in_noise(image, (144, 136)))[None],
        )
        np.testing.assert_allclose(np.ravel(found), loaded(image), rtol=1e-4, atol=1e-4)
    assert program._cache_size() == 1


def test_the_metric_is_the_trained_model(rng):
    """What a run learned gives the same number as a metric."""
    config = Config(offset=0.4, scale=0.2)
    drawn = MODEL.init(jax.random.key(1), config)
    arrays = {k: np.asarray(v) for part in drawn for k, v in part.items()}
    for key, value in arrays.items():
        if key.startswith("head.norm") or value.ndim == 1:
            arrays[key] = value + rng.uniform(0, 0.1, value.shape)
    variables = Variables(
        {k: arrays[k] for k in drawn.params}, {k: arrays[k] for k in drawn.state}
    )
    image = _photograph((150, 170))
    wanted = jax.jit(lambda x: MODEL.score(config, variables, x))(image)
    params = network.from_run(
        arrays, factor=0.2, summand=0.4, reach=dict.fromkeys(network.COVERAGES, 1.0)
    )
    found = get_metric("quality")(params, image)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_what_is_no_photograph_is_said(every):
    for name, image in screens(256, 320).items():
        flat = float(every(image)[COLUMNS.index("flat")])
        told = doubt(flat, 256, 320)
        if name in ("box", "product", "stars", "primary colours", "four greys"):
            assert "of it is flat" in told, name
        if name in ("photograph", "letterbox"):
            assert not told, name
    assert doubt(0.0, 48, 64) == "only 64x48 pixels"


def test_the_command_fills_a_column_for_each(tmp_path, capsys):
    from PIL import Image

    drawing = np.zeros((200, 200, 3), np.uint8)
    drawing[50:90, 60:120] = (255, 0, 0)
    photo = (255 * _photograph((200, 220))).astype(np.uint8)
    for name, pixels in (("drawing", drawing), ("photo", photo)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    assert main(["score", "quality", str(tmp_path), "--no-cache"]) == 0
    captured = capsys.readouterr()
    head, *rows = captured.out.splitlines()
    assert head.split(",")[3:] == [
        *("quality", "quality_deviation", "quality_low", "quality_high"),
        *("quality_flat", "error"),
    ]
    assert len(rows) == 2
    assert "1 image is unlike those it learned from" in captured.err
    assert "drawing.png: a drawing or a screen?" in captured.err
    one = ["score", "quality", str(tmp_path / "photo.png"), "--no-cache"]
    assert main([*one, "--set", "quality.output=low"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split(",")[3:] == [
        "quality(output=low)",
        "error",
    ]
