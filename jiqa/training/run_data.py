"""Run data: images to train on, to validate on and to report on, all disjoint."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jiqa.checks import expected
from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.data.splits import divide, select
from jiqa.data.user_tables.resolve import notes_of_users, resolved
from jiqa.models.model import Model
from jiqa.models.registry import get_model
from jiqa.training.config import TrainingConfig
from jiqa.training.stage import STAGES

#: Fewer than these decide nothing: neither when to stop nor which state is best.
FEWEST_IMAGES, FEWEST_REFERENCES = 20, 8

#: Parts of a set of which a share would be too few.
DIVISIONS = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """Images of one prepared set.

    Attributes:
        spec: as they were asked for, or what they are a part of.
        dataset: the set.
        entries: the images.
        unread: names of those that cannot be used, with the reason.
    """

    spec: str
    dataset: Dataset
    entries: Sequence[Entry]
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return a digest of the images and all facts about them, in order."""
        digest = hashlib.sha256()
        for e in self.entries:
            facts = (e.name, e.digest, e.score, e.deviation, e.reference)
            digest.update(repr((*facts, e.distortion, e.level)).encode())
        return digest.hexdigest()

    @property
    def pictures(self) -> dict[str, str]:
        """Map what no other split may have, references or else images, to names."""
        references = self.dataset.references
        keys = dict.fromkeys(e.reference for e in self.entries if e.reference)
        found = {references[key].digest: key for key in keys}
        for e in (e for e in self.entries if not e.reference):
            found[f"{self.dataset.name}/{e.split}/{e.position}"] = e.name
        return found


@dataclass(frozen=True)
class Sources:
    """All images of a run.

    Attributes:
        training: what gradients come from.
        validation: what decides when to stop, and which state is best.
        test: what the finished run is reported on, or ``None``.
        divisions: into how many parts the images were divided; 0 where one part was
            held out, or named.
    """

    training: Source
    validation: Source
    test: Source | None
    divisions: int = 0


def open_sources(config: TrainingConfig, data_dir: Path | str | None) -> Sources:
    """Open the prepared sets of a run, and check that no picture is in two splits.

    Args:
        config: the run's settings.
        data_dir: where prepared sets are; ``JIQA_DATA`` or jiqa's cache by default.

    Raises:
        ValueError: an unknown set or split, one without what the stage needs, a test
            split for validation, or a picture in two parts.
        FileNotFoundError: a set is not prepared; says how to.
    """
    training = _open(config.data, config, data_dir)
    test = _open(config.test, config, data_dir) if config.test else None
    if config.validation:
        if _is_test(config.validation) and not config.select_on_test:
            raise ValueError(
                f"validation={config.validation!r}: a test split must not decide "
                "anything; use another split, or hold_out (select_on_test allows it, "
                "for the protocol of some papers)"
            )
        validation = _open(config.validation, config, data_dir)
        divisions = 0
    else:
        divisions = config.divisions
        if divisions is None:
            divisions = needed_divisions(training, config)
        training, validation = _held_out(training, config, divisions)
    _need_apart(training, validation)
    if test is not None:
        _need_apart(training, test)
        if not config.select_on_test:
            _need_apart(validation, test)
    return Sources(training, validation, test, divisions)


def stage_of(spec: str, model: Model, data_dir: Path | str | None) -> str:
    """Return what a model can learn from a set: scores if it has any, or distortions.

    Raises:
        ValueError: an unknown set or split, or one that the model cannot learn from.
        FileNotFoundError: the set is not prepared; says how to.
    """
    if model.fit is not None:
        return next(iter(model.stages))  # any images do, in a data set or not
    dataset, entries = select(resolved(spec, data_dir), data_dir)
    there = [s for s in STAGES.values() if s.offered(dataset, entries)]
    able = [s for s in there if s.name in model.stages]
    if not able:
        notes = textwrap.shorten("; ".join(dataset.notes), 200)
        facts = ", ".join(dict.fromkeys(s.facts for s in there)) or "images alone"
        columns = dict.fromkeys(STAGES[name].columns for name in model.stages)
        raise ValueError(
            expected(
                spec,
                f"{' or '.join(columns)}, since {model.info.name} learns from "
                f"{' or '.join(model.stages)}",
                facts,
                notes,
            )
        )
    return next((s.name for s in able if s.predicts_scores), able[0].name)


