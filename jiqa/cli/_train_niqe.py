"""``jiqa train niqe``: fitted in one pass, with few of the options of training."""

from __future__ import annotations

import argparse
import dataclasses

from jiqa.checks import expected

#: Options of ``jiqa train`` that mean nothing here.
_OTHERS = (
    *("validation", "hold_out", "test", "resume", "workers", "weights"),
    *("distributed", "coordinator", "process", "processes"),
)


def run(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Fit, and say what came out.

    Returns:
        Names of the photographs that were left out.

    Raises:
        UsageError: an option of training, an unknown setting, or what the fit refuses.
    """
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.errors import UsageError
    from jiqa.training.fit_niqe import fit

    given = [name for name in _OTHERS if getattr(arguments, name) not in (None, 0)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"niqe is fitted in one pass: {names} cannot be used with it")
    config = configured(arguments.set)
    configure_jax(cache=not arguments.no_cache)
    try:
        fitted = fit(
            arguments.data,
            arguments.workdir,
            config,
            data_dir=arguments.data_dir,
            progress=progress,
        )
    except (ValueError, FileNotFoundError) as error:
        raise UsageError(str(error)) from None
    images, blocks = fitted.pristine.images, fitted.pristine.blocks
    print(f"{images} photographs with {blocks} blocks that are sharp enough")
    print(f"score images with it: jiqa score run:{arguments.workdir} IMAGES")
    return fitted.failed


def configured(settings: list[str]):
    """The settings ``KEY=VALUE`` over the paper's.

    Raises:
        UsageError: no such setting, or a value of another type.
    """
    from jiqa.errors import UsageError
    from jiqa.models.niqe import Config
    from jiqa.training.config import setting_value

    values = dataclasses.asdict(Config())
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        if key not in values or not equals:
            keys = ", ".join(values)
            raise UsageError(expected("--set", f"KEY=VALUE (keys: {keys})", setting))
        try:
            values[key] = setting_value(setting, text, values[key])
        except ValueError as error:
            raise UsageError(str(error)) from None
    try:
        return Config(**values)
    except ValueError as error:
        raise UsageError(str(error)) from None
