"""Metrics on prepared data sets: from names to the rows of all of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax

from jiqa.core.bound_metric import BoundMetric
from jiqa.core.loaded import Loaded
from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.data.schema import REFERENCES
from jiqa.data.splits import select
from jiqa.distributed import Rank
from jiqa.errors import UsageError
from jiqa.evaluation.run_weights import RunWeights
from jiqa.evaluation.score_dataset import Part, fingerprint, score_part
from jiqa.io.write_table import Row
from jiqa.progress import Progress, silent
from jiqa.scoring.choose_metrics import check_options, choose
from jiqa.scoring.memory import read_bytes
from jiqa.scoring.runner import Runner

if TYPE_CHECKING:
    from jiqa.weights import Weights

#: Metrics to compute: a comma list, or any number of names and of metrics with options.
Metrics = str | Sequence[str | BoundMetric | Loaded]


@dataclass(frozen=True)
class Scoring:
    """How data sets are scored.

    Attributes:
        metrics: comma list, ``all`` or ``all-classical``; or a sequence of names,
            of bound metrics, and of what ``jiqa.load`` returns.
        options: ``METRIC.OPTION=VALUE`` settings.
        weights: folder in which learned weights are looked for first.
        background: grey level behind transparent pixels.
        memory: bytes for the features of a pair and metric; see
            ``jiqa.scoring.memory``.
        x64: whether JAX computes in double precision; recorded.
        programs: where traced programs are kept, or ``None``.
        devices: this process's devices.
        rank: of this process.
    """

    metrics: Metrics
    options: Sequence[str] = ()
    weights: str | None = None
    background: float = 1.0
    memory: int | None = None
    x64: bool = False
    programs: Path | None = None
    devices: Sequence[Any] = ()
    rank: Rank = field(default_factory=Rank)

    @classmethod
    def of_call(
        cls,
        metrics: Metrics,
        *,
        options: Sequence[str] = (),
        weights: Path | str | None = None,
        background: float = 1.0,
        memory: int | str | None = None,
        programs: Path | None = None,
        rank: Rank | None = None,
    ) -> Scoring:
        """Return what a call from Python asks for, on all devices of this process.

        Args:
            metrics: see above, as the others.
            options: by default those of the metrics.
            weights: by default the usual folders.
            background: in [0, 1].
            memory: bytes, or text such as ``"512MB"``.
            programs: by default nothing is kept.
            rank: by default of the only process.

        Raises:
            UsageError: a memory that is no size.
        """
        return cls(
            metrics=metrics,
            options=options,
            weights=None if weights is None else str(weights),
            background=background,
            memory=read_bytes(memory) if isinstance(memory, str) else memory,
            x64=bool(jax.config.read("jax_enable_x64")),
            programs=programs,
            devices=jax.local_devices(),
            rank=rank or Rank(),
        )


@dataclass(frozen=True)
class Scored:
    """The result of ``score_datasets``.

    Attributes:
        rows: one row an image and metric, failures among them.
        parts: what was scored.
        directions: whether higher or lower values of a metric are better, by label.
        score_direction: the same of the subjective scores, by data set.
        fingerprints: digest of images and scores, by what was asked for.
        weights: digest of learned parameters, by label.
    """

    rows: list[Row]
    parts: list[Part]
    directions: dict[str, Any]
    score_direction: dict[str, Any]
    fingerprints: dict[str, str]
    weights: dict[str, str]


def open_parts(
    specs: Sequence[str],
    data_dir: str | None,
    *,
    hidden_references: bool = False,
    unrated: bool = False,
    pristine: bool = False,
) -> list[Part]:
    """Open the splits of data sets that are asked for.

    Args:
        specs: forms of ``jiqa.data.splits.FORMS``.
        data_dir: where prepared sets are.
        hidden_references: whether to keep undistorted images that were rated.
        unrated: whether sets without human scores will do.
        pristine: whether to add the references of the images as images of level 0.

    Raises:
        UsageError: an unknown name, a set that is not prepared, or one without scores.
    """
    parts = []
    for spec in dict.fromkeys(specs):
        try:
            dataset, entries = select(
                spec, data_dir, hidden_references=hidden_references
            )
        except (ValueError, FileNotFoundError) as error:
            raise UsageError(str(error)) from None
        if dataset.scale is None and not unrated:
            raise UsageError(
                f"{spec} has no subjective scores to compare with: "
                f"{dataset.info.title} is a {dataset.info.kind} data set; only "
                "--waterloo and --gmad need none"
            )
        more = _pristine(dataset, entries) if pristine else []
        parts.append(Part(spec, dataset, [*entries, *more]))
    return parts


def _pristine(dataset: Dataset, entries: Sequence[Entry]) -> list[Entry]:
    """Return references as images themselves, except those already there."""
    there = {e.reference for e in entries if e.hidden_reference}
    keys = dict.fromkeys(e.reference for e in entries if e.reference)
    return [
        replace(
            dataset.references[key],
            name=f"{REFERENCES}/{key}",
            reference=key,
            distortion="",
            level=0,
        )
        for key in keys
        if key not in there
    ]


def score_datasets(
    parts: Sequence[Part],
    how: Scoring,
    journals: Path,
    *,
    resume: bool = False,
    progress: Progress = silent,
) -> Scored:
    """Score all parts with all metrics that can be computed on them.

    Names are resolved and options checked before anything is scored, and each file of
    weights is read once, however many parts and metrics need it.

    Args:
        parts: of prepared data sets.
        how: metrics and settings.
        journals: where finished images are kept until all are.
        resume: whether to go on with what is there.
        progress: makes a progress bar for each part.

    Raises:
        UsageError: an unknown metric or option, a metric without what it needs, or
            unfinished work of other settings.
    """
    rows: list[Row] = []
    directions: dict[str, Any] = {}
    digests: dict[str, str] = {}
    # What "all" stands for depends on whether there are references.
    chosen = {
        paired: resolve(how, have_reference=paired)
        for paired in dict.fromkeys(part.paired for part in parts)
    }
    weights = RunWeights(how.weights, _sets_of_loaded(how.metrics))
    for choices in chosen.values():  # missing weights are reported before any scoring
        digests |= weights.digests(choices)
    for part in parts:
        choices = chosen[part.paired]
        found = weights.digests(choices)
        runner = Runner(
            choices,
            background=how.background,
            programs=how.programs,
            params=weights.params(choices),
            memory=how.memory,
            devices=how.devices,
            share=(how.rank.index, how.rank.count),
        )
        settings = {
            "metrics": [c.identity for c in choices],
            "x64": how.x64,
            "background": how.background,
            "weights": found,
        }
        rows += score_part(
            part,
            runner,
            choices,
            journals,
            settings=settings,
            weights=found,
            resume=resume,
            rank=how.rank,
            bar=functools.partial(progress, f"scoring {part.spec}"),
        )
        directions |= {c.label: c.metric.info.direction for c in choices}
    scales = {p.name: p.dataset.scale for p in parts}
    return Scored(
        rows,
        list(parts),
        directions,
        {name: scale.direction for name, scale in scales.items() if scale},
        {p.spec: fingerprint(p) for p in parts},
        digests,
    )


def _sets_of_loaded(metrics: Metrics) -> list[Weights]:
    """Return the weights that loaded metrics bring along."""
    if isinstance(metrics, str):
        return []
    loaded = [metric for metric in metrics if isinstance(metric, Loaded)]
    return [found for metric in loaded for found in metric.weights.values()]


def resolve(how: Scoring, *, have_reference: bool) -> list[BoundMetric]:
    """Resolve names to choices, with their options checked.

    Names come first, then bound and loaded metrics in their order.

    Raises:
        UsageError: see ``jiqa.scoring.choose_metrics.choose``, or two metrics with one
            label.
    """
    given = [how.metrics] if isinstance(how.metrics, str) else list(how.metrics)
    names = [metric for metric in given if isinstance(metric, str)]
    choices: list[BoundMetric] = []
    if names or not given:
        choices += choose(
            ",".join(names),
            how.options,
            have_reference=have_reference,
            weights=how.weights,
        )
    for metric in given:
        if isinstance(metric, BoundMetric):
            choices.append(metric)
        elif isinstance(metric, Loaded):
            choices += metric.members
    labels = [choice.label for choice in choices]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise UsageError(f"metrics: {', '.join(twice)} is there twice")
    check_options(choices)
    return choices
