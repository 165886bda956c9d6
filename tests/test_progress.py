"""Progress as an argument."""

from __future__ import annotations

import contextlib
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


def test_a_step_that_failed_and_compiling_reach_who_wants_them():
    class Advance:
        steps, failures, programs = 0, 0, ()

        def __call__(self):
            self.steps += 1

        def failed(self):
            self.failures += 1

        def compiling(self, number, total):
            self.programs += ((number, total),)
            return contextlib.nullcontext()

    advance = Advance()
    progress.step(advance)
    progress.step(advance, failed=True)
    with progress.compiling(advance)(2, 3):
        assert advance.programs == ((2, 3),)
    assert (advance.steps, advance.failures) == (1, 1)
    calls: list[int] = []
    progress.step(lambda: calls.append(1), failed=True)
    with progress.compiling(lambda: None)(1, 1):
        assert calls == [1]
