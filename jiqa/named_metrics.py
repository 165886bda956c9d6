"""Metrics that files describe: ``selected:maps.json``, ``run:FOLDER``, ...

What stands before the colon says which module makes a metric of what follows it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jiqa.contract import Metric

#: A module by prefix. It has ``make(name, place) -> Metric``, where ``place`` is what
#: follows the colon, which raises ``ValueError`` for a file that describes none; and
#: ``identity(place) -> str``, a digest of all in the file that decides values.
MAKERS: Mapping[str, str] = MappingProxyType(
    {
        "run": "jiqa.models.runs",
        "selected": "jiqa.analysis.selected_metric",
        "selector": "jiqa.selectors.metric",
    }
)


def named_metric(name: str) -> Metric | None:
    """The metric of a name with a known prefix, else ``None``.

    Raises:
        ValueError: a file that is not there, or describes no metric.
    """
    maker, place = _maker(name)
    return None if maker is None else maker.make(name, place)


def identity(name: str) -> str:
    """A digest of what the file of a name says; empty for a name without prefix."""
    maker, place = _maker(name)
    return "" if maker is None else maker.identity(place)


def _maker(name: str) -> tuple[Any, str]:
    prefix, _, place = name.partition(":")
    if not place or prefix not in MAKERS:
        return None, ""
    return importlib.import_module(MAKERS[prefix]), place
