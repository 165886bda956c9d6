"""Write a prepared set from an unpacked archive, whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from jiqa.data.builder import QualityDataset
from jiqa.data.facts import Facts, fingerprint
from jiqa.data.index import INDEX, write_index
from jiqa.data.prepare.record_queue import in_order
from jiqa.data.schema import Contents, Info
from jiqa.io.cache import expanded


def is_prepared(made: QualityDataset) -> bool:
    """Whether a builder's set is there, whole."""
    return (Path(str(made.data_dir)) / INDEX).is_file()


def write(
    made: QualityDataset,
    manual_dir: Path | str,
    *,
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
    beam: Sequence[str] | None = None,
) -> None:
    """Write the records and the index of a builder.

    Records go to a folder under another name, which gets its own when all of them are
    written; the index comes last. A folder without one, left by an interruption
    between the two, is written anew.

    Args:
        made: the builder.
        manual_dir: the unpacked archive.
        workers: threads that read files ahead, or processes that compute them.
        advance: called after each record.
        beam: flags for Apache Beam, which then does the work.

    Raises:
        ModuleNotFoundError: Beam is wanted and not installed.
        jiqa.errors.LayoutError: what is missing, before anything is written.
    """
    import tensorflow_datasets as tfds

    from jiqa.data.prepare import beam as beams

    contents = made.contents(manual_dir)
    made.root = expanded(manual_dir)
    made.workers, made.advance = workers, advance
    made.collection = None if beam is None else beams.collection
    with _no_bars(), in_order():
        made.download_and_prepare(
            download_config=tfds.download.DownloadConfig(
                beam_options=None if beam is None else beams.pipeline_options(beam),
                download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS,
            )
        )
    facts = Facts(
        contents.info, made.options, fingerprint(contents) if made.NAMED else ""
    )
    entries = beams.entries(made, contents) if beam is not None else made.entries
    write_index(entries, contents.notes, Path(str(made.data_dir)), facts)


def leftovers(made: QualityDataset) -> list[Path]:
    """Folders of preparations that were killed, which anyone may delete."""
    folder = Path(str(made.data_dir))
    return sorted(folder.parent.glob(f"incomplete.*_{folder.name}"))


def found(info: Info, contents: Contents) -> str:
    """One line on what was found and how much there officially is."""
    hidden = sum(r.level == 0 and bool(r.reference) for r in contents.records)
    parts = [_of(len(contents.records) - hidden, info.images, "image")]
    if info.references or contents.references:
        parts.append(
            _of(len(contents.references), info.references or None, "reference")
        )
    if hidden:
        parts.append(_of(hidden, None, "hidden reference"))
    return ", ".join(parts)


def _of(count: int, official: int | None, what: str) -> str:
    total = count if official is None else official
    plural = what if total == 1 else f"{what}s"
    if official in (None, count):
        return f"{count:,} {plural}"
    return f"{count:,} of {official:,} {plural}"


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    """TFDS's own progress bars off, and as they were afterwards."""
    from tensorflow_datasets.core.utils import tqdm_utils

    before = getattr(tqdm_utils, "_active", True)
    tqdm_utils.display_progress_bar(False)
    try:
        yield
    finally:
        tqdm_utils.display_progress_bar(before)
