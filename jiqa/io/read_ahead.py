"""Work on many records at once: results in order, few of them waiting in memory.

Everything that reads files ahead of a computation goes through ``in_order``, or
``in_batches`` where the results are needed several at a time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

from jiqa.checks import expected

_In = TypeVar("_In")
_Out = TypeVar("_Out")

#: Items a worker may be ahead of the one that is asked for next.
AHEAD = 2


def cpu_workers() -> int:
    """As many threads as there are CPUs, at least 2 and at most 8.

    More than 8 wait for each other in the parts of Python that are not parallel.
    """
    return max(2, min(8, os.cpu_count() or 2))


class _Workers(Executor):
    """Workers that drop what has not begun when the block ends, in error or not."""

    count: int

    def __exit__(self, *error: object) -> None:
        self.shutdown(cancel_futures=True)


class Threads(_Workers, ThreadPoolExecutor):
    """Threads, for work that waits for a disk or releases Python's lock.

    As a context manager: at the end of the block, work that has not begun is dropped.

    Attributes:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        """Start up to ``count`` threads as they are needed.

        Raises:
            ValueError: fewer than one.
        """
        _check(count)
        super().__init__(count, thread_name_prefix="jiqa")
        self.count = count


class Processes(_Workers, ProcessPoolExecutor):
    """Processes, for work that holds Python's lock; otherwise like ``Threads``.

    Functions, items and results are pickled.

    Attributes:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        """Start up to ``count`` processes as they are needed.

        Raises:
            ValueError: fewer than one.
        """
        _check(count)
        # A fork of a process that runs JAX's threads may hang.
        context: Any = multiprocessing.get_context("spawn")
        super().__init__(count, mp_context=context)
        self.count = count


def in_order(
    function: Callable[[_In], _Out],
    items: Iterable[_In],
    workers: int | Threads | Processes = 1,
    *,
    processes: bool = False,
    ahead: int | None = None,
) -> Generator[_Out, None, None]:
    """``map(function, items)`` by several workers.

    Memory does not grow with the number of items: at most ``ahead`` of them are under
    way or wait to be taken. Closing the generator, or an error, drops those that have
    not begun, and ends the workers unless they were given.

    Args:
        function: of one item.
        items: drawn one by one, as there is room, by the thread that takes the results.
        workers: how many, or running ones, which keep running.
        processes: whether ``workers`` are processes (for computing) and not threads
            (for reading), where their number is given.
        ahead: items that are under way or wait; ``AHEAD`` a worker by default.

    Yields:
        The results, in the order of the items; an item's error, or that of drawing it,
        where its result would be.

    Raises:
        ValueError: fewer than one worker or item.
    """
    alone = ((item,) for item in items)
    if isinstance(workers, int):
        pool = Processes(workers) if processes else Threads(workers)
    else:
        pool = contextlib.nullcontext(workers)
    with pool as running:
        limit = AHEAD * running.count if ahead is None else ahead
        with contextlib.closing(
            in_batches(function, alone, running, ahead=limit)
        ) as found:
            for results in found:
                yield results.pop()  # no second name: it may be large


def in_batches(
    function: Callable[[_In], _Out],
    batches: Iterable[Sequence[_In]],
    workers: Threads | Processes,
    *,
    ahead: int = AHEAD,
) -> Generator[list[_Out], None, None]:
    """``in_order`` for batches, whose items are worked on side by side.

    Args:
        function: of one item of a batch.
        batches: drawn one by one, as there is room, by the thread that takes the
            results.
        workers: what does the work; they keep running.
        ahead: batches that are under way or wait, the one that is asked for included.

    Yields:
        The results of each batch; the first error of a batch, or that of drawing it,
        where its results would be.

    Raises:
        ValueError: ``ahead`` is less than 1.
    """
    if ahead < 1:
        raise ValueError(expected("ahead", "at least 1", repr(ahead)))
    waiting: deque[list[Future[_Out]]] = deque()
    drawing, failure = iter(batches), None
    try:
        while True:
            while drawing is not None and len(waiting) < ahead:
                try:
                    batch = next(drawing)
                except StopIteration:
                    drawing = None
                except Exception as error:  # comes after the results before it
                    drawing, failure = None, error
                else:
                    waiting.append([workers.submit(function, item) for item in batch])
            if not waiting:
                break
            yield _taken(waiting)
        if failure is not None:
            raise failure
    finally:
        for futures in waiting:
            for future in futures:
                future.cancel()


def _taken(waiting: deque[list[Future[_Out]]]) -> list[_Out]:
    """The results of the first batch, which leaves the queue once it has them all."""
    found = [future.result() for future in waiting[0]]
    waiting.popleft()
    return found


def _check(count: int) -> None:
    if count < 1:
        raise ValueError(expected("workers", "at least 1", repr(count)))
