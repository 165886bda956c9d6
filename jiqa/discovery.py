"""Finding what jiqa has by looking into its folders: a file joins by being there."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType


def modules(
    package: str, *, packages: bool = False
) -> Iterator[tuple[str, ModuleType]]:
    """The modules of a package with their short names, in alphabetical order.

    Names with a leading underscore are passed over.

    Args:
        package: dotted name, such as ``"jiqa.data.sets"``.
        packages: whether folders count as well as files.
    """
    folder = importlib.import_module(package).__path__
    found = (m for m in pkgutil.iter_modules(folder) if packages or not m.ispkg)
    for name in sorted(m.name for m in found):
        if not name.startswith("_"):
            yield name, importlib.import_module(f"{package}.{name}")
