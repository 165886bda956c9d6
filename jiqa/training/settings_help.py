"""What every setting of a training is, may be and means, from its documentation."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from jiqa.training.config import CHOICES, TrainingConfig

#: A name and what it means, in the section ``Attributes`` of a docstring.
_ATTRIBUTE = re.compile(
    r"^    (\w+): (.+?)(?=^    \w+: |^\S|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class SettingHelp:
    """A setting.

    Attributes:
        name: as ``--set`` takes it.
        value: that it has.
        choices: what it may be; empty where that is any number or text.
        meaning: a sentence.
    """

    name: str
    value: Any
    choices: tuple[str, ...]
    meaning: str


def settings_help(
    config: TrainingConfig, options: Any, stages: Iterable[str]
) -> list[SettingHelp]:
    """Return all settings of a run and of its model.

    Args:
        config: of the run.
        options: of the model, an instance of its ``config_class``.
        stages: that the model can learn.
    """
    named = set(config.applying) - {"model", "model_config", "data", "held_part"}
    mine = [
        replace(s, choices=tuple(stages)) if s.name == "stage" else s
        for s in _of(config, "")
        if s.name in named
    ]
    return [*mine, *_of(options, "model.")]


def _of(record: Any, opening: str) -> Iterator[SettingHelp]:
    meanings = meanings_of(type(record))
    kinds = typing.get_type_hints(type(record))
    for field in dataclasses.fields(record):
        choices = CHOICES.get(field.name, ()) if not opening else ()
        yield SettingHelp(
            f"{opening}{field.name}",
            getattr(record, field.name),
            choices or tuple(_choices(kinds[field.name])),
            meanings.get(field.name, ""),
        )


def _choices(kind: Any) -> Iterator[str]:
    """Return what a value of a type may be, if that can be counted."""
    if kind is bool:
        yield from ("true", "false")
    elif kind is type(None):
        yield "none"
    elif typing.get_origin(kind) is Literal:
        yield from map(str, typing.get_args(kind))
    elif isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        parts = [tuple(_choices(part)) for part in typing.get_args(kind)]
        if all(parts):
            yield from (choice for part in parts for choice in part)


def meanings_of(kind: type) -> dict[str, str]:
    """Return the first sentence on each attribute in a class's docstring."""
    text = inspect.getdoc(kind) or ""
    _, _, section = text.partition("Attributes:\n")
    return {
        name: _sentence(" ".join(words.split()))
        for name, words in _ATTRIBUTE.findall(section)
    }


def _sentence(text: str) -> str:
    """Return the first sentence, without the marks of code."""
    return re.split(r"(?<=\.)\s", text.replace("``", ""), maxsplit=1)[0]
