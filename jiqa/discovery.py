"""Finding what jiqa has by looking into its folders: a file joins by being there."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any


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


def lazy_names(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Public names of a package that are imported when they are first asked for.

    Args:
        package: dotted name.
        names: of each public name the module in the package that has it; empty for a
            name that is itself a module.

    Returns:
        ``__getattr__`` and ``__dir__`` of the package.

    Raises:
        AttributeError: (by ``__getattr__``) a name that is not among them.
    """

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{names[name] or name}")
        value = getattr(module, name) if names[name] else module
        setattr(sys.modules[package], name, value)
        return value

    return find, lambda: sorted(names)
