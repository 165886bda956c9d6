"""The recipes of the papers' trainings, on a miniature set."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path
from typing import Any

import pytest

from jiqa.models.registry import get_model
from jiqa.training.config import with_settings
from tests.helpers import training_data
from tests.helpers.analysis_data import falling, prepare_rated

SCRIPTS = Path(__file__).parents[2] / "scripts" / "recipes"

#: What makes a training short, whatever the recipe says.
_SHORT = ["--set", "steps=2", "--set", "batch_size=2", "--set", "validate_every=2"]


@pytest.fixture(scope="module")
def recipe() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        return importlib.import_module("train_published")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    return prepare_rated(tmp_path_factory.mktemp("mini"), falling)


def _words(output: Path, name: str) -> list[str]:
    words = [name, "--data", "table/mini", "--output", str(output)]
    return [*words, "--divisions", "1"]


def test_every_recipe_is_one_that_jiqa_train_takes(recipe):
    for name, found in recipe.RECIPES.items():
        model = get_model(found.model)
        for number, settings in enumerate(found.trainings):
            ranks = bool(found.ladder) and number == 0
            config = with_settings(
                {
                    "model": found.model,
                    "data": found.data,
                    "stage": "ranks" if ranks else "scores",
                },
                [f"{key}={value}" for key, value in settings.items()],
                model.config_class,
            )
            options = model.options(config.stage, config.model_config)
            for key, value in settings.items():
                place = options if key.startswith("model.") else config
                assert getattr(place, key.removeprefix("model.")) == value, name


def test_a_recipe_ends_in_a_table(recipe, prepared, tmp_path, capsys):
    words = _words(tmp_path, "cnniqa/live")
    more = [*_SHORT, "--data-dir", str(prepared), "--no-cache"]
    assert recipe.main([*words, "--", *more]) == 0
    said = capsys.readouterr().out
    assert "jiqa train cnniqa" in said and "table/mini:train@0" in said
    assert "0.956" in said and "0.953" in said
    with (tmp_path / "cnniqa-live.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["recipe"], row["seed"], row["images"]) == ("cnniqa/live", "0", "9")
    assert -1 <= float(row["srcc"]) <= 1 and row["plcc"] == ""  # too few for a curve
    report = tmp_path / "cnniqa-live" / "0-1" / "evaluation" / "report.html"
    assert report.is_file()


def test_ranks_need_a_ladder(recipe, tmp_path, capsys):
    with pytest.raises(SystemExit):
        recipe.main(_words(tmp_path, "rankiqa/live"))
    assert "photographs distorted by rankiqa_live" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *("multilevel/tid2013", "nima-mobilenet/ava", "dbcnn/csiq", "wadiqam-fr/live"),
    ],
)
def test_each_kind_of_recipe_runs(recipe, prepared, tmp_path, name):
    words = [*_words(tmp_path, name), "--weights", "random"]
    more = [*_SHORT, "--data-dir", str(prepared), "--no-cache"]
    found = recipe.RECIPES[name]
    if found.model == "rank":
        words += ["--ladder", str(training_data.ladder(tmp_path / "ladder"))]
    if found.model in ("rank", "dbcnn"):
        more += ["--set", "model.backbone=alexnet", "--set", "model.grid=0"]
        more += ["--set", "model.crop=224", "--set", "model.resize=224"]
    if found.model == "nima":  # the table has no votes, and no deviations
        more += ["--set", "model.target=mean", "--set", "model.backbone=alexnet"]
    assert recipe.main([*words, "--best-on-test", "--", *more]) == 0
    assert (tmp_path / f"{name.replace('/', '-')}.csv").is_file()
