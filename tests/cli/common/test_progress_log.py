"""Progress where no terminal is."""

from __future__ import annotations

import pytest

from jiqa.cli.common.pace import duration
from jiqa.cli.common.progress import progress
from jiqa.cli.common.progress_log import LineWriter


def _steps(pace: float, count: int, total: int, start: int = 0) -> None:
    """``count`` steps that each take ``pace`` seconds."""
    now = 0.0

    def clock() -> float:
        return now

    advance = LineWriter("scoring", total, start, clock)
    for _ in range(count):
        now += pace
        advance()


def test_a_line_says_how_far_how_fast_and_how_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _steps(0.5, 120, 10_000)
    said = capsys.readouterr()
    assert said.err == "scoring: 120 of 10,000, 2/s, about 1 h 22 min left\n"
    assert said.out == ""


def test_steps_of_an_earlier_run_count_but_give_no_rate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _steps(1.0, 60, 1_300, start=1_000)
    said = "scoring: 1,060 of 1,300, 1/s, about 4 min left\n"
    assert capsys.readouterr().err == said


def test_short_work_says_nothing_and_neither_does_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _steps(0.5, 100, 100)  # 50 seconds
    _steps(61.0, 1, 1)
    assert capsys.readouterr().err == ""


def test_lines_become_rarer_but_never_stop(capsys: pytest.CaptureFixture[str]) -> None:
    _steps(10.0, 8_640, 10_000)  # a day
    lines = capsys.readouterr().err.splitlines()
    assert 140 < len(lines) < 180
    assert lines[0].startswith("scoring: 6 of") and lines[1].startswith("scoring: 12 ")
    assert int(lines[-1].split()[1].replace(",", "")) > 8_640 - 61


def test_progress_uses_it_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jiqa.cli.common.progress_log._FIRST", 0.0)
    with progress("scoring", 5) as advance:
        advance()
    assert capsys.readouterr().err.startswith("scoring: 1 of 5, ")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59, "59 s"), (89, "89 s"), (90, "2 min"), (3_600, "1 h 0 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_compiling_is_said_and_gives_no_time_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    advance = LineWriter("scoring", 1_000, 0, lambda: now)
    for _ in range(500):
        advance.failed()
    now = 61.0
    with advance.compiling(3, 8):
        now += 100
    said = "scoring: 500 of 1,000, compiling size 3 of 8\n"
    assert capsys.readouterr().err == said
    advance.failed()
    assert capsys.readouterr().err == "scoring: 501 of 1,000\n"
    now += 60
    advance()
    # 121 seconds of work for a step, and 5 sizes of 100 seconds.
    said = "scoring: 502 of 1,000, 0.00826/s, about 16 h 53 min left\n"
    assert capsys.readouterr().err == said
