"""Finding the sets of distortions: discovery by module, look-up by name."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from jiqa.discovery import modules
from jiqa.distortions.kinds import Kind

#: The folder whose files are sets.
_SETS = f"{__package__}.sets"


@functools.cache
def all_sets() -> Mapping[str, Mapping[str, Kind]]:
    """The kinds of every set, by set and by name, sets in alphabetical order.

    A set joins by being there: a module of ``jiqa.distortions.sets`` with ``SOURCE``
    and ``KINDS``.
    """
    return MappingProxyType(
        {
            name: MappingProxyType({kind.name: kind for kind in module.KINDS})
            for name, module in modules(_SETS)
        }
    )


def source(set: str) -> str:
    """Who published a set, and what it is taken from.

    Raises:
        ValueError: no such set; names the closest ones.
    """
    get_set(set)
    return importlib.import_module(f"{_SETS}.{set}").SOURCE


def get_set(name: str) -> Mapping[str, Kind]:
    """The kinds of one set, by name, in its authors' order.

    Raises:
        ValueError: no such set; names the closest ones.
    """
    sets = all_sets()
    if name not in sets:
        raise ValueError(f"no set {name!r}{_hint(name, sets)} (there are {_all(sets)})")
    return sets[name]


def get_kind(name: str) -> Kind:
    """The kind of a name such as ``"rankiqa_live/gaussian_blur"``.

    Raises:
        ValueError: no such set or kind; names the closest ones.
    """
    set_name, slash, kind = name.partition("/")
    if not slash:
        close = _hint(name, [n.partition("/")[2] for n in list_kinds()])
        raise ValueError(f"{name!r} names no set; needed is set/kind{close}")
    kinds = get_set(set_name)
    if kind not in kinds:
        raise ValueError(
            f"no kind {kind!r} in {set_name}{_hint(kind, kinds)} (there are "
            f"{_all(kinds)})"
        )
    return kinds[kind]


def list_kinds(set: str | None = None) -> list[str]:
    """Names of all kinds, ``"set/kind"``, or of those of one set.

    Raises:
        ValueError: no such set; names the closest ones.
    """
    names = all_sets() if set is None else [set]
    return [f"{name}/{kind}" for name in names for kind in get_set(name)]


def _hint(name: str, known: Iterable[str]) -> str:
    wanted = name.lower().replace("-", "_")
    close = difflib.get_close_matches(wanted, list(dict.fromkeys(known)), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _all(names: Iterable[str]) -> str:
    return ", ".join(names)
