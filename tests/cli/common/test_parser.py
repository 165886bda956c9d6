"""Wrong usage is one line that says where to look."""

from __future__ import annotations

import io
import os

import pytest

from jiqa.cli import main
from jiqa.cli.common.parser import say_in_red


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("scor", "jiqa: unknown command 'scor'; did you mean score? See jiqa --help"),
        (
            "analyse explin",
            "jiqa analyse: unknown action 'explin'; did you mean explain? "
            "See jiqa analyse --help",
        ),
        (
            "analyse explain ssim a.png -o x --steps many",
            "jiqa analyse explain: --steps: expected a whole number, got 'many'; "
            "see jiqa analyse explain --help",
        ),
        (
            "analyse explain ssim a.png -o x --baseline blak",
            "jiqa analyse explain: --baseline: expected 'reference', 'black', 'grey' "
            "or 'blur', got 'blak' (did you mean black?); "
            "see jiqa analyse explain --help",
        ),
        (
            "analyse explain ssim a.png --outptu x -o y",
            "jiqa analyse explain: unrecognized: --outptu x; did you mean --output? "
            "See jiqa analyse explain --help",
        ),
        (
            "score ssim a.png --output",
            "jiqa score: --output: expected one argument; see jiqa score --help",
        ),
        (
            "metrics ssmi",
            "jiqa metrics: unknown metric 'ssmi'; did you mean ssim or sr_sim? "
            "(jiqa metrics lists them all)",
        ),
    ],
)
def test_a_slip_is_one_line(line, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(line.split())
    printed = capsys.readouterr()
    assert end.value.code == 2 and printed.out == ""
    assert printed.err == f"{said}\n"


@pytest.mark.parametrize(("before", "after"), [(None, "3"), ("0", "0")])
def test_what_xla_logs_is_off_unless_asked_for(before, after, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if before is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", before)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == after
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("colours", [True, False])
def test_red_on_a_terminal_that_wants_colours(colours, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    say_in_red("a [b]" + "c" * 300)
    assert ("\x1b[31m" in terminal.getvalue()) == colours
    assert "a [b]" in terminal.getvalue() and "c" * 300 in terminal.getvalue()
