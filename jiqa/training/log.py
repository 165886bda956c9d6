"""The log of a run: JSON lines, TensorBoard's file, and curves as a picture."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from jiqa.io.atomic import write_text

Line = dict[str, Any]

#: A line for each update and each validation.
FILE = "log.jsonl"


class Log:
    """The log of a run; lines after the step that a run resumes from are dropped."""

    def __init__(self, folder: Path, step: int = 0) -> None:
        """Open the log.

        Args:
            folder: of the run.
            step: updates that are done; later lines are from a run that was killed.
        """
        self._path = folder / FILE
        self.lines = [x for x in read_log(folder) if x["step"] <= step]
        write_text(self._path, "".join(map(_text, self.lines)))
        self._file = self._path.open("a", encoding="utf-8")
        self._board = _board(folder / "tensorboard", step)

    def add(self, step: int, kind: str, figures: dict[str, Any]) -> None:
        """Write a line.

        Args:
            step: updates done.
            kind: ``"training"`` or ``"validation"``.
            figures: by name.
        """
        line = {"step": step, "kind": kind, **figures}
        self.lines.append(line)
        self._file.write(_text(line))
        self._file.flush()
        for name, value in figures.items():
            finite = isinstance(value, float) and math.isfinite(value)
            if self._board is not None and finite:
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_log(folder: Path) -> list[Line]:
    """Read the lines of a run's log; one that was cut off is left out."""
    path = folder / FILE
    lines = []
    for text in path.read_text("utf-8").splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def _text(line: Line) -> str:
    return json.dumps(line) + "\n"


def _board(folder: Path, step: int) -> Any:
    """Open TensorBoard's file if the extra ``tensorboard`` is installed."""
    try:
        import tensorboardX
    except ModuleNotFoundError:
        return None
    return tensorboardX.SummaryWriter(str(folder), purge_step=step + 1)
