"""A record of the command line, for the file that a run leaves behind."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import Any

from jiqa.io.run_record import versions


def run_facts(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the command line, the versions of what computed, and Python's."""
    return {
        "command": command(),
        "arguments": {k: v for k, v in vars(arguments).items() if not callable(v)},
        **versions(),
    }


def command() -> str:
    """Return the command line as it was typed."""
    return shlex.join(["jiqa", *sys.argv[1:]])
