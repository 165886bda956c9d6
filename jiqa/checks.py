"""Values of options: checked in the same words everywhere, and made hashable."""

from __future__ import annotations

from typing import Any


def one_of(option: str, value: Any, *allowed: Any) -> None:
    """Refuse an option that is none of the ``allowed`` values.

    Raises:
        ValueError: names the option, what came and what is needed.
    """
    if value not in allowed:
        shown = [f'"{v}"' if isinstance(v, str) else repr(v) for v in allowed]
        needed = " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
        raise ValueError(f"{option}={value!r}; needed is {needed}")


def hashable(value: Any) -> Any:
    """Lists as tuples: an option's value is part of a compiled program's name."""
    return tuple(hashable(v) for v in value) if isinstance(value, list) else value
