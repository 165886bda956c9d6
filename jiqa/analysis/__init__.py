"""Which feature maps carry quality, and what they respond to."""

from jiqa.analysis.explain.dissection import dissect as dissect
from jiqa.analysis.explain.gradients import Explainer as Explainer
from jiqa.analysis.explain.maximisation import maximise as maximise
from jiqa.analysis.explain.prediction_difference import (
    prediction_difference as prediction_difference,
)
from jiqa.analysis.map_selection.forward_selection import (
    forward_select as forward_select,
)
from jiqa.analysis.map_selection.map_scores import MapScores as MapScores
from jiqa.analysis.map_selection.map_scores import (
    compute_map_scores as compute_map_scores,
)
from jiqa.analysis.map_selection.selected_maps import Selection as Selection

__all__ = [
    "Explainer",
    "MapScores",
    "Selection",
    "compute_map_scores",
    "dissect",
    "forward_select",
    "maximise",
    "prediction_difference",
]
