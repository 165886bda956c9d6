"""The result of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jiqa.evaluation.run import Result
from jiqa.registry import load
from jiqa.training.validation import Figures
from jiqa.weights.run_sets import RUN


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished run.

    Attributes:
        folder: of the run.
        steps: updates done; 0 of a model that is fitted in one pass.
        best: update whose arrays are kept.
        figures: of the state that is kept: those of its validation (``loss``, ``srcc``
            and so on, on ``n`` images), or what a fit says of itself (``images`` and so
            on). Empty in all processes but the first.
        decided: whether the images that were held out are enough to decide which state
            is kept.
        divisions: parts that were held out in turn, whose figures together these are,
            since the run itself has learned from all images; 0 for one part.
        baselines: SRCC of metrics that were not trained, on the same images.
        test: figures on the test split, where one was named and the model predicts no
            scores; by kind of distortion, too.
        evaluation: of the test split, where one was named and the model predicts
            scores: what ``jiqa.evaluate`` found; in the first process only.
        unread: names of this process's images that could not be used.
    """

    folder: Path
    steps: int = 0
    best: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    decided: bool = True
    divisions: int = 0
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    test: Figures | None = None
    evaluation: Result | None = None
    unread: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The run as a metric, wherever a name is taken: ``run:FOLDER``."""
        return f"{RUN}{self.folder}"

    def load(self, **options: Any) -> Any:
        """Load the run as a metric with its arrays, as ``jiqa.load(self.name)`` does.

        Args:
            **options: of ``jiqa.load``.
        """
        return load(self.name, **options)
