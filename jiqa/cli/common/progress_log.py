"""Progress without a terminal: an occasional line, as suits a log file."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from jiqa.cli.common.pace import Pace, compiling_text

#: Seconds to the first line, and at most between two; meanwhile it is a tenth of the
#: time that has passed, so that a run of days does not fill its log.
_FIRST, _MOST = 60.0, 600.0


class LineWriter:
    """Counts steps, and sometimes prints progress to standard error."""

    def __init__(
        self,
        what: str,
        total: int,
        start: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            what: the words before the figures.
            total: steps to the end.
            start: steps that were done before; they say nothing about the rate.
            clock: seconds.
        """
        self._what, self._clock, self._began = what, clock, clock()
        self._pace = Pace(total, start, clock)
        self._due = self._began + _FIRST

    def __call__(self) -> None:
        """One step done."""
        self._step()

    def failed(self) -> None:
        """One step that was over before it began."""
        self._step(failed=True)

    @contextlib.contextmanager
    def compiling(self, number: int, total: int) -> Iterator[None]:
        """Time that says nothing about the rate."""
        if self._is_due():
            self._print(f"{self._count()}, {compiling_text(number, total)}")
        with self._pace.compiling(number, total):
            yield

    def _step(self, *, failed: bool = False) -> None:
        self._pace.step(failed=failed)
        if self._pace.done >= self._pace.total or not self._is_due():
            return
        self._print(", ".join(filter(None, (self._count(), self._pace.text()))))

    def _count(self) -> str:
        return f"{self._pace.done:,} of {self._pace.total:,}"

    def _is_due(self) -> bool:
        return self._clock() >= self._due

    def _print(self, text: str) -> None:
        now = self._clock()
        self._due = now + min(max(_FIRST, (now - self._began) / 10), _MOST)
        print(f"{self._what}: {text}", file=sys.stderr, flush=True)
