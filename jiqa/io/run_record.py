"""What determines a run's figures, for the file ``run.json`` beside them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jiqa.io.json_files import write_json

#: What computes.
_PACKAGES = ("jiqa", "jax", "jaxlib", "numpy", "scipy")


def versions() -> dict[str, Any]:
    """Versions of what computes, and of Python."""
    return {
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
    }


def write_run_record(folder: Path, facts: Mapping[str, Any]) -> Path:
    """Write ``run.json``; what JSON has no form for is written as text."""
    path = folder / "run.json"
    write_json(path, dict(facts), default=str)
    return path
