"""How far metrics agree with people, and how sure that is.

``tables`` and ``merging`` read anyone's scores; ``summary`` turns rows into figures
with intervals, by ``correlations``, ``logistic``, ``weighted_ranks`` and ``bootstrap``.
``significance`` and ``pair_discrimination`` compare metric with metric. ``waterloo``
and ``gmad`` need no human scores; ``protocol`` is for trained models.
"""

from jiqa.evaluation.evaluate import Evaluation as Evaluation
from jiqa.evaluation.evaluate import evaluate as evaluate
from jiqa.evaluation.read_scores import read_scores as read_scores

__all__ = ["Evaluation", "evaluate", "read_scores"]
