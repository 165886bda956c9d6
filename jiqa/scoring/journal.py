"""A journal of a run's rows, from which an interrupted run resumes.

Next to ``scores.csv`` stands ``scores.csv.partial``: one JSON object a line, the first
says which metrics the rows hold. It is appended to as rows come and removed once the
table itself is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jiqa.errors import UsageError
from jiqa.io.atomic import write_text
from jiqa.io.write_table import Row
from jiqa.version import __version__


def journal_path(output: Path) -> Path:
    """The journal of a table that a run will write."""
    return output.with_name(output.name + ".partial")


class Journal:
    """Appends finished rows; ``done`` holds those of the earlier run, by key."""

    def __init__(
        self, output: Path, settings: Mapping[str, Any], *, resume: bool
    ) -> None:
        """Open the journal of ``output``.

        Args:
            output: the table that the run will write.
            settings: what decides the values: metrics with their options, precision.
            resume: go on from an earlier run's journal.

        Raises:
            UsageError: a journal is there but ``resume`` is not asked for, or it was
                written with other settings or by another version.
        """
        self.path = journal_path(output)
        self.done: dict[str, Row] = {}
        header = {"jiqa": __version__, **settings}
        if self.path.exists() and not resume:
            raise UsageError(
                f"{self.path} exists from an interrupted run: add --resume to "
                "continue, or delete it to start again"
            )
        if self.path.exists():
            self.done = read_journal(self.path, settings)
        # A cut last line is dropped by writing what was understood once more.
        entries = [header, *map(_entry, self.done, self.done.values())]
        write_text(self.path, "".join(map(_line, entries)))
        self._file = self.path.open("a", encoding="utf-8")

    def add(self, key: str, row: Row) -> None:
        """Append one finished row."""
        self._file.write(_line(_entry(key, row)))
        self._file.flush()

    def close(self, *, finished: bool) -> None:
        """Close; remove the journal if the table has been written."""
        self._file.close()
        if finished:
            self.path.unlink()


def _entry(key: str, row: Row) -> dict[str, Any]:
    return {"key": key, "row": row}


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry) + "\n"


def read_journal(path: Path, settings: Mapping[str, Any]) -> dict[str, Row]:
    """Read the finished rows of a journal, by key; a cut last line is left out.

    Raises:
        UsageError: it was written with other settings or by another version.
    """
    header = {"jiqa": __version__, **settings}
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        found = json.loads(lines[0])
    except (IndexError, ValueError):
        return {}  # killed before the first line was out: nothing is lost
    other = [k for k in header if found.get(k) != header[k]]
    if other:
        raise UsageError(
            f"{path} was written by a run with "
            + "; ".join(f"{k} {found.get(k)}, not {header[k]}" for k in other)
            + ": use the same settings, or delete it to start again"
        )
    done = {}
    for line in lines[1:]:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        # What failed is tried again: its file may have been mended.
        if not entry["row"]["error"]:
            done[entry["key"]] = entry["row"]
    return done
