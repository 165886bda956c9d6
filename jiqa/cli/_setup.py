"""What several subcommands need around their work."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jiqa.cli._progress_log import line_writer
from jiqa.places import cache_folder

if TYPE_CHECKING:
    from jiqa.evaluation.processes import Place


def configure_jax(*, x64: bool = False, cache: bool = True) -> Path | None:
    """Set precision, and keep compiled programs between runs.

    Only the command line does this; the library leaves JAX's settings to its user.

    Returns:
        The folder for traced programs; ``None`` without a cache.
    """
    import jax

    if x64:
        jax.config.update("jax_enable_x64", True)
    if not cache:
        return None
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return cache_folder() / "programs"


def divide_host(count: int) -> None:
    """Make ``count`` devices of this computer's cores; before anything is computed.

    Each has its part of the batch. An update of VGG-16 took as long on two devices of
    two cores as on one, of MobileNet longer.

    Raises:
        UsageError: fewer than one, or devices that are there already.
    """
    import jax

    from jiqa.scoring.inputs import UsageError

    if count < 1:
        raise UsageError(f"--host-devices {count}: needed is 1 or more")
    try:
        jax.config.update("jax_num_cpu_devices", count)
    except RuntimeError:
        own = jax.device_count("cpu")
        said = f"--host-devices {count}: this process has {own} already"
        raise UsageError(said) from None


def join_processes(arguments: argparse.Namespace) -> Place:
    """Join the other processes, if there are any; before anything is computed.

    Returns:
        This process's place among them.

    Raises:
        UsageError: not all that is needed to find them.
    """
    from jiqa.evaluation import processes
    from jiqa.scoring.inputs import UsageError

    cluster = (arguments.coordinator, arguments.process, arguments.processes)
    given = [value is not None for value in cluster]
    if any(given) and not all(given):
        raise UsageError("--coordinator, --process and --processes go together")
    if all(given) or arguments.distributed:
        return processes.join(*cluster)
    return processes.Place()


@contextlib.contextmanager
def progress(
    what: str, total: int, start: int = 0, *, starting: str = "compiling"
) -> Iterator[Callable[[], None]]:
    """A bar with rate and time left on a terminal's standard error, else some lines.

    Args:
        what: the word before the bar.
        total: steps to the end.
        start: steps that were done before.
        starting: what stands in the rate's place until there is one.
    """
    if not sys.stderr.isatty():
        yield line_writer(what, total, start)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=total, completed=start, rate=starting)

        def advance() -> None:
            bar.advance(task)
            speed = bar.tasks[0].speed
            if speed:
                bar.update(task, rate=f"{speed:.1f}/s")

        yield advance


def steps(advance: Callable[[], None], total: int) -> Callable[[int, int], None]:
    """A bar of ``total`` steps for work that tells how much is done, of how much."""
    shown = [0]

    def on_progress(done: int, of: int) -> None:
        while shown[0] < total * done // of:
            advance()
            shown[0] += 1

    return on_progress


@contextlib.contextmanager
def download_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar of bytes on a terminal's standard error, else nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
