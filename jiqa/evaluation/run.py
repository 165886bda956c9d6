"""``jiqa.evaluate``: metrics against subjective scores, from names to figures.

It does all that ``jiqa evaluate`` does, but for what that prints and its report, which
``jiqa.report.evaluation.report`` makes of the result.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from jiqa.checks import expected
from jiqa.distributed import Rank
from jiqa.errors import UsageError
from jiqa.evaluation.directions import known_direction
from jiqa.evaluation.evaluate import FILES, Direction, Evaluation, write_evaluation
from jiqa.evaluation.evaluate import evaluate as evaluate_rows
from jiqa.evaluation.extra_tests import (
    ExtraTests,
    Requested,
    is_unrated_reference,
    run_extra_tests,
    write_extra_tests,
)
from jiqa.evaluation.learned_from import note_learned_images
from jiqa.evaluation.rated import Rated, rate_data, rate_tables
from jiqa.evaluation.score_datasets import Metrics, Scoring
from jiqa.evaluation.statistics.logistic import Curve
from jiqa.evaluation.unrated_tests import EXPERTS, MARGIN
from jiqa.io.run_record import versions, write_run_record
from jiqa.io.write_table import Row, is_missing, make_folder
from jiqa.progress import Progress, silent

#: One name or path, or several.
Names = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Result:
    """The result of ``jiqa.evaluate``.

    Attributes:
        evaluation: of all rows; its ``fits`` are the curves.
        extra: what the extra tests found.
        rated: where the rows are from.
        score_direction: which subjective scores were taken as better, by data set.
        paths: the files that were written, by name.
        settings: what else decides the figures, in words.
        warnings: sentences on metrics that learned from the images; the summary's
            ``note`` says it too.
    """

    evaluation: Evaluation
    extra: ExtraTests = field(default_factory=ExtraTests)
    rated: Rated = field(default_factory=Rated)
    score_direction: Mapping[str, Direction] = field(default_factory=dict)
    paths: Mapping[str, Path] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def rows(self) -> Sequence[Row]:
        """One row an image and metric; see ``jiqa.evaluation.rows.COLUMNS``."""
        return self.evaluation.rows

    @property
    def summary(self) -> list[dict[str, Any]]:
        """One row a data set, split, metric and distortion.

        See ``jiqa.evaluation.evaluate.COLUMNS``.
        """
        return self.evaluation.summary

    @property
    def significance(self) -> list[dict[str, Any]]:
        """Tests of metric against metric, one dictionary a data set and split."""
        return self.evaluation.significance

    @property
    def failed(self) -> int:
        """How many rows have no value, and are left out of the figures."""
        overall = [row for row in self.summary if row["distortion"] == "all"]
        rated = {(row["data"], row["split"]) for row in overall}
        return sum(row["failed"] for row in overall) + sum(
            is_missing(row["value"])
            for row in self.rows
            if (row["data"], row["split"]) not in rated or is_unrated_reference(row)
        )

    @property
    def contrary(self) -> list[str]:
        """Data sets whose scores all metrics of known direction run against."""
        overall = [row for row in self.summary if row["distortion"] == "all"]
        found = []
        for data in dict.fromkeys(row["data"] for row in overall):
            declared = [
                row["srcc"]
                for row in overall
                if row["data"] == data
                and row["srcc"] is not None
                and "inferred" not in row["note"]
            ]
            if declared and max(declared) < 0:
                found.append(data)
        return found


def evaluate(
    metrics: Metrics = "",
    data: Names = (),
    *,
    scores: Names = (),
    output: Path | str | None = None,
    subjective: str | None = None,
    score_direction: Direction | None = None,
    ignore: Sequence[str] = (),
    directions: Mapping[str, Direction] | None = None,
    infinite: float | None = None,
    mapping: Curve = 5,
    observers: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    splits: int | Literal["own"] | None = None,
    waterloo: bool = False,
    experts: str | Sequence[str] = EXPERTS,
    margin: float = MARGIN,
    gmad: int | None = None,
    data_dir: Path | str | None = None,
    hidden_references: bool = False,
    resume: bool = False,
    options: Sequence[str] = (),
    background: float = 1.0,
    weights: Path | str | None = None,
    memory: int | str | None = None,
    programs: Path | None = None,
    rank: Rank | None = None,
    progress: Progress = silent,
    record: Mapping[str, Any] | None = None,
) -> Result:
    """Compare metrics with subjective scores.

    Either metrics are computed on data sets, or tables of scores are read.

    Args:
        metrics: a comma list of names, ``all`` or ``all-classical``; or a sequence of
            names and of metrics that ``jiqa.load`` returned.
        data: prepared data sets (``NAME``, ``NAME:SPLIT``, see ``jiqa.data``), or
            paths of tables of image, reference and score.
        scores: tables of scores instead, see ``jiqa.evaluation.read_scores``.
        output: folder for rows.parquet, summary.csv, summary.json, significance.json,
            run.json and the files of the extra tests; it also keeps unfinished work.
            By default nothing is written.
        subjective: the column of subjective scores in ``scores``.
        score_direction: which of these are better; by default what the data set says,
            or the column's name.
        ignore: columns of ``scores`` that are no metrics.
        directions: which values are better, for metrics that jiqa does not know;
            without it, the sign of their SRCC decides.
        infinite: a number that stands for infinity in ``scores``.
        mapping: parameters of the logistic curve before PLCC and RMSE: 5, 4 or
            ``None``.
        observers: ratings per image, if the deviations are those of single ratings.
        resamples: bootstrap resamples; 0 for no intervals.
        seed: of resamples and splits.
        splits: number of reference-disjoint splits over whose test parts a median is
            taken, or ``"own"``: over those that the rows or data sets name.
        waterloo: whether to run D-, L- and P-test, which need no subjective scores.
        experts: whose agreement the P-test trusts; names, or a comma list.
        margin: by which each expert must tell a pair apart, of 100.
        gmad: levels at which to look for pairs that one metric calls equal and another
            most different.
        data_dir: prepared sets; by default JIQA_DATA, or the user's cache.
        hidden_references: whether undistorted images that were rated stay among the
            distorted ones.
        resume: whether to go on with an interrupted run of the same ``output``.
        options: options of metrics by name, ``"ssim.downsample=auto"``.
        background: grey level in [0, 1] behind transparent pixels.
        weights: folder in which learned weights are looked for first.
        memory: bytes, or text such as ``"512MB"``, that the learned features of a pair
            may take, by metric.
        programs: folder in which traced programs are kept between runs.
        rank: this process among several, see ``jiqa.distributed.join``. All but the
            first return a result without rows.
        progress: shows how far the work is, see ``jiqa.progress``.
        record: what run.json says of the call; by default the arguments that decide
            the figures, and versions.

    Returns:
        Rows, figures, and the files that were written.

    Raises:
        UsageError: a request that cannot be carried out (a ``ValueError``).
    """
    data, scores = _listed(data), _listed(scores)
    if bool(data) == bool(scores):
        raise UsageError("expected either data (with metrics) or scores")
    if bool(metrics) != bool(data):
        raise UsageError("metrics and data go together: expected both or none")
    for name, fewest, number in (
        ("resamples", 0, resamples),
        ("observers", 1, observers),
        ("seed", 0, seed),
    ):
        if number is not None and number < fewest:
            raise UsageError(expected(name, f"{fewest} or more", str(number)))
    names = experts.split(",") if isinstance(experts, str) else experts
    requested = Requested(
        splits, waterloo, tuple(filter(None, names)), margin, gmad, seed, mapping
    )
    folder = Path(output) if output is not None else None
    if folder:
        make_folder(folder / "rows.parquet")  # now, not after the work
    rated: Rated | None
    if data:
        how = Scoring.of_call(
            metrics,
            options=options,
            weights=weights,
            background=background,
            memory=memory,
            programs=programs,
            rank=rank,
        )
        with _kept_in(folder) as journals:
            rated = rate_data(
                data,
                how,
                journals,
                data_dir=data_dir,
                hidden_references=hidden_references,
                unrated=requested.unrated,
                pristine=waterloo,
                resume=resume,
                progress=progress,
            )
    else:
        rated = rate_tables(
            scores, subjective=subjective, ignore=ignore, infinite=infinite
        )
    if rated is None:  # the first process has what all have found
        return Result(Evaluation([], [], [], {}))
    better: dict[str, Direction] = dict(rated.score_direction)
    if score_direction:
        better = {data: score_direction for data in better}
    settings = {"bootstrap resamples": resamples, "seed": seed, **_settings(rated)}
    result = _evaluated(
        rated,
        better,
        directions or {},
        requested,
        resamples=resamples,
        observers=observers,
        progress=progress,
    )
    result = replace(result, settings=settings)
    if not folder:
        return result
    if record is None:
        called = {"metrics": metrics, "data": data, "scores": scores, **vars(requested)}
        record = {
            "arguments": {**called, "options": options, "resamples": resamples},
            **versions(),
        }
    return replace(result, paths=_write(folder, result, requested, record))


def _evaluated(
    rated: Rated,
    score_direction: Mapping[str, Direction],
    given: Mapping[str, Direction],
    requested: Requested,
    *,
    resamples: int,
    observers: int | None,
    progress: Progress,
) -> Result:
    """Compute figures and extra tests of rated rows."""
    metrics = list(dict.fromkeys(row["metric"] for row in rated.rows))
    directions: dict[str, Direction] = {
        **rated.directions,
        **_directions(metrics, given),
    }
    rows = [
        row
        for row in rated.rows
        if str(row["data"] or "") in score_direction and not is_unrated_reference(row)
    ]
    steps = {(row["data"], row["split"], row["metric"]) for row in rows}
    with progress("evaluating", len(steps)) as advance:
        evaluation = evaluate_rows(
            rows,
            directions=directions,
            score_direction=score_direction,
            mapping=requested.mapping,
            resamples=resamples,
            seed=requested.seed,
            observers=dict.fromkeys(score_direction, observers) if observers else None,
            advance=advance,
        )
    measured: dict[str, Any] = {m["metric"]: m["direction"] for m in evaluation.summary}
    extra = run_extra_tests(
        rated.rows,
        evaluation,
        requested,
        directions={**directions, **measured},
        score_direction=score_direction,
    )
    evaluation, warnings = note_learned_images(evaluation, rated)
    return Result(
        replace(evaluation, rows=rated.rows),
        extra,
        rated,
        dict(score_direction),
        warnings=warnings,
    )


def _directions(
    metrics: Sequence[str], given: Mapping[str, Direction]
) -> dict[str, Direction]:
    """Return directions of metrics by name, as far as they are known or given."""
    unknown = [metric for metric in given if metric not in metrics]
    if unknown:
        raise UsageError(
            f"directions: unknown metric {', '.join(unknown)} (metrics: "
            f"{', '.join(metrics)})"
        )
    known = {metric: known_direction(metric) for metric in metrics}
    return {m: d for m, d in {**known, **given}.items() if d}


def _write(
    folder: Path, result: Result, requested: Requested, record: Mapping[str, Any]
) -> dict[str, Path]:
    """Write all files; return their paths by name."""
    write_evaluation(folder, result.evaluation)
    extra = write_extra_tests(folder, result.extra, requested)
    path = write_run_record(folder, {**record, **result.rated.facts})
    return {name: folder / name for name in (*FILES, *extra, path.name)}


def _settings(rated: Rated) -> dict[str, Any]:
    """Return what a report says of the data beside the figures."""
    digests = rated.facts.get("fingerprints", {})
    settings: dict[str, Any] = {
        f"digest of {spec}": digest[:16] for spec, digest in digests.items()
    }
    if "devices" in rated.facts:
        settings["devices"] = len(rated.facts["devices"])
    return settings


def _listed(names: Names) -> list[str | Path]:
    return [names] if isinstance(names, str | Path) else list(names)


@contextlib.contextmanager
def _kept_in(folder: Path | None) -> Iterator[Path]:
    """Keep unfinished work in ``folder``, or in a temporary one."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
