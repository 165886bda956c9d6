"""Scoring of one data set: one row a metric and image, failures included."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiqa.core.bound_metric import BoundMetric
from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.distributed import Rank, barrier, gather_rows
from jiqa.errors import UsageError
from jiqa.io.write_table import Row
from jiqa.progress import compiling, step
from jiqa.scoring.jobs import Job
from jiqa.scoring.journal import Journal, read_journal
from jiqa.scoring.runner import Runner
from jiqa.version import __version__

#: Makes a progress bar: of how many images, how many are done already.
Bar = Callable[[int, int], contextlib.AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Part:
    """The split of a data set that is evaluated.

    Attributes:
        spec: as it was asked for, ``NAME``, ``NAME:SPLIT``, ...
        dataset: the opened set.
        entries: its images.
    """

    spec: str
    dataset: Dataset
    entries: Sequence[Entry]

    @property
    def name(self) -> str:
        """The data set's name."""
        return self.dataset.name

    @property
    def split(self) -> str:
        """The text after the colon, or ``images``."""
        return self.spec.partition(":")[2] or "images"

    @property
    def paired(self) -> bool:
        """Whether every image has a reference."""
        return all(e.reference for e in self.entries)

    def jobs(self) -> dict[str, tuple[Job, Entry]]:
        """The jobs to score, by key.

        Raises:
            UsageError: two images of one name, of which one would be lost.
        """
        out: dict[str, tuple[Job, Entry]] = {}
        references = self.dataset.references
        for entry in self.entries:
            key = f"{entry.split}/{entry.name}"
            if key in out:
                both = f"{out[key][1].reference or 'none'} and {entry.reference}"
                raise UsageError(
                    f"{self.spec}: {entry.name} occurs twice (references {both}); "
                    "expected a name for each image"
                )
            image = self.dataset.image(entry)
            known = references.get(entry.reference)
            problem = entry.problem or (known.problem if known else "")
            out[key] = Job(image, self.dataset.reference(entry), problem), entry
        return out


def fingerprint(part: Part) -> str:
    """Return a digest of the images, references and scores of an evaluation."""
    digest = hashlib.sha256()
    for entry in part.entries:
        reference = part.dataset.references.get(entry.reference)
        facts = (entry.name, entry.digest, entry.score, reference and reference.digest)
        digest.update(repr(facts).encode())
    return digest.hexdigest()


def score_part(
    part: Part,
    runner: Runner,
    choices: Sequence[BoundMetric],
    journal_folder: Path,
    *,
    settings: Mapping[str, Any],
    weights: Mapping[str, str],
    resume: bool,
    rank: Rank,
    bar: Bar = lambda total, start: contextlib.nullcontext(lambda: None),
) -> list[Row]:
    """Score every image of a part with every metric; the rows of all processes.

    Finished images are kept in ``journal_folder`` as they come, by each process in a
    separate file. A run that was broken off, by whatever signal, goes on from there
    with any number of processes that see the folder.

    Args:
        part: what to score.
        runner: made for the choices and this process's rank.
        choices: the metrics.
        journal_folder: where finished images are kept until all are.
        settings: what decides the values, for a resumed run to compare.
        weights: digest of the learned parameters of each metric, by label.
        resume: whether to go on with what is in the folder.
        rank: of this process.
        bar: shows how far this process is.

    Returns:
        One row a metric and image, sorted as the data set's entries are.

    Raises:
        UsageError: unfinished work is there and ``resume`` is not asked for, or it was
            done with other settings.
    """
    jobs = part.jobs()
    by_job = {job.key: key for key, (job, _) in jobs.items()}
    facts = {**settings, "data": part.spec, "fingerprint": fingerprint(part)}
    with _journal(part, journal_folder, facts, resume, rank) as (journal, done):
        todo = [job for job, _ in jobs.values()]
        skip = frozenset(job.key for key, (job, _) in jobs.items() if key in done)
        mine = dict(done)
        # Any process may have done the rows; this one counts its share of them.
        total, start = -(-len(jobs) // rank.count), len(skip) // rank.count
        with bar(total, start) as advance:
            for job, row in runner.run(todo, skip, compiling(advance)):
                key = by_job[job.key]
                mine[key] = row
                journal.add(key, row)
                step(advance, failed="seconds" not in row)
        # What an earlier run finished, several may have found: it counts once.
        found = gather_rows([{**row, "key": key} for key, row in mine.items()], rank)
        wide = {row["key"]: row for row in found}
    return [
        row
        for key, (_, entry) in jobs.items()
        for row in long_rows(part, entry, wide[key], choices, weights)
    ]


@contextlib.contextmanager
def _journal(
    part: Part,
    folder: Path,
    facts: Mapping[str, Any],
    resume: bool,
    rank: Rank,
) -> Iterator[tuple[Journal, dict[str, Row]]]:
    """Open this process's journal; return it and what earlier ones have finished."""
    stem = "".join(c if c.isalnum() else "-" for c in part.spec)
    left = sorted(folder.glob(f"{stem}-*-of-*.partial"))
    if left and not resume:
        raise UsageError(
            f"{left[0]} exists from an interrupted run: add --resume to continue, or "
            "delete it to start again"
        )
    done = {k: r for path in left for k, r in read_journal(path, facts).items()}
    barrier(f"journals of {part.spec} read")
    rank_folder = folder / f"{stem}-{rank.index}-of-{rank.count}"
    journal = Journal(rank_folder, facts, resume=resume)
    finished = False
    try:
        yield journal, done
        finished = True
    finally:
        journal.close(finished=False)
    if finished and rank.first:
        # Only now are all rows of all processes in one hand.
        for path in folder.glob(f"{stem}-*-of-*.partial"):
            path.unlink(missing_ok=True)


def long_rows(
    part: Part,
    entry: Entry,
    wide: Row,
    choices: Sequence[BoundMetric],
    weights: Mapping[str, str],
) -> Iterator[Row]:
    """Return one row a metric of one scored image; failures say why."""
    for choice in choices:
        value = wide.get(choice.label)
        yield {
            "data": part.name,
            "split": part.split,
            "image": entry.name,
            "reference": entry.reference,
            "distortion": entry.distortion,
            "level": entry.level,
            "metric": choice.label,
            "value": value,
            "score": entry.score,
            "deviation": entry.deviation,
            "version": __version__,
            "weights": weights.get(choice.label, ""),
            "seconds": wide.get("seconds"),
            "error": (wide["error"] or "no value") if value is None else "",
        }
