"""Build the API reference as HTML pages.

    pip install '.[docs]'
    python scripts/maintenance/api_reference.py [FOLDER]

Writes FOLDER (``api`` by default, which git ignores) and prints where to begin.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jiqa
from jiqa.metrics import all_metrics


def load_public_names(module: ModuleType) -> None:
    """Ask for every public name: until then those that load lazily are not there."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if isinstance(value, ModuleType) and value.__name__.startswith("jiqa."):
            load_public_names(value)


def show_metrics_as_functions() -> None:
    """Replace a metric by its declared function: pages show how it is called."""
    for name, metric in all_metrics().items():
        declared = inspect.unwrap(metric)
        for module in (jiqa.metrics, sys.modules[metric.__module__]):
            setattr(module, name, declared)


def main(folder: Path) -> None:
    """Write the pages."""
    load_public_names(jiqa)
    show_metrics_as_functions()
    pdoc: Any = importlib.import_module("pdoc")  # an extra
    render: Any = importlib.import_module("pdoc.render")
    render.configure(docformat="google", show_source=True)
    pdoc.pdoc("jiqa", "!jiqa.cli", output_directory=folder)
    print(f"open {folder / 'jiqa.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "api"))
