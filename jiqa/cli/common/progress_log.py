"""Progress without a terminal: an occasional line, as suits a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

#: Seconds to the first line, and at most between two; meanwhile it is a tenth of the
#: time that has passed, so that a run of days does not fill its log.
_FIRST, _MOST = 60.0, 600.0


def line_writer(
    what: str, total: int, start: int = 0, clock: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """Return a function that counts a step, and sometimes prints progress to stderr.

    Args:
        what: the words before the figures.
        total: steps to the end.
        start: steps that were done before; they say nothing about the rate.
        clock: seconds.
    """
    began = clock()
    done, due = start, began + _FIRST

    def advance() -> None:
        nonlocal done, due
        done += 1
        now = clock()
        if now < due or done >= total:
            return
        passed = max(now - began, 1e-9)
        due = now + min(max(_FIRST, passed / 10), _MOST)
        rate = (done - start) / passed
        left = duration((total - done) / rate)
        print(
            f"{what}: {done:,} of {total:,}, {rate:.3g}/s, about {left} left",
            file=sys.stderr,
            flush=True,
        )

    return advance


def duration(seconds: float) -> str:
    """Format a time, to the minute from a minute and a half on: ``"2 h 5 min"``."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
