"""The training loop, one for all models, from the first batch to the finished run."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from jiqa.data.learned_images import write_learned_images
from jiqa.distributed import barrier
from jiqa.io.json_files import write_json
from jiqa.progress import Progress, silent
from jiqa.training import finite_check
from jiqa.training.announce import announce
from jiqa.training.baseline import baselines
from jiqa.training.checkpoints import Checkpoints
from jiqa.training.config import TrainingConfig
from jiqa.training.divisions import PREDICTED, Pooled, train_divisions
from jiqa.training.feed import Feed, feed, names_of, on_devices
from jiqa.training.frozen_features import keep_features
from jiqa.training.initial_weights import initial_weights
from jiqa.training.log import Line, Log
from jiqa.training.optimiser import optimiser
from jiqa.training.plot_log import draw_curves
from jiqa.training.predictions import prediction_rows, write_predictions
from jiqa.training.run_data import Source, is_enough
from jiqa.training.run_folder import (
    CHECKPOINTS,
    claim,
    decided_before,
    facts_of,
    images_of,
    write_model,
)
from jiqa.training.setup import set_up
from jiqa.training.step import (
    averaged,
    evaluation_step,
    initial_state,
    on_mesh,
    training_step,
)
from jiqa.training.trained import Trained
from jiqa.training.update_memory import plan_memory
from jiqa.training.validation import validate


@dataclass(frozen=True)
class Position:
    """How far a run has got; with the state, all that it resumes from.

    Attributes:
        data: state of the iterator over the training batches.
        best: update after which the validated figure was best; -1 before any.
        figure: that figure, or ``None``.
        since: validations after it.
        loss: the loss of that validation, which decides between equal figures.
    """

    data: dict[str, int]
    best: int = -1
    figure: float | None = None
    since: int = 0
    loss: float | None = None

    def after(self, step: int, figure: float, loss: float) -> Position:
        """Return the position after a validation at ``step`` gave two figures."""
        known = self.figure is not None and self.loss is not None
        better = not known or (figure, -loss) > (self.figure, -(self.loss or 0))
        if math.isfinite(figure) and better:
            return dataclasses.replace(
                self, best=step, figure=figure, since=0, loss=loss
            )
        return dataclasses.replace(self, since=self.since + 1)


#: The figures on a test split that are no correlations with scores.
TEST = "test.json"

#: Those of metrics that were not trained, on the images held out.
BASELINES = "baselines.json"


def train_by_gradients(
    config: TrainingConfig,
    folder: Path | str,
    *,
    resume: bool = False,
    data_dir: Path | str | None = None,
    weights_folder: Path | str | None = None,
    features_folder: Path | None = None,
    workers: int = 0,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train a model on all devices of all processes.

    A run that was killed goes on from its last checkpoint and ends with the arrays
    that it would have ended with, to the bit on the same machine. With several
    processes all call this alike; the first one writes.

    Args:
        config: the run's settings.
        folder: of the run; see ``jiqa.training.run_folder``.
        resume: go on with the run in ``folder``, if there is one.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.
        weights_folder: where published weights are looked for first.
        features_folder: where features of a frozen backbone are kept; jiqa's cache by
            default.
        workers: processes that decode images; 0 for threads.
        progress: makes a progress bar.
        say: is given a line on what the run is going to do, several times.

    Raises:
        ValueError: settings, data or weights that do not fit; see ``open_sources``.
        FileNotFoundError: data or weights that are not there.
        jiqa.training.finite_check.NotFinite: the loss, a gradient or a parameter is no
        number
            any more; says which, and at which update.
    """
    folder = Path(folder)
    undecided = decided_before(config, folder, resume=resume)
    setup = set_up(undecided, data_dir)
    memory = plan_memory(setup)
    setup = dataclasses.replace(
        setup, config=dataclasses.replace(setup.config, accumulation=memory.parts)
    )
    config, sources, mesh = setup.config, setup.sources, setup.mesh
    begun = initial_weights(setup, weights_folder)
    facts = claim(folder, config, facts_of(setup, begun), resume=resume)
    if jax.process_index() == 0:
        write_learned_images(folder, images_of(setup))
        by_default = config.frozen is True and undecided.frozen is None
        for line in announce(setup, memory, frozen_by_default=by_default):
            say(line)

    pooled: Pooled | None = None
    if config.divisions and not config.held_part:

        def without(part: TrainingConfig, place: Path, which: str) -> Trained:
            return train_by_gradients(
                part,
                place,
                resume=True,
                data_dir=data_dir,
                weights_folder=weights_folder,
                features_folder=features_folder,
                workers=workers,
                progress=lambda what, *rest: progress(f"{what}, {which}", *rest),
            )

        # What the model completes from all images, a part must not know.
        undecided = dataclasses.replace(
            undecided,
            frozen=config.frozen,
            accumulation=config.accumulation,
            divisions=config.divisions,
        )
        pooled = train_divisions(
            undecided, folder, data_dir, without, writer=jax.process_index() == 0
        )
        barrier("divisions trained")

    def fed(source: Source, *, training: bool) -> Feed:
        kept = None
        if config.frozen:
            kept = keep_features(
                setup,
                source,
                begun.variables,
                folder=features_folder,
                progress=progress,
            )
        return feed(setup, source, training=training, kept=kept, workers=workers)

    training = fed(sources.training, training=True)
    held_out = fed(sources.validation, training=False) if pooled is None else None
    epoch, steps = training.loader.batches_per_epoch, len(training.loader)
    every = config.validate_every or epoch
    rule = optimiser(config, epoch, steps)
    if pooled is not None:
        steps = max(1, round(pooled.share * steps))
    update = on_mesh(training_step(setup, rule), mesh, donate=True)
    evaluate = on_mesh(evaluation_step(setup), mesh)
    state = jax.device_put(
        initial_state(begun.variables, config, rule), NamedSharding(mesh, P())
    )
    batches = iter(training.loader)
    position, step = Position(batches.get_state()), 0
    writer = jax.process_index() == 0
    with contextlib.ExitStack() as stack:
        # However the run ends, processes that decode must not outlive it.
        stack.callback(batches.close)
        checkpoints = stack.enter_context(Checkpoints(folder / CHECKPOINTS))
        if checkpoints.steps:
            step = checkpoints.steps[-1]
            state, found = checkpoints.restore(step, state, mesh)
            position = Position(**found)
            batches.set_state(position.data)
        log = Log(folder, step) if writer else None
        stack.callback(lambda: log and log.close())
        advance = stack.enter_context(progress("training", steps, step))
        waiting: _Waiting | None = None
        while step < steps and not _is_enough(position, config):
            batch = next(batches)
            state, report = update(state, on_devices(training.finish(batch), mesh))
            step += 1
            if waiting is not None:
                # While the devices are at this update, the last one is looked at.
                waiting.note(log, epoch)
            waiting = _Waiting(step, report, names_of(batch), time.monotonic())
            due = step % every == 0 or step == steps
            if due or (config.checkpoint_every and step % config.checkpoint_every == 0):
                waiting.note(log, epoch)
                waiting = None
                position = dataclasses.replace(position, data=batches.get_state())
                if due:
                    found = None
                    if held_out is not None:
                        found = validate(setup, held_out, evaluate, averaged(state))
                        figure = found.all[setup.stage.decides]
                        position = position.after(step, figure, found.all["loss"])
                    else:
                        position = dataclasses.replace(position, best=step)
                    if log is not None and found is not None:
                        log.add(step, "validation", found.all)
                        if config.held_part:
                            log.add(step, PREDICTED, {PREDICTED: found.predicted})
                    if writer and position.best in (step, -1):
                        # Without any figure, the last arrays are all there is.
                        arrays = jax.device_get(averaged(state))
                        write_model(folder, config, facts, arrays, step)
                        if found is not None and setup.stage.predicts_scores:
                            held = sources.validation
                            rows = prediction_rows(setup, held, found.predicted)
                            write_predictions(folder, rows)
                checkpoints.save(step, state, vars(position), position.best)
            advance()
        checkpoints.wait()
        best = position.best if position.best in checkpoints.steps else step
        test = None
        if sources.test is not None and not setup.stage.predicts_scores:
            if best != step:
                state, _ = checkpoints.restore(best, state, mesh)
            tested = fed(sources.test, training=False)
            test = validate(setup, tested, evaluate, averaged(state))
        lines = log.lines if log is not None else []
    compared = {}
    if writer and setup.stage.predicts_scores and not config.held_part:
        judged = sources.training if pooled is not None else sources.validation
        compared = baselines(
            config.baseline, judged.dataset, judged.entries, progress=progress
        )
        write_json(folder / BASELINES, compared)
    if writer:
        draw_curves(lines, folder / "curves.png")
        if test is not None:
            write_json(folder / TEST, dataclasses.asdict(test))
    return Trained(
        folder=folder,
        steps=step,
        best=best,
        figures=_figures_at(best, lines) if pooled is None else pooled.figures,
        decided=pooled.decided if pooled else is_enough(sources.validation.entries),
        divisions=config.divisions or 0,
        baselines=compared,
        test=test,
        unread=tuple(
            sorted(training.unread | (held_out.unread if held_out else set()))
        ),
    )


def _figures_at(step: int, lines: Sequence[Line]) -> dict[str, float]:
    """Return the figures of the validation after an update."""
    found = [x for x in lines if (x["kind"], x["step"]) == ("validation", step)]
    return {k: v for x in found[-1:] for k, v in x.items() if k not in ("step", "kind")}


@dataclass(frozen=True)
class _Waiting:
    """An update whose figures have not been checked yet."""

    step: int
    report: Any
    names: Any
    begun: float

    def note(self, log: Log | None, epoch: int) -> None:
        """Wait for it, check that it is finite, and write it down."""
        figures = finite_check.check(self.step, self.report, self.names)
        if log is not None:
            seconds = time.monotonic() - self.begun
            position = {"epoch": (self.step - 1) // epoch + 1, "seconds": seconds}
            log.add(self.step, "training", {**figures, **position})


def _is_enough(position: Position, config: TrainingConfig) -> bool:
    return bool(config.patience) and position.since >= config.patience
