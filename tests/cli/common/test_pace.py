"""Rates and times left, with a clock of one's own."""

from __future__ import annotations

import pytest

from jiqa.cli.common.pace import Pace, compiling_text


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_steps_that_failed_give_no_rate(clock):
    pace = Pace(1000, 0, clock)
    for _ in range(500):
        pace.step(failed=True)
    assert pace.rate() is None and pace.left() is None and pace.done == 500
    for _ in range(10):
        clock.now += 2
        pace.step()
    assert pace.rate() == pytest.approx(0.5)
    assert pace.left() == pytest.approx(490 * 2)


def test_compiling_counts_once_and_apart(clock):
    """Two threads compile from 0 to 30 and from 10 to 50; then a step a second."""
    pace = Pace(100, 0, clock)
    first, second = pace.compiling(1, 4), pace.compiling(2, 4)
    first.__enter__()
    clock.now = 10
    second.__enter__()
    clock.now = 30
    first.__exit__(None, None, None)
    clock.now = 50
    second.__exit__(None, None, None)
    for _ in range(20):
        clock.now += 1
        pace.step()
    assert pace.rate() == pytest.approx(1)
    # Two sizes are to be compiled yet, at 35 seconds each.
    assert pace.left() == pytest.approx(80 + 2 * 35)


def test_while_something_is_compiled_the_rate_stays(clock):
    pace = Pace(10, 0, clock)
    clock.now += 4
    pace.step()
    with pace.compiling(1, 1):
        clock.now += 1000
        assert pace.rate() == pytest.approx(0.25)
    assert pace.left() == pytest.approx(36)


def test_what_is_compiled():
    assert compiling_text(3, 8) == "compiling size 3 of 8"
    assert compiling_text(1, 1) == "compiling"
