"""No-reference models that are trained: one file each, found by name."""

from jiqa.models.model import Model as Model
from jiqa.models.model import Variables as Variables
from jiqa.models.registry import get_model as get_model
from jiqa.models.registry import list_models as list_models

__all__ = ["Model", "Variables", "get_model", "list_models"]
