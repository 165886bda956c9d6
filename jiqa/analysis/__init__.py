"""Analysis of scores: which feature maps carry quality, and what they respond to.

``select_maps`` finds the few feature maps of a network that agree best with subjective
scores of a data set. ``explain_score`` says which pixels a metric's score hangs on,
``prediction_difference`` which parts of an image speak for a map or a score.
``maximise_maps`` and ``dissect_maps`` say what maps respond to. ``attack`` finds the
images that a metric scores best and worst at one PSNR, ``compete`` those that only one
of two metrics tells apart, ``eigendistortions`` what a metric notices most and least.

Example:
    >>> from jiqa import analysis
    >>> maps = analysis.named_maps("alexnet", ["conv1:17"])
    >>> maps.names
    ['conv1:17']
"""

from typing import TYPE_CHECKING

from jiqa.discovery import lazy_names

if TYPE_CHECKING:
    from jiqa.analysis.explain.broden import Broden as Broden
    from jiqa.analysis.explain.concepts import Concept as Concept
    from jiqa.analysis.explain.dissection import Dissection as Dissection
    from jiqa.analysis.explain.dissection import dissect as dissect
    from jiqa.analysis.explain.drawn_concepts import DrawnConcepts as DrawnConcepts
    from jiqa.analysis.explain.explain_maps import dissect_maps as dissect_maps
    from jiqa.analysis.explain.explain_maps import maximise_maps as maximise_maps
    from jiqa.analysis.explain.explain_maps import write_dissection as write_dissection
    from jiqa.analysis.explain.explain_score import Explanation as Explanation
    from jiqa.analysis.explain.explain_score import explain_score as explain_score
    from jiqa.analysis.explain.gradients import Attribution as Attribution
    from jiqa.analysis.explain.gradients import Explainer as Explainer
    from jiqa.analysis.explain.maximisation import Restraint as Restraint
    from jiqa.analysis.explain.maximisation import maximise as maximise
    from jiqa.analysis.explain.network_maps import NetworkMaps as NetworkMaps
    from jiqa.analysis.explain.network_maps import named_maps as named_maps
    from jiqa.analysis.explain.network_maps import read_maps as read_maps
    from jiqa.analysis.explain.patch_samplers import (
        ConditionalSampler as ConditionalSampler,
    )
    from jiqa.analysis.explain.patch_samplers import MarginalSampler as MarginalSampler
    from jiqa.analysis.explain.prediction_difference import Relevance as Relevance
    from jiqa.analysis.explain.prediction_difference import (
        prediction_difference as prediction_difference,
    )
    from jiqa.analysis.explain.targets import of_maps as of_maps
    from jiqa.analysis.explain.targets import of_score as of_score
    from jiqa.analysis.explain.unit_images import patch_sampler as patch_sampler
    from jiqa.analysis.explain.unit_images import read_unit as read_unit
    from jiqa.analysis.map_selection.cross_validation import (
        CrossValidation as CrossValidation,
    )
    from jiqa.analysis.map_selection.cross_validation import (
        nested_cross_validate as nested_cross_validate,
    )
    from jiqa.analysis.map_selection.forward_selection import (
        forward_select as forward_select,
    )
    from jiqa.analysis.map_selection.map_scores import MapScores as MapScores
    from jiqa.analysis.map_selection.map_scores import (
        compute_map_scores as compute_map_scores,
    )
    from jiqa.analysis.map_selection.rated_pairs import RatedPairs as RatedPairs
    from jiqa.analysis.map_selection.rated_pairs import (
        open_rated_pairs as open_rated_pairs,
    )
    from jiqa.analysis.map_selection.select_maps import MapStudy as MapStudy
    from jiqa.analysis.map_selection.select_maps import select_maps as select_maps
    from jiqa.analysis.map_selection.selected_maps import Selection as Selection
    from jiqa.analysis.map_selection.stability import Stability as Stability
    from jiqa.analysis.map_selection.stability import (
        bootstrap_stability as bootstrap_stability,
    )
    from jiqa.analysis.map_selection.study import Study as Study
    from jiqa.analysis.map_selection.study import run_study as run_study
    from jiqa.analysis.map_selection.study_files import write_study as write_study
    from jiqa.analysis.synthesis.attack import Attack as Attack
    from jiqa.analysis.synthesis.attack import attack as attack
    from jiqa.analysis.synthesis.competition import Competition as Competition
    from jiqa.analysis.synthesis.competition import compete as compete
    from jiqa.analysis.synthesis.eigendistortions import (
        Eigendistortions as Eigendistortions,
    )
    from jiqa.analysis.synthesis.eigendistortions import (
        eigendistortions as eigendistortions,
    )

#: The public names, and the modules that have them.
_NAMES = {
    "Attack": "synthesis.attack",
    "Attribution": "explain.gradients",
    "Broden": "explain.broden",
    "Competition": "synthesis.competition",
    "Concept": "explain.concepts",
    "ConditionalSampler": "explain.patch_samplers",
    "CrossValidation": "map_selection.cross_validation",
    "Dissection": "explain.dissection",
    "DrawnConcepts": "explain.drawn_concepts",
    "Eigendistortions": "synthesis.eigendistortions",
    "Explainer": "explain.gradients",
    "Explanation": "explain.explain_score",
    "MapScores": "map_selection.map_scores",
    "MapStudy": "map_selection.select_maps",
    "MarginalSampler": "explain.patch_samplers",
    "NetworkMaps": "explain.network_maps",
    "RatedPairs": "map_selection.rated_pairs",
    "Relevance": "explain.prediction_difference",
    "Restraint": "explain.maximisation",
    "Selection": "map_selection.selected_maps",
    "Stability": "map_selection.stability",
    "Study": "map_selection.study",
    "attack": "synthesis.attack",
    "bootstrap_stability": "map_selection.stability",
    "compete": "synthesis.competition",
    "compute_map_scores": "map_selection.map_scores",
    "dissect": "explain.dissection",
    "dissect_maps": "explain.explain_maps",
    "eigendistortions": "synthesis.eigendistortions",
    "explain_score": "explain.explain_score",
    "forward_select": "map_selection.forward_selection",
    "maximise": "explain.maximisation",
    "maximise_maps": "explain.explain_maps",
    "named_maps": "explain.network_maps",
    "nested_cross_validate": "map_selection.cross_validation",
    "of_maps": "explain.targets",
    "of_score": "explain.targets",
    "open_rated_pairs": "map_selection.rated_pairs",
    "patch_sampler": "explain.unit_images",
    "prediction_difference": "explain.prediction_difference",
    "read_maps": "explain.network_maps",
    "read_unit": "explain.unit_images",
    "run_study": "map_selection.study",
    "select_maps": "map_selection.select_maps",
    "write_dissection": "explain.explain_maps",
    "write_study": "map_selection.study_files",
}

__all__ = list(_NAMES)  # pyright: ignore

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
