"""Progress as an argument."""

from __future__ import annotations

import doctest

from jiqa import progress


def test_steps_follow_what_is_done():
    calls: list[int] = []
    on_progress = progress.steps(lambda: calls.append(1), 10)
    seen = []
    for done in (1, 2, 5, 7):
        on_progress(done, 7)
        seen.append(len(calls))
    assert seen == [1, 2, 7, 10]


def test_silence_and_the_example():
    with progress.silent("scoring", 3, 1) as advance:
        advance()
    assert doctest.testmod(progress) == doctest.TestResults(0, 3)
