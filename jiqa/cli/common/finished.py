"""What an earlier run has finished is not replaced by mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jiqa.errors import UsageError


def add_force(parser: Any, what: str) -> None:
    """Declare the option that lets ``what``, such as ``the table``, be replaced."""
    parser.add_argument(
        "--force", action="store_true", help=f"replace {what} if it is there"
    )


def check_new(path: Path, *, force: bool, unfinished: bool) -> None:
    """Check that a file may be written.

    Args:
        path: the file.
        force: whether it may be replaced.
        unfinished: whether an interrupted run is continued that will write it.

    Raises:
        UsageError: it is there already.
    """
    if path.exists() and not (force or unfinished):
        raise UsageError(f"{path} is there already: --force replaces it")
