"""Finding the sets of distortions: discovery by module, look-up by name."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from jiqa.checks import did_you_mean, expected, unknown
from jiqa.discovery import modules
from jiqa.distortions.kinds import Kind

#: The folder whose files are sets.
_SETS = f"{__package__}.sets"


@functools.cache
def all_sets() -> Mapping[str, Mapping[str, Kind]]:
    """The kinds of every set, by set and by name, sets in alphabetical order.

    A set is a module of ``jiqa.distortions.sets`` with ``SOURCE`` and ``KINDS``, which
    is found by itself.
    """
    return MappingProxyType(
        {
            name: MappingProxyType({kind.name: kind for kind in module.KINDS})
            for name, module in modules(_SETS)
        }
    )


def source(set: str) -> str:
    """The authors of a set, and the source that it is taken from.

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
        raise ValueError(
            unknown("set of distortions", name, sets, f"sets: {_all(sets)}")
        )
    return sets[name]


def get_kind(name: str) -> Kind:
    """The kind of a name such as ``"rankiqa_live/gaussian_blur"``.

    Raises:
        ValueError: no such set or kind; names the closest ones.
    """
    set_name, slash, kind = name.partition("/")
    if not slash:
        close = did_you_mean(name, [n.partition("/")[2] for n in list_kinds()])
        raise ValueError(expected("kind", "set/kind", f"{name!r}{close}"))
    kinds = get_set(set_name)
    if kind not in kinds:
        hint = f"kinds: {_all(kinds)}"
        raise ValueError(unknown(f"kind of {set_name}", kind, kinds, hint))
    return kinds[kind]


def list_kinds(set: str | None = None) -> list[str]:
    """Names of all kinds, ``"set/kind"``, or of those of one set.

    Raises:
        ValueError: no such set; names the closest ones.
    """
    names = all_sets() if set is None else [set]
    return [f"{name}/{kind}" for name in names for kind in get_set(name)]


def _all(names: Iterable[str]) -> str:
    return ", ".join(names)
