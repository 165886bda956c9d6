"""What an update needs is known before it, and decides how it is divided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jiqa.training.announce import announce
from jiqa.training.config import TrainingConfig
from jiqa.training.setup import Setup, set_up
from jiqa.training.update_memory import plan_memory

pytestmark = pytest.mark.usefixtures("tiny")


def _setup(material: Path, data: str = "rated/scores.csv", **fields: Any) -> Setup:
    fields = {
        "weights": "random",
        "hold_out": 0.25,
        "divisions": 0,
        "model": "tiny",
        **fields,
    }
    config = TrainingConfig(data=str(material / data), **fields)
    return set_up(config, material / "prepared")


def test_memory_decides_the_parts(material):
    setup = _setup(material, batch_size=12)
    whole = plan_memory(setup, 10**12)
    assert (whole.images, whole.parts, whole.levels) == (12, 1, 1)
    assert whole.chosen and whole.fits
    # Two convolutions keep their outputs: 8x8 and 4x4 samples of 4 channels, at least.
    fixed = plan_memory(_setup(material, batch_size=12, accumulation=12), 10**12)
    each = (whole.needed - fixed.needed) / 11
    assert each > 4 * 4 * (8 * 8 + 4 * 4)
    free = int((whole.needed - 0.1 * each) / 0.8)
    assert plan_memory(setup, free).parts == 2
    free = int((fixed.needed + 1.5 * each) / 0.8)
    assert plan_memory(setup, free).parts == 6
    least = plan_memory(setup, 1000)
    assert (least.parts, least.fits) == (12, False)
    given = plan_memory(_setup(material, batch_size=12, accumulation=3), 1000)
    assert (given.parts, given.chosen) == (3, False)


def test_a_frozen_backbone_keeps_nothing_for_the_way_back(material):
    known = [
        plan_memory(_setup(material, batch_size=12, frozen=frozen), 10**12).needed
        - plan_memory(
            _setup(material, batch_size=12, frozen=frozen, accumulation=12), 10**12
        ).needed
        for frozen in (False, True)
    ]
    assert known[1] < known[0] / 10


def test_a_run_says_what_it_is_going_to_do(material):
    setup = _setup(material, "ladder", stage="ranks", batch_size=4, hold_out=0.5)
    memory = replace(plan_memory(setup, 10**12), needed=3.2e9, parts=2)
    lines = announce(setup, memory, frozen_by_default=False)
    assert lines == [
        "learning from 21 images of 3 references (table/ladder (50%))",
        "validating on 21 images of 3 references (table/ladder (50%))",
        "fewer than 20 images or 8 references decide little: another state may well "
        "be the best",
        "an update takes 16 images (4 groups of 4 levels) in 2 parts, one after the "
        "other, about 3.2 GB of memory (1000.0 GB are free)",
        "accumulation=2 was chosen by the free memory; the mean gradient stays the "
        "same, batch statistics are those of a part",
    ]
    tight = replace(memory, free=10**9, chosen=False)
    lines = announce(setup, tight, frozen_by_default=True)
    assert "frozen=false trains it too" in lines[3] and "more than there is" in lines[5]


def test_a_published_backbone_is_frozen_without_a_gpu(material):
    def frozen(model: str, **fields: Any) -> bool | None:
        return _setup(material, model=model, **fields).config.frozen

    assert frozen("tiny", weights="random") is False
    model = {"model_config": {"backbone": "squeezenet1_1", "crop": 16}}
    assert frozen("nima", weights="imagenet", **model) is True
    assert frozen("nima", weights="imagenet", frozen=False, **model) is False
    assert frozen("nima", weights="random", **model) is False
    with pytest.raises(ValueError, match="frozen: expected true, false or none, got 3"):
        _setup(material, frozen=3)
