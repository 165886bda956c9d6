"""Train a no-reference model on scores, or on distortions of increasing strength.

  jiqa distort photos/ --set rankiqa_live --output ladder/
  jiqa train rank --data ladder/ --workdir runs/ranks
  jiqa train rank --data scores.csv --workdir runs/mine --set weights=run:runs/ranks
  jiqa train nima --data biq2021:train --test biq2021:test --workdir runs/nima
  jiqa train niqe --data photos/ --workdir runs/niqe
  jiqa train selector --data koniq10k:train --workdir runs/choice --set
      model.methods=chooser/scenario.csv
  jiqa score run:runs/mine photo.jpg

DATA is a prepared data set (see jiqa data), a table of yours with a column of scores,
or a folder that jiqa distort has written; for niqe, which is fitted in one pass, any
folder of good photographs. A share of the references is held out for validation, which
decides when to stop and which state is the best; the test split decides nothing and is
evaluated at the end. --set changes settings of the run (frozen=true, epochs=30) and, as
model.KEY, of the model; --settings lists them. --resume continues an interrupted run,
with the same result as without the interruption.

Exit code 0; 1 when images could not be used and were left out, values were no longer
finite, or rows of the evaluation failed; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jiqa.checks import close_names, expected
from jiqa.cli.common.arguments import add_cluster, add_no_cache

if TYPE_CHECKING:
    from jiqa.training.trained import Trained

HELP = "train a no-reference model"

#: Images that were left out and are listed by name.
_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="model to train; an unknown name lists all")
    add("--data", metavar="NAME[:SPLIT]|PATH", help="images to learn from")
    add(
        "--validation",
        metavar="NAME:SPLIT",
        help="data to validate on instead of --hold-out",
    )
    add(
        "--hold-out",
        type=float,
        metavar="SHARE",
        help="share of the references to validate on (0.1)",
    )
    add("--test", metavar="NAME:SPLIT", help="data to evaluate the finished run on")
    add("--workdir", metavar="DIR", help="folder of the run")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting, such as epochs=30 or model.dropout=0.2; may be repeated",
    )
    add("--settings", action="store_true", help="list all settings with their values")
    add("--resume", action="store_true", help="continue the run in --workdir")
    add(
        "--data-dir",
        help="folder of prepared data sets (default: JIQA_DATA, or the user's cache)",
    )
    add(
        "--weights",
        metavar="FOLDER",
        help="folder to look in first for published weights",
    )
    add(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="number of processes that decode images; 0 for threads (%(default)s)",
    )
    add(
        "--host-devices",
        type=int,
        metavar="N",
        help="number of devices to divide the cores of this CPU into, which share "
        "every "
        "batch; for testing, rarely faster than one",
    )
    add_cluster(parser)
    add_no_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, and report on the test split; see the module's docstring."""
    from jiqa.cli.common.allocator import keep_memory
    from jiqa.cli.common.jax_setup import configure_jax, divide_host, join_processes
    from jiqa.cli.common.progress import progress
    from jiqa.cli.evaluate import show
    from jiqa.errors import LayoutError, UsageError
    from jiqa.models.registry import get_model
    from jiqa.training.finite_check import NotFinite

    try:
        model = get_model(arguments.model)
        if arguments.settings:
            _show(model, arguments.set)
            return 0
        _need_paths(arguments)
        if arguments.workers < 0:
            raise UsageError(expected("--workers", "0 or more", f"{arguments.workers}"))
        keep_memory()
        configure_jax(cache=not arguments.no_cache)
        if arguments.host_devices is not None:
            divide_host(arguments.host_devices)
        rank = join_processes(arguments)
        # Seconds, which usage errors spare.
        from jiqa.training.run import EVALUATION, train_config
        from jiqa.training.run_folder import is_begun

        config = _config(model, arguments)
        if arguments.resume and not is_begun(Path(arguments.workdir)):
            message = (
                f"{arguments.workdir} holds no run to continue; starting a new one"
            )
            print(message, file=sys.stderr)
        trained = train_config(
            config,
            arguments.workdir,
            resume=arguments.resume,
            data_dir=arguments.data_dir,
            weights_folder=arguments.weights,
            workers=arguments.workers,
            progress=progress,
            say=lambda line: print(line, file=sys.stderr),
        )
    except LayoutError as error:
        print(error, file=sys.stderr)
        return 2
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    except NotFinite as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\ninterrupted: run the same command with --resume to continue from the "
            f"last checkpoint in {arguments.workdir}",
            file=sys.stderr,
        )
        raise
    code = _tell_unread(trained.unread)
    if not rank.first:
        return code
    _tell(trained)
    if trained.steps:
        from jiqa.cli.common.run_record import command
        from jiqa.report.training import write_training_page

        data_dir = arguments.data_dir
        page = write_training_page(trained, command=command(), data_dir=data_dir)
        print(f"report written to {page.resolve()}")
    if trained.evaluation is not None:
        code = max(code, show(trained.evaluation, trained.folder / EVALUATION))
    return code


