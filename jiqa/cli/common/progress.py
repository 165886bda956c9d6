"""Progress bars for a terminal's standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from jiqa.cli.common.progress_log import line_writer

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


@contextlib.contextmanager
def progress(
    what: str, total: int, start: int = 0, *, starting: str = "compiling"
) -> Iterator[Callable[[], None]]:
    """Show a bar with rate and time left on a terminal's standard error, else lines.

    Args:
        what: the word before the bar.
        total: steps to the end.
        start: steps that were done before.
        starting: the text shown until there is a rate.
    """
    if not sys.stderr.isatty():
        yield line_writer(what, total, start)
        return
    from rich.progress import MofNCompleteColumn, TextColumn

    with _bar(MofNCompleteColumn(), TextColumn("{task.fields[rate]}")) as bar:
        task = bar.add_task(what, total=total, completed=start, rate=starting)

        def advance() -> None:
            bar.advance(task)
            speed = bar.tasks[0].speed
            if speed:
                bar.update(task, rate=f"{speed:.1f}/s")

        yield advance


@contextlib.contextmanager
def download_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar of bytes on a terminal's standard error, else nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with _bar(DownloadColumn(), TransferSpeedColumn()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(*columns: ProgressColumn) -> Progress:
    """What is done, a bar, the given columns and the time that is left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
