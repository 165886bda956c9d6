"""Training of the models of ``jiqa.models``: one loop for all of them."""

from jiqa.training.config import TrainingConfig as TrainingConfig
from jiqa.training.config import read_config as read_config
from jiqa.training.export import export_arrays as export_arrays
from jiqa.training.export import export_program as export_program
from jiqa.training.log import read_log as read_log
from jiqa.training.run_metric import Run as Run
from jiqa.training.run_metric import open_run as open_run

__all__ = [
    "Run",
    "TrainingConfig",
    "export_arrays",
    "export_program",
    "open_run",
    "read_config",
    "read_log",
]
