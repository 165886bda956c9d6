"""Progress as an argument of work that takes long; by default none is shown.

Such work calls ``progress(what, total, start)`` when it begins, which returns a context
manager; within it, every call of what that yields stands for one step done.

Example:
    >>> import contextlib
    >>> @contextlib.contextmanager
    ... def counted(what, total, start=0):
    ...     done = []
    ...     yield lambda: done.append(what)
    ...     print(f"{what}: {start + len(done)} of {total}")
    >>> with counted("scoring", 3) as advance:
    ...     advance()
    scoring: 1 of 3
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

#: Called with what is done, of how many steps, and how many are done already.
Progress = Callable[..., AbstractContextManager[Callable[[], None]]]


@contextlib.contextmanager
def silent(*_: Any) -> Iterator[Callable[[], None]]:
    """Show nothing."""
    yield lambda: None


def steps(advance: Callable[[], None], total: int) -> Callable[[int, int], None]:
    """Call ``advance`` as often as ``total`` steps ask for.

    Args:
        advance: stands for one step done.
        total: how many steps there are.

    Returns:
        A function for work that says how much is done, and of how much.
    """
    shown = [0]

    def on_progress(done: int, of: int) -> None:
        while shown[0] < total * done // of:
            advance()
            shown[0] += 1

    return on_progress