def _need_paths(arguments: argparse.Namespace) -> None:
    from jiqa.errors import UsageError

    for needed in ("data", "workdir"):
        if not getattr(arguments, needed):
            raise UsageError(f"--{needed} is required")


def _config(model: Any, arguments: argparse.Namespace) -> Any:
    from jiqa.training.config import with_settings
    from jiqa.training.run_data import stage_of

    given = {
        "model": model.info.name,
        "data": arguments.data,
        "validation": arguments.validation or "",
        "test": arguments.test or "",
    }
    if arguments.hold_out is not None:
        given["hold_out"] = arguments.hold_out
    given["stage"] = stage_of(arguments.data, model, arguments.data_dir)
    return with_settings(given, arguments.set, model.config_class)


def _show(model: Any, settings: list[str]) -> None:
    """Print every setting with its value, as --set would take it, and its meaning."""
    from jiqa.training.config import with_settings
    from jiqa.training.settings_help import settings_help

    config = with_settings(
        {"model": model.info.name, "data": "DATA", "stage": next(iter(model.stages))},
        settings,
        model.config_class,
    )
    options = model.options(config.stage, config.model_config)
    for setting in settings_help(config, options, model.stages):
        print(f"{setting.name}={setting.value}")
        choices = f"{', '.join(setting.choices)}: " if setting.choices else ""
        if choices or setting.meaning:
            print(f"    {choices}{setting.meaning}")


def unknown_option(arguments: argparse.Namespace, option: str) -> str:
    """Hint where a setting was given as a separate option."""
    from jiqa.models.registry import all_models
    from jiqa.training.config import TrainingConfig

    kinds = [TrainingConfig]
    if arguments.model in all_models():
        kinds.append(all_models()[arguments.model].config_class)
    names = {
        f"{opening}{field.name}"
        for kind, opening in zip(kinds, ("", "model."), strict=False)
        for field in dataclasses.fields(kind)
    }
    key = option.lstrip("-").replace("-", "_")
    close = close_names(key, names, 1)
    found = [name for name in (f"model.{key}", *close) if name in names]
    return f"; give a setting as --set {found[0]}=VALUE" if found else ""


def _tell(trained: Trained) -> None:
    if not trained.steps:
        print(f"fitted to {_figures(trained.figures)}")
    elif trained.divisions:
        print(
            f"{trained.steps} updates on all images; images that a training had not "
            f"seen, in {trained.divisions} parts: {_figures(trained.figures)}"
        )
    else:
        kept = f"kept the state after update {trained.best} of {trained.steps}"
        print(f"{kept}: {_figures(trained.figures)}")
    if trained.steps and not trained.decided:
        print("these images are too few to decide anything")
    for name, figures in trained.baselines.items():
        text = _figures(figures) if "srcc" in figures else "no scores"
        print(f"{name} on the same images: {text}")
    if trained.test is not None:
        count = trained.test.all.get("n", 0)
        for name, value in {**trained.test.all, **trained.test.ordered}.items():
            if name != "n":
                print(f"  test {name} {value:.4f} (n = {count})")
    print(f"score images with it: jiqa score {trained.name} IMAGES")


def _figures(figures: Mapping[str, float]) -> str:
    """Write figures in one line, each interval behind its figure."""
    from jiqa.training.predictions import figure_text

    ends = {k for k in figures if k.endswith(("_low", "_high"))}
    texts = []
    for name, value in figures.items():
        if name in ends or (name == "likelihood" and "loss" in figures):
            continue
        if not isinstance(value, float):
            texts.append(f"n = {value}" if name == "n" else f"{value} {name}")
            continue
        texts.append(figure_text(figures, name))
    return ", ".join(texts)


def _tell_unread(names: tuple[str, ...]) -> int:
    """Say what was left out; return the exit code."""
    if not names:
        return 0
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    message = f"{len(names)} images could not be used and were left out: {shown}"
    print(message, file=sys.stderr)
    return 1
