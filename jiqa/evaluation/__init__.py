"""Agreement of metrics with subjective scores, and its uncertainty.

``run`` does the whole: ``jiqa.evaluate``, here ``evaluate_metrics``. Of its steps,
``score_datasets`` computes metrics on data sets and ``read_scores`` reads tables of
scores; ``evaluate`` turns their rows into figures with intervals; ``metric_tests``
compare metric with metric; ``extra_tests`` are done on request, some of them without
subjective scores. ``statistics`` takes arrays and gives numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jiqa.evaluation.evaluate import Evaluation as Evaluation
from jiqa.evaluation.evaluate import evaluate as evaluate
from jiqa.evaluation.read_scores import read_scores

if TYPE_CHECKING:
    from jiqa.evaluation.run import evaluate as evaluate_metrics

__all__ = ["Evaluation", "evaluate", "evaluate_metrics", "read_scores"]


def __getattr__(name: str) -> Any:
    if name == "evaluate_metrics":  # brings the readers of data sets
        from jiqa.evaluation import run

        return run.evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
