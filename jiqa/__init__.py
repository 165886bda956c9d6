"""Image quality assessment in JAX: compiled, differentiable, held to the originals.

Example:
    >>> import jiqa
    >>> metric = jiqa.load("ssim")
    >>> metric.info.direction
    'higher'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jiqa.discovery import lazy_names
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
    from jiqa.core.any_size import pad as pad
    from jiqa.core.metric import Info as Info
    from jiqa.evaluation.run import evaluate as evaluate
    from jiqa.registry import list_metrics as list_metrics
    from jiqa.registry import load as load
    from jiqa.training.run import train as train

#: The public names, and the modules that hold them; a package holds itself. Each is
#: imported when it is first asked for.
_NAMES = {
    "Info": "core.metric",
    "analysis": "",
    "data": "",
    "distortions": "",
    "evaluate": "evaluation.run",
    "evaluation": "",
    "list_metrics": "registry",
    "load": "registry",
    "metrics": "",
    "models": "",
    "nn": "",
    "pad": "core.any_size",
    "selectors": "",
    "train": "training.run",
    "training": "",
    "weights": "",
}

__all__ = ["__version__", *_NAMES]  # pyright: ignore

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
