"""Training of the no-reference models, and its runs.

``train`` is ``jiqa train`` as a function. What a run is made of is decided in
``Setup``; what it learns from is a ``Stage``. A finished run is the metric
``run:FOLDER``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jiqa.discovery import lazy_names

if TYPE_CHECKING:
    from jiqa.training.config import TrainingConfig as TrainingConfig
    from jiqa.training.config import read_config as read_config
    from jiqa.training.export import export_arrays as export_arrays
    from jiqa.training.export import export_program as export_program
    from jiqa.training.finite_check import NotFinite as NotFinite
    from jiqa.training.log import read_log as read_log
    from jiqa.training.run import train as train
    from jiqa.training.run import train_config as train_config
    from jiqa.training.run_metric import Run as Run
    from jiqa.training.run_metric import open_run as open_run
    from jiqa.training.run_metric import run_metric as run_metric
    from jiqa.training.setup import Setup as Setup
    from jiqa.training.setup import set_up as set_up
    from jiqa.training.stage import Stage as Stage
    from jiqa.training.trained import Trained as Trained

#: The public names, and the modules that hold them: imported when they are asked for.
_NAMES = {
    "NotFinite": "finite_check",
    "Run": "run_metric",
    "Setup": "setup",
    "Stage": "stage",
    "Trained": "trained",
    "TrainingConfig": "config",
    "export_arrays": "export",
    "export_program": "export",
    "open_run": "run_metric",
    "read_config": "config",
    "read_log": "log",
    "run_metric": "run_metric",
    "set_up": "setup",
    "train": "run",
    "train_config": "run",
}

__all__ = [*_NAMES]  # pyright: ignore


__getattr__, __dir__ = lazy_names(__name__, _NAMES)
