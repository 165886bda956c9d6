"""Work ahead of what is asked for: order, errors, bounded memory, an end to it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from jiqa.io.read_ahead import (
    AHEAD,
    Processes,
    Threads,
    cpu_workers,
    in_batches,
    in_order,
)


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within ten seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("processes", [False, True], ids=["threads", "processes"])
def test_results_come_in_order(workers, processes):
    # abs is a function that a fresh process finds, too.
    items = [complex(n) for n in range(20)]
    results = list(in_order(abs, items, workers, processes=processes))
    assert results == list(range(20))


def test_results_come_in_order_however_long_each_takes():
    def work(item: int) -> int:
        time.sleep(0.01 * (item % 3 == 0))
        return item

    assert list(in_order(work, range(30), 4)) == list(range(30))
    assert list(in_order(work, [], 4)) == []


def test_few_items_are_under_way_at_a_time():
    drawn, done = [], []
    slow = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            slow.wait(5)
        done.append(item)
        return item

    def items():
        for n in range(100):
            drawn.append(n)
            yield n

    results = in_order(work, items(), 2)
    assert drawn == []
    threading.Timer(0.2, slow.set).start()
    assert next(results) == 0
    # The slow first one held up the drawing of others, not the work on those drawn.
    assert len(drawn) == 2 * AHEAD
    assert list(results) == list(range(1, 100))
    assert sorted(done) == list(range(100))


@pytest.mark.parametrize("ahead", [1, 3])
def test_the_number_under_way_can_be_chosen(ahead):
    drawn = []
    results = in_order(
        abs, map(lambda n: drawn.append(n) or n, range(20)), 8, ahead=ahead
    )
    for n in range(20):
        assert next(results) == n
        assert len(drawn) == min(n + ahead, 20)


def test_an_error_comes_where_its_result_would():
    def work(item: int) -> int:
        if item == 3:
            raise KeyError(item)
        return item

    results = in_order(work, range(10), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)
    assert list(results) == []
    for processes in (False, True):
        with pytest.raises(ValueError, match="workers: expected at least 1, got 0"):
            next(in_order(work, range(3), 0, processes=processes))
    with pytest.raises(ValueError, match="ahead: expected at least 1, got 0"):
        next(in_order(work, range(3), 2, ahead=0))


def test_an_error_of_the_items_comes_after_the_results_before_it():
    def items():
        yield from range(3)
        raise OSError("no more")

    results = in_order(abs, items(), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="no more"):
        next(results)


def test_an_error_in_another_process():
    results = in_order(int, ["1", "x", "2"], 2, processes=True)
    assert next(results) == 1
    with pytest.raises(ValueError, match="invalid literal"):
        next(results)
    assert not multiprocessing.active_children()


def test_giving_up_early_ends_the_threads():
    before = threading.active_count()
    done = []
    results = in_order(
        lambda n: time.sleep(0.001) or done.append(n) or n, range(1000), 4
    )
    assert next(results) == 0
    results.close()
    assert threading.active_count() == before
    assert len(done) <= 1 + 4 * AHEAD


def test_giving_up_early_drops_what_has_not_begun():
    begun, go = [], threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item:
            go.wait(5)
        return item

    with Threads(2) as pool:
        results = in_order(work, range(100), pool, ahead=20)
        assert next(results) == 0
        assert wait_until(lambda: len(begun) == 3)
        results.close()
        go.set()
        # The workers that were given go on with other work.
        assert pool.submit(abs, -7).result() == 7
    assert sorted(begun) == [0, 1, 2]


def test_giving_up_early_ends_the_processes():
    results = in_order(abs, range(1000), 2, processes=True)
    assert next(results) == 0
    results.close()
    assert not multiprocessing.active_children()


def test_an_error_of_the_caller_ends_the_threads():
    before = threading.active_count()

    def caller():
        for result in in_order(abs, range(1000), 4):
            if result == 5:
                raise RuntimeError("full")

    with pytest.raises(RuntimeError):
        caller()
    assert wait_until(lambda: threading.active_count() <= before)


INTERRUPTED = r"""
import os, signal, time
from jiqa.io.read_ahead import in_order

# A test run in the background hands down that SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def work(item):
    # In one write: print's own, of the text and of the end of the line, would mix.
    os.write(1, f"{item}\n".encode())
    time.sleep(0.05)
    return item

try:
    for result in in_order(work, range(100000), 2):
        pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_keyboard_interrupt_ends_it():
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() in {"0\n", "1\n"}
        os.kill(running.pid, signal.SIGINT)
        out, _ = running.communicate(timeout=20)
    assert running.returncode == 0 and out.splitlines()[-1] == "interrupted"
    # What waited was dropped.
    assert len(out.splitlines()) <= 2 * AHEAD + 4


def test_batches_are_worked_on_item_by_item():
    together = threading.Barrier(4, timeout=10)

    def work(item: int) -> int:
        if item < 4:
            together.wait()  # all four of the first batch at once, or never
        return -item

    batches = [[0, 1, 2, 3], [], [4], [5, 6]]
    with Threads(4) as pool:
        found = list(in_batches(work, batches, pool))
    assert found == [[0, -1, -2, -3], [], [-4], [-5, -6]]


def test_few_batches_are_under_way_at_a_time():
    drawn = []

    def batches():
        for n in range(10):
            drawn.append(n)
            yield [n] * n

    with Threads(2) as pool:
        results = in_batches(abs, batches(), pool, ahead=3)
        for n in range(10):
            assert next(results) == [n] * n
            assert len(drawn) == min(n + 3, 10)
        with pytest.raises(StopIteration):
            next(results)


def test_an_error_in_a_batch_drops_the_rest():
    begun, go = [], threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item == 1:
            raise KeyError(item)
        go.wait(5)
        return item

    with Threads(1) as pool:
        results = in_batches(work, [[1, 2, 3], [4, 5]], pool)
        with pytest.raises(KeyError):
            next(results)
        go.set()
    assert set(begun) <= {1, 2}


@pytest.mark.parametrize("kind", [Threads, Processes])
def test_workers_end_with_their_block(kind):
    before = threading.active_count()
    with pytest.raises(RuntimeError), kind(2) as pool:
        assert pool.count == 2
        assert list(in_order(abs, [-1, -2], pool)) == [1, 2]
        raise RuntimeError
    assert wait_until(lambda: threading.active_count() <= before)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(("cpus", "wanted"), [(None, 2), (1, 2), (4, 4), (64, 8)])
def test_as_many_workers_as_processors_within_limits(monkeypatch, cpus, wanted):
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    assert cpu_workers() == wanted
