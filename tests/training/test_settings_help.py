"""Every setting says what it may be and what it means."""

from __future__ import annotations

import pytest

from jiqa.models.registry import all_models
from jiqa.training.config import CHOICES, TrainingConfig
from jiqa.training.settings_help import settings_help


@pytest.mark.parametrize("name", sorted(all_models()))
def test_every_setting_of_every_model_has_a_meaning(name):
    model = all_models()[name]
    stage = next(iter(model.stages))
    config = TrainingConfig(model=name, data="x", stage=stage)
    found = settings_help(config, model.options(stage, {}), model.stages)
    assert [s.name for s in found if not s.meaning] == []
    names = {s.name for s in found}
    assert "stage" in names and not names & {"model", "data", "held_part"}
    assert len(names) == len(found)


def test_choices_are_those_that_are_taken():
    model = all_models()["rank"]
    config = TrainingConfig(model="rank", data="x", stage="ranks")
    options = model.options("ranks", {})
    found = {s.name: s for s in settings_help(config, options, model.stages)}
    assert found["optimiser"].choices == CHOICES["optimiser"]
    assert found["stage"].choices == tuple(model.stages)
    assert found["model.pooling"].choices == ("mean", "mean-deviation")
    assert found["model.flip"].choices == ("true", "false")
    assert found["frozen"].choices == ("true", "false", "none")
    assert found["epochs"].choices == () and found["epochs"].value == 10
    assert found["model.margin"].meaning == "lead of the better image that is enough."
