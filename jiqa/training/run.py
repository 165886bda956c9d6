"""Training as a function of a model's name, data and settings; it fills a folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax

from jiqa.checks import unknown
from jiqa.data.user_tables.resolve import resolved
from jiqa.evaluation.run import evaluate
from jiqa.models.registry import get_model
from jiqa.progress import Progress, silent
from jiqa.training.config import TrainingConfig
from jiqa.training.fit_photographs import fit_photographs
from jiqa.training.loop import train_by_gradients
from jiqa.training.run_data import stage_of
from jiqa.training.stage import STAGES
from jiqa.training.trained import Trained

#: Folder in a run's, of the evaluation of the test split.
EVALUATION = "evaluation"


def train(
    model: str,
    data: Path | str,
    *,
    workdir: Path | str,
    model_config: Mapping[str, Any] | None = None,
    resume: bool = False,
    data_dir: Path | str | None = None,
    weights_folder: Path | str | None = None,
    features_folder: Path | None = None,
    workers: int = 0,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> Trained:
    """Train a no-reference model, as ``jiqa train`` does.

    Args:
        model: its name, see ``jiqa.models.list_models``.
        data: what it learns from: a prepared set (``"koniq10k:train"``), a table with a
            column of scores, a folder that ``jiqa distort`` has written, or for
            ``"niqe"`` a folder of good photographs.
        workdir: folder of the run.
        model_config: options of the model that are not at their defaults.
        resume: go on with the run in ``workdir``, if there is one.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.
        weights_folder: where published weights are looked for first.
        features_folder: where features of a frozen backbone are kept; jiqa's cache by
            default.
        workers: processes that decode images; 0 for threads.
        progress: makes a progress bar; silent by default.
        say: is given lines on what the run is going to do: how many images it learns
            from and is validated on, and what an update takes.
        **settings: fields of ``jiqa.training.TrainingConfig``, such as ``epochs=30``,
            ``validation=`` and ``test=``. What is learned from, ``stage``, follows from
            the data where it is not given.

    Returns:
        The finished run: its folder, its figures, and ``load()`` for the metric. A
        test split is evaluated as by ``jiqa.evaluate``, in the folder ``evaluation``.

    Raises:
        ValueError: settings, data or weights that do not fit.
        FileNotFoundError: data or weights that are not there.
        jiqa.training.NotFinite: a loss, gradient or parameter became NaN or infinite.

    Example::

        trained = jiqa.train("nima", "scores.csv", workdir="runs/nima", epochs=30)
        score = trained.load()(image)
    """
    known = {f.name for f in dataclasses.fields(TrainingConfig)}
    for name in settings:
        if name not in known:
            raise ValueError(unknown("setting", name, known))
    found = get_model(model)
    if "stage" not in settings:
        settings["stage"] = stage_of(str(data), found, data_dir)
    config = TrainingConfig(
        model=model, data=str(data), model_config=dict(model_config or {}), **settings
    )
    return train_config(
        config,
        workdir,
        resume=resume,
        data_dir=data_dir,
        weights_folder=weights_folder,
        features_folder=features_folder,
        workers=workers,
        progress=progress,
        say=say,
    )


def train_config(
    config: TrainingConfig,
    workdir: Path | str,
    *,
    resume: bool = False,
    data_dir: Path | str | None = None,
    weights_folder: Path | str | None = None,
    features_folder: Path | None = None,
    workers: int = 0,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train as a record of settings says; see ``train`` for all other arguments."""
    if get_model(config.model).fit is not None:
        return fit_photographs(
            config, workdir, resume=resume, data_dir=data_dir, progress=progress
        )
    # By all processes: a table that is not prepared yet is prepared by the first.
    test = resolved(config.test, data_dir) if config.test else ""
    trained = train_by_gradients(
        config,
        workdir,
        resume=resume,
        data_dir=data_dir,
        weights_folder=weights_folder,
        features_folder=features_folder,
        workers=workers,
        progress=progress,
        say=say,
    )
    if not test or not STAGES[config.stage].predicts_scores or jax.process_index():
        return trained
    evaluation = evaluate(
        trained.name,
        test,
        output=trained.folder / EVALUATION,
        data_dir=data_dir,
        weights=weights_folder,
        resume=True,
        progress=progress,
    )
    return dataclasses.replace(trained, evaluation=evaluation)
