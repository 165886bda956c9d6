"""What a run takes over from the one whose weights it begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jiqa.models.registry import get_model
from jiqa.training.config import FILE, TrainingConfig
from jiqa.training.setup import with_earlier_network


def _earlier(folder: Path, model: str, **options: Any) -> str:
    config = TrainingConfig(model=model, data="x", model_config=options, stage="ranks")
    folder.mkdir()
    (folder / FILE).write_text(config.to_json())
    return f"run:{folder}"


def _network(model: str, weights: str, **options: Any) -> dict[str, Any]:
    config = TrainingConfig(
        model=model, data="x", weights=weights, model_config=options
    )
    return dict(with_earlier_network(config, get_model(model)).model_config)


def test_backbone_and_levels_are_those_of_the_earlier_run(tmp_path):
    run = _earlier(tmp_path / "one", "rank", backbone="squeezenet1_1", levels="last")
    wanted = {"backbone": "squeezenet1_1", "levels": "last"}
    assert _network("rank", run) == wanted
    assert _network("nima", run.replace("run:", "backbone:"), dropout=0.1) == {
        **wanted,
        "dropout": 0.1,
    }
    # DBCNN has a backbone, but no levels; defaults of the earlier run count, too.
    assert _network("dbcnn", run) == {"backbone": "squeezenet1_1"}
    plain = _earlier(tmp_path / "two", "rank")
    assert _network("nima", plain) == {"backbone": "vgg16", "levels": "multi"}
    assert _network("cnniqa", plain) == {} == _network("rank", "imagenet")
    assert _network("rank", f"{run},{plain}")["backbone"] == "vgg16"


def test_another_network_is_refused_with_the_setting_to_add(tmp_path):
    run = _earlier(tmp_path / "one", "rank", backbone="alexnet")
    with pytest.raises(ValueError) as told:
        _network("rank", run, backbone="vgg16")
    assert str(told.value) == (
        f"weights={run}: that run has backbone=alexnet, got backbone=vgg16; add --set "
        "model.backbone=alexnet, or begin with weights=imagenet"
    )
    with pytest.raises(FileNotFoundError, match="is not a training run"):
        _network("rank", f"run:{tmp_path}/none")
