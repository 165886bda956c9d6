"""Image quality assessment in JAX: compiled, differentiable, held to the originals.

Example:
    >>> import jiqa
    >>> metric = jiqa.load("ssim")
    >>> metric.info.direction
    'higher'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jiqa.version import __version__ as __version__

if TYPE_CHECKING:
    from jiqa import analysis as analysis
    from jiqa import data as data
    from jiqa import distortions as distortions
    from jiqa import evaluation as evaluation
    from jiqa import metrics as metrics
    from jiqa import models as models
    from jiqa import nn as nn
    from jiqa import selectors as selectors
    from jiqa import training as training
    from jiqa import weights as weights
    from jiqa.core.metric import Info as Info
    from jiqa.registry import list_metrics as list_metrics
    from jiqa.registry import load as load
    from jiqa.training.run import train as train

#: The public packages: each is imported when it is first asked for.
_PACKAGES = (
    "analysis",
    "data",
    "distortions",
    "evaluation",
    "metrics",
    "models",
    "nn",
    "selectors",
    "training",
    "weights",
)
#: The public functions and classes, and the modules that hold them.
_NAMES = {
    "Info": "core.metric",
    "list_metrics": "registry",
    "load": "registry",
    "train": "training.run",
}

__all__ = ["__version__", *_PACKAGES, *_NAMES]  # pyright: ignore


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
