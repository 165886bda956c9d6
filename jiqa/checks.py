"""Values of options: checked in the same words everywhere, and made hashable."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


def expected(name: str, wanted: str, got: str, hint: str = "") -> str:
    """The message about a wrong argument: ``NAME: expected WANTED, got GOT (HINT)``.

    Args:
        name: of the argument, option or file.
        wanted: what would have been right, in words.
        got: what was given, in words: ``repr(value)`` or ``"shape (3, 4)"``.
        hint: what to do about it.

    Returns:
        The message, for whatever exception fits.
    """
    return f"{name}: expected {wanted}, got {got}" + (f" ({hint})" if hint else "")


def one_of(name: str, value: Any, *allowed: Any) -> None:
    """Check that an option has one of the ``allowed`` values.

    Raises:
        ValueError: it has another; names the option, what was expected and the value.
    """
    if value not in allowed:
        raise ValueError(expected(name, alternatives(allowed), repr(value)))


def alternatives(values: Iterable[Any]) -> str:
    """Values in words: ``'a', 'b' or 'c'``."""
    *head, last = [repr(value) for value in values]
    return f"{', '.join(head)} or {last}" if head else last


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> str:
    """The message about a name that does not exist, with the closest that do.

    Args:
        kind: of the thing, as ``"metric"``.
        name: what was asked for.
        known: the names that exist.
        hint: where they are listed.

    Returns:
        ``unknown KIND 'NAME'; did you mean X or Y? (HINT)``.
    """
    message = f"unknown {kind} {name!r}{did_you_mean(name, known)}"
    return message + (f" ({hint})" if hint else "")


def did_you_mean(name: str, known: Iterable[str], most: int = 3) -> str:
    """``; did you mean X or Y?`` with at most ``most`` close names, or ``""``.

    Case does not count, and ``-`` and ``:`` count as ``_``, unless names are
    options of a command, ``--name``.
    """
    close = close_names(name, known, most)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def close_names(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """At most ``most`` known names that are close to one, the closest first."""
    if not name.startswith("-"):
        name = name.lower().replace("-", "_").replace(":", "_")
    return difflib.get_close_matches(name, list(dict.fromkeys(known)), n=most)


def hashable(value: Any) -> Any:
    """Lists as tuples: an option's value is part of a compiled program's name."""
    return tuple(hashable(v) for v in value) if isinstance(value, list) else value
