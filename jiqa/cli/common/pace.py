"""How fast work goes, and how long it will take: compiling and failures apart."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator


class Pace:
    """Counts steps, and measures the time that they take.

    Attributes:
        total: steps to the end.
        done: steps so far.
    """

    def __init__(
        self, total: int, start: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin.

        Args:
            total: steps to the end.
            start: steps that were done before; they say nothing about the rate.
            clock: seconds.
        """
        self.total, self.done = total, start
        self._clock, self._began = clock, clock()
        self._counted = 0
        self._lock = threading.Lock()
        # Time in which something was compiled, by one thread or by several.
        self._waiting, self._since, self._waited = 0, 0.0, 0.0
        self._compiled: list[float] = []
        self._to_compile = 0

    def step(self, *, failed: bool = False) -> None:
        """One step done; one that failed took no time worth counting."""
        with self._lock:
            self.done += 1
            self._counted += not failed

    @contextlib.contextmanager
    def compiling(self, number: int, total: int) -> Iterator[None]:
        """Compile the ``number``-th of ``total`` programs within it."""
        began = self._clock()
        with self._lock:
            if self._waiting == 0:
                self._since = began
            self._waiting += 1
        try:
            yield
        finally:
            ended = self._clock()
            with self._lock:
                self._waiting -= 1
                if self._waiting == 0:
                    self._waited += ended - self._since
                self._compiled.append(ended - began)
                self._to_compile = total - number

    def rate(self) -> float | None:
        """Steps in a second of work; ``None`` before the first."""
        with self._lock:
            now = self._clock()
            waited = self._waited + (now - self._since if self._waiting else 0)
            worked = now - self._began - waited
            return self._counted / max(worked, 1e-9) if self._counted else None

    def left(self) -> float | None:
        """Seconds to the end, what is still to be compiled included, if known."""
        rate = self.rate()
        if rate is None:
            return None
        with self._lock:
            each = sum(self._compiled) / max(len(self._compiled), 1)
            return (self.total - self.done) / rate + self._to_compile * each

    def text(self) -> str:
        """The rate and the time that is left; empty before there is one."""
        rate, left = self.rate(), self.left()
        if rate is None or left is None:
            return ""
        return f"{rate:.3g}/s, about {duration(left)} left"


def duration(seconds: float) -> str:
    """Format a time, to the minute from a minute and a half on: ``"2 h 5 min"``."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def compiling_text(number: int, total: int) -> str:
    """What is being compiled."""
    return f"compiling size {number} of {total}" if total > 1 else "compiling"
