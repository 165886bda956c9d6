"""Models by name: each module of ``jiqa.models`` that defines ``MODEL`` is one."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from jiqa.checks import unknown
from jiqa.discovery import modules
from jiqa.models.model import Model


@functools.cache
def all_models() -> Mapping[str, Model]:
    """Return every model by name, in alphabetical order."""
    found = {}
    for _, module in modules(__name__.rpartition(".")[0]):
        model = getattr(module, "MODEL", None)
        if isinstance(model, Model):
            found[model.info.name] = model
    return MappingProxyType(dict(sorted(found.items())))


def list_models() -> list[str]:
    """List the names of the models that can be trained."""
    return list(all_models())


def get_model(name: str) -> Model:
    """Return a model by its name.

    Raises:
        ValueError: no such model; names the closest ones.
    """
    models = all_models()
    if name not in models:
        hint = f"models: {', '.join(models)}"
        raise ValueError(unknown("model", name, models, hint))
    return models[name]
