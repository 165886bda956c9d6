"""The rows of an interrupted run: what is on disk stays there until it is replaced."""

from __future__ import annotations

import pytest

from jiqa.errors import UsageError
from jiqa.scoring import journal as module
from jiqa.scoring.journal import Journal, read_journal

SETTINGS = {"metrics": ["psnr"], "x64": False}


def row(value: float, error: str = "") -> dict:
    return {"psnr": value, "error": error}


def interrupted(folder) -> tuple:
    """A journal of three rows, one of them failed, the last line cut off."""
    output = folder / "out" / "scores.csv"
    journal = Journal(output, SETTINGS, resume=False)
    journal.add("a", row(1.5))
    journal.add("b", row(0.0, "cannot be read"))
    journal.add("c", row(float("inf")))
    journal.close(finished=False)
    with journal.path.open("a") as file:
        file.write('{"key": "d", "ro')
    return output, journal.path


def test_a_resumed_run_has_the_rows_that_are_whole_and_did_not_fail(tmp_path):
    output, path = interrupted(tmp_path)
    with pytest.raises(UsageError, match="--resume"):
        Journal(output, SETTINGS, resume=False)
    with pytest.raises(UsageError, match="x64 False, not True"):
        Journal(output, {**SETTINGS, "x64": True}, resume=True)
    wanted = {"a": row(1.5), "c": row(float("inf"))}
    journal = Journal(output, SETTINGS, resume=True)
    assert journal.done == wanted
    journal.add("d", row(2.0))
    # Rows are on disk as they come, behind those of the run before.
    assert read_journal(path, SETTINGS) == {**wanted, "d": row(2.0)}
    assert path.read_text().count("\n") == 4
    journal.close(finished=True)
    assert not path.exists() and list(output.parent.iterdir()) == []


def test_what_ends_a_resumed_run_at_once_loses_no_row(tmp_path, monkeypatch):
    output, path = interrupted(tmp_path)
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left on the disk")

    monkeypatch.setattr(module, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        Journal(output, SETTINGS, resume=True)
    assert path.read_bytes() == before
