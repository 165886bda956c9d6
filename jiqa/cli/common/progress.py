"""Progress bars for a terminal's standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from jiqa.cli.common.pace import Pace, compiling_text
from jiqa.cli.common.progress_log import LineWriter

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
        yield LineWriter(what, total, start)
        return
    from rich.progress import MofNCompleteColumn, TextColumn

    with _bar(MofNCompleteColumn(), TextColumn("{task.fields[rate]}")) as bar:
        yield _Steps(bar, what, Pace(total, start), starting)


class _Steps:
    """Shows steps on a bar, with the rate and the time that is left."""

    def __init__(self, bar: Progress, what: str, pace: Pace, starting: str) -> None:
        self._bar, self._pace = bar, pace
        self._task = bar.add_task(
            what, total=pace.total, completed=pace.done, rate=starting
        )

    def __call__(self) -> None:
        self._step()

    def failed(self) -> None:
        self._step(failed=True)

    @contextlib.contextmanager
    def compiling(self, number: int, total: int) -> Iterator[None]:
        self._bar.update(self._task, rate=compiling_text(number, total))
        with self._pace.compiling(number, total):
            yield
        self._show("")

    def _step(self, *, failed: bool = False) -> None:
        self._pace.step(failed=failed)
        self._bar.advance(self._task)
        self._show(None)

    def _show(self, otherwise: str | None) -> None:
        text = self._pace.text() or otherwise
        if text is not None:
            self._bar.update(self._task, rate=text)


@contextlib.contextmanager
def download_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar of bytes on a terminal's standard error, else nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with _bar(*columns) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(*columns: ProgressColumn) -> Progress:
    """What is done, a bar, and the given columns."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        console=Console(stderr=True),
        transient=True,
    )
