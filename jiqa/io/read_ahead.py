"""Work on many records at once, the results in order, few of them waiting."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from typing import Any, TypeVar

from jiqa.checks import expected

_In = TypeVar("_In")
_Out = TypeVar("_Out")

#: Records a worker may be ahead of the one that is asked for next.
AHEAD = 2


def in_order(
    function: Callable[[_In], _Out],
    items: Iterable[_In],
    workers: int = 1,
    *,
    processes: bool = False,
) -> Generator[_Out, None, None]:
    """``map(function, items)`` by several workers.

    At most ``AHEAD`` times ``workers`` items are under way or wait to be taken, so
    memory does not grow with the number of items.

    Args:
        function: of one item; with ``processes`` it and its results are pickled.
        items: drawn one by one, as there is room.
        workers: how many.
        processes: whether they are processes (for computing) and not threads (for
            reading).

    Yields:
        The results, in the order of the items; an item's error where its result
        would be.

    Raises:
        ValueError: fewer than one worker.
    """
    if workers < 1:
        raise ValueError(expected("workers", "at least 1", repr(workers)))
    waiting: deque[Future[_Out]] = deque()
    with _pool(workers, processes) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _pool(workers: int, processes: bool) -> Executor:
    if not processes:
        return ThreadPoolExecutor(workers, thread_name_prefix="jiqa-data")
    # A fork of a process that runs JAX's threads may hang.
    context: Any = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context)
