"""What a run can learn from: one record for each stage, which all of training uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry

#: The columns of a table that says which image is which version of another.
_DISTORTED = "columns distortion and level, as jiqa distort writes them"
_SCORED = "a column of scores (score, mos, dmos)"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage: what learning from one kind of facts needs, and what its run predicts.

    The loss is the model's: ``Model.stages`` has the options that choose it.

    Attributes:
        name: as ``TrainingConfig.stage`` has it.
        facts: what every image must have, in words.
        columns: the columns of a user's table that hold it.
        usable: whether an image has it.
        offered: whether a selection of a data set has it, which decides the stage
            where none was named.
        decides: the figure of a validation that says which state is best; higher is
            better. Empty where nothing is validated.
        grouped: whether all levels of a distortion of a reference stand together in
            each batch.
        predicts_scores: whether the model predicts the scores themselves. They are then
            mapped to its span, an untrained head begins at their mean, and a test split
            is evaluated as of any metric.
        on_data_scale: whether the run's scores are on the scale of the data set.
        fitted: whether the model is fitted in one pass, without gradients.
    """

    name: str
    facts: str
    columns: str
    usable: Callable[[Entry], bool]
    offered: Callable[[Dataset, Sequence[Entry]], bool]
    decides: str = ""
    grouped: bool = False
    predicts_scores: bool = False
    on_data_scale: bool = False
    fitted: bool = False


def _has_score(entry: Entry) -> bool:
    return entry.score is not None


def _has_level(entry: Entry) -> bool:
    return entry.level is not None


def _is_distorted(entry: Entry) -> bool:
    return bool(entry.level and entry.distortion)


def _offers_scores(dataset: Dataset, entries: Sequence[Entry]) -> bool:
    return dataset.scale is not None


_ALL = (
    Stage(
        name="scores",
        facts="scores",
        columns=_SCORED,
        usable=_has_score,
        offered=_offers_scores,
        decides="srcc",
        predicts_scores=True,
        on_data_scale=True,
    ),
    Stage(
        name="ranks",
        facts="levels of distortion",
        columns=_DISTORTED,
        usable=_has_level,
        offered=lambda dataset, entries: any(e.level for e in entries),
        decides="ordered",
        grouped=True,
    ),
    Stage(
        name="kinds",
        facts="kinds and levels",
        columns=_DISTORTED,
        usable=_is_distorted,
        offered=lambda dataset, entries: any(map(_is_distorted, entries)),
        decides="likelihood",
    ),
    Stage(
        name="methods",
        facts="scores",
        columns=_SCORED,
        usable=_has_score,
        offered=_offers_scores,
        decides="likelihood",
        on_data_scale=True,
    ),
    Stage(
        name="photographs",
        facts="photographs",
        columns="a folder of photographs",
        usable=lambda entry: entry.shape is not None,
        offered=lambda dataset, entries: False,  # any set has some: never by default
        fitted=True,
    ),
)

#: Every stage by its name.
STAGES: Mapping[str, Stage] = MappingProxyType({stage.name: stage for stage in _ALL})