def _open(spec: str, config: TrainingConfig, data_dir: Path | str | None) -> Source:
    stage, spec = STAGES[config.stage], resolved(spec, data_dir)
    dataset, entries = select(spec, data_dir, hidden_references=stage.grouped)
    model = get_model(config.model)
    least = model.min_side(model.options(config.stage, config.model_config))
    # The run on all images has said it already.
    level = logging.DEBUG if config.held_part else logging.WARNING
    for note in notes_of_users([dataset]):
        _log.log(level, "%s", note)
    paired = dataset.references if model.info.kind == "full-reference" else {}
    usable = list(filter(stage.usable, entries))
    found, unread = [], {}
    for entry in usable:
        problem = _problem(entry, least) or _problem_of(paired.get(entry.reference))
        if not problem:
            found.append(entry)
            continue
        unread[entry.name] = problem
        _log.log(level, "skipped: %s", problem)
    if not usable:
        kind = dataset.info.kind
        raise ValueError(
            f"{spec}: none of {len(entries)} images has {stage.facts}, which "
            f"stage={stage.name!r} needs ({dataset.info.title} is a {kind} data set)"
        )
    if not found:
        raise ValueError(
            f"{spec}: none of the {len(usable)} images with {stage.facts} can be used: "
            f"{next(iter(unread.values()))}"
        )
    return Source(spec, dataset, found, unread)


def _problem(entry: Entry, least: int) -> str:
    """Return why an image is of no use to the model, or an empty text."""
    if entry.shape is None:
        return entry.problem
    height, width = entry.shape[:2]
    if min(height, width) < least:
        wanted = f"sides of at least {least} pixels"
        return expected(entry.name, wanted, f"{width}x{height}")
    return ""


def _problem_of(reference: Entry | None) -> str:
    """Return why a reference cannot be read, or an empty text."""
    return reference.problem if reference and reference.shape is None else ""


def is_enough(entries: Sequence[Entry]) -> bool:
    """Return whether a figure on some images can decide anything.

    A correlation of two images is 1 or -1, whatever the model.
    """
    references = {e.reference for e in entries if e.reference}
    return len(entries) >= FEWEST_IMAGES and (
        not references or len(references) >= FEWEST_REFERENCES
    )


def needed_divisions(source: Source, config: TrainingConfig) -> int:
    """Return into how many parts to divide images of which a share is too few."""
    groups = {e.reference or f"{e.split}/{e.name}" for e in source.entries}
    if len(groups) < 2:
        return 0
    _, held = _divided(source, (1 - config.hold_out, config.hold_out), config)
    return 0 if is_enough(held) else min(DIVISIONS, len(groups))


def _held_out(
    source: Source, config: TrainingConfig, divisions: int
) -> tuple[Source, Source]:
    if divisions and not config.held_part:
        return source, dataclasses.replace(source, spec="none", entries=[])
    if divisions:
        parts = _divided(source, (1 / divisions,) * divisions, config)
        held = parts[config.held_part - 1]
        inside = {id(e) for e in held}
        kept = [e for e in source.entries if id(e) not in inside]
        names = (
            f"{source.spec} (without part {config.held_part} of {divisions})",
            f"{source.spec} (part {config.held_part} of {divisions})",
        )
    else:
        shares = 1 - config.hold_out, config.hold_out
        kept, held = _divided(source, shares, config)
        names = tuple(f"{source.spec} ({share:.0%})" for share in shares)
    first, second = (
        Source(name, source.dataset, entries, source.unread)
        for name, entries in zip(names, (kept, held), strict=True)
    )
    return first, second


def _divided(
    source: Source, shares: Sequence[float], config: TrainingConfig
) -> list[list[Entry]]:
    try:
        return divide(source.entries, shares, config.seed, source.spec)
    except ValueError as error:
        raise ValueError(
            f"{error}; add images, or set validation to another set"
        ) from None


def _is_test(spec: str) -> bool:
    return spec.partition(":")[2].partition("@")[0] == "test"


def _need_apart(one: Source, other: Source) -> None:
    """Refuse splits with a common reference, or with an image that has none."""
    mine, theirs = one.pictures, other.pictures
    both = [name for digest, name in mine.items() if digest in theirs]
    if both:
        raise ValueError(
            f"{one.spec} and {other.spec} share {len(both)} pictures, such as "
            f"{both[0]}; expected parts that share none"
        )
    copies = {e.digest for e in one.entries} & {e.digest for e in other.entries}
    if copies:
        # Some official divisions are like that; they are what is compared with.
        _log.warning(
            "%d images of %s also occur in %s", len(copies), other.spec, one.spec
        )
