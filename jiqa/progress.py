"""Progress as an argument of work that takes long; by default none is shown.

Such work calls ``progress(what, total, start)`` when it begins, which returns a context
manager; within it, every call of what that yields stands for one step done.

What it yields may also have ``failed()``, a step that was over before it began, and
``compiling(number, total)``, a context manager around time that says nothing about the
rate: the ``number``-th of ``total`` programs is compiled in it.

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


def step(advance: Callable[[], None], *, failed: bool = False) -> None:
    """One step done; ``failed`` if it was over before it began."""
    (getattr(advance, "failed", advance) if failed else advance)()


def compiling(
    advance: Callable[[], None],
) -> Callable[[int, int], AbstractContextManager[Any]]:
    """What to compile the ``number``-th of ``total`` programs in."""

    def nothing(number: int, total: int) -> AbstractContextManager[None]:
        del number, total
        return contextlib.nullcontext()

    return getattr(advance, "compiling", nothing)


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
