"""What decides a run's figures, for the file that a run leaves beside them."""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
from importlib.metadata import version
from typing import Any


def run_facts(arguments: argparse.Namespace) -> dict[str, Any]:
    """The command line, the versions of what computed, and Python's."""
    packages = ("jiqa", "jax", "jaxlib", "numpy", "scipy")
    return {
        "command": command(),
        "arguments": {k: v for k, v in vars(arguments).items() if not callable(v)},
        "versions": {name: version(name) for name in packages},
        "python": platform.python_version(),
    }


def command() -> str:
    """The command line as it was typed."""
    return shlex.join(["jiqa", *sys.argv[1:]])
