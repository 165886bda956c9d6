"""Batches of decoded images from a prepared set, through Grain."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from jiqa.checks import expected
from jiqa.data.dataset import Dataset
from jiqa.data.index import Entry
from jiqa.data.loader.batches import Batches, Transform
from jiqa.data.loader.plan import BatchPlan

#: Batches that threads read at once, and that wait to be taken.
_THREADS, _WAITING = 4, 4


def loader(
    dataset: Dataset,
    entries: Sequence[Entry],
    *,
    batch_size: int,
    seed: int = 0,
    epochs: int | None = 1,
    shuffle: bool = True,
    transform: Transform | None = None,
    by_shape: bool | None = None,
    worker_count: int = 0,
    process_index: int = 0,
    process_count: int = 1,
    drop_remainder: bool = False,
) -> Loader:
    """Batches of a data set, in an order that follows from the seed alone.

    Images of one size share a batch; the last batch of a size is filled up with black
    images, whose ``mask`` is False. Every process gets its rows of the same batches,
    so that all see the same shapes at each step.

    Each batch is a dict, rows first, B of them:

    * ``image`` ``[B, H, W, C]``: as stored, uint8 (or uint16), or as transformed;
    * ``score``, ``deviation`` float32 ``[B]``: NaN where unknown;
    * ``histogram`` float32 ``[B, bins]``: no bins where the set has none;
    * ``level`` int32 ``[B]``: -1 where unknown;
    * ``reference`` int32 ``[B]``: index in ``list(dataset.references)``, -1 for none;
    * ``mask`` bool ``[B]``: whether the row is an image. A file that cannot be decoded
      is black and False, too, and a warning is logged; one that the index knows to be
      unreadable is left out from the start;
    * ``name`` str ``[B]``: empty for what fills up;
    * ``distortion`` str ``[B]``: in the set's own word, empty where there is none.

    Args:
        dataset: an opened set.
        entries: its images to load, as from ``jiqa.data.splits.select``.
        batch_size: images in a batch, over all processes.
        seed: of the order and of the random numbers of ``transform``.
        epochs: times that every image is visited; ``None`` for ever.
        shuffle: whether each epoch has an order of its own.
        transform: changes an image; gets a generator that depends on seed, epoch and
            image only. A global function where ``worker_count`` is above 0.
        by_shape: whether only images of one size share a batch; by default unless
            there is a ``transform``, which is then expected to make sizes equal.
        worker_count: processes that read and decode; 0 for threads of this one.
        process_index: which of the processes of ``jax.distributed`` this is.
        process_count: how many there are; divides ``batch_size``.
        drop_remainder: leave out batches that are not full, instead of filling up.

    Returns:
        What ``iter()`` is asked of, as often as wanted.

    Raises:
        ValueError: no readable image or no full batch, sizes that differ without
            ``by_shape``, a batch size that the processes cannot share, or an index out
            of range.
    """
    if batch_size < 1 or batch_size % process_count:
        wanted = f"a multiple of the {process_count} processes"
        raise ValueError(expected("batch_size", wanted, repr(batch_size)))
    if not 0 <= process_index < process_count:
        raise ValueError(
            expected("process_index", f"0 to {process_count - 1}", repr(process_index))
        )
    readable = [e for e in entries if e.shape is not None]
    shapes = {e.shape for e in readable}
    by_shape = transform is None if by_shape is None else by_shape
    if not readable:
        raise ValueError(f"{dataset.name}: none of {len(entries)} images can be read")
    if len(shapes) > 1 and not by_shape and transform is None:
        raise ValueError(
            f"images have {len(shapes)} sizes: expected by_shape=True or a transform"
        )
    plan = BatchPlan(
        tuple(e.shape if by_shape else None for e in readable),
        batch_size,
        seed,
        shuffle,
        drop_remainder,
    )
    rows = batch_size // process_count
    mine = slice(process_index * rows, (process_index + 1) * rows)
    if not plan.batches_per_epoch:
        raise ValueError(
            f"{len(readable)} images are too few for one batch of {batch_size}"
        )
    steps = sys.maxsize if epochs is None else epochs * plan.batches_per_epoch
    return Loader(
        Batches(dataset, readable, plan, steps, mine, transform), worker_count
    )


class Loader:
    """The batches of a data set, to be gone through from any step.

    Attributes:
        batches: random access to all of them.
        worker_count: processes that read and decode; 0 for threads of this one.
    """

    def __init__(self, batches: Batches, worker_count: int) -> None:
        """Take the batches; nothing is read yet."""
        self.batches, self.worker_count = batches, worker_count

    @property
    def batches_per_epoch(self) -> int:
        """The number of batches in an epoch, the same in each and in every process."""
        return self.batches.plan.batches_per_epoch

    def __len__(self) -> int:
        """The number of batches in all epochs."""
        return len(self.batches)

    def __iter__(self) -> LoaderIterator:
        """Iterate from the first batch on."""
        return LoaderIterator(self)

    def flow(self, step: int) -> Iterator[dict[str, np.ndarray]]:
        """Grain's iterator from a step on."""
        import grain

        source: Any = self.batches
        options = grain.ReadOptions(num_threads=_THREADS, prefetch_buffer_size=_WAITING)
        if self.worker_count:
            options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=1)
        flow = grain.MapDataset.source(source)[step:].to_iter_dataset(options)
        if self.worker_count:
            _need_no_flags()
            workers = grain.MultiprocessingOptions(num_workers=self.worker_count)
            flow = flow.mp_prefetch(workers)
        return iter(flow)


class LoaderIterator:
    """One pass over a ``Loader``.

    Its state is the number of batches taken, over all processes: it can be continued
    from with other numbers of workers or processes, too.
    """

    def __init__(self, loader: Loader) -> None:
        """Nothing is read before the first batch is asked for."""
        self._loader, self._step = loader, 0
        self._flow: Iterator[dict[str, np.ndarray]] | None = None

    def __iter__(self) -> LoaderIterator:
        """Return the iterator itself."""
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        """The next batch."""
        if self._step >= len(self._loader):
            raise StopIteration
        if self._flow is None:
            self._flow = self._loader.flow(self._step)
        batch = next(self._flow)
        self._step += 1
        if self._loader.worker_count:
            # Out of memory shared with the workers, which has to be given back.
            batch = {key: np.array(value) for key, value in batch.items()}
        if self._step == len(self._loader):
            self.close()
        return batch

    def get_state(self) -> dict[str, int]:
        """The state that ``set_state`` continues from; plain numbers, for any file."""
        return {"step": self._step}

    def set_state(self, state: Mapping[str, int]) -> None:
        """Continue where another iterator over the same batches was.

        Raises:
            ValueError: a step past the end.
        """
        step = int(state["step"])
        if not 0 <= step <= len(self._loader):
            raise ValueError(expected("step", f"0 to {len(self._loader)}", f"{step}"))
        self.close()
        self._step = step

    def close(self) -> None:
        """End the workers; the next batch would start new ones."""
        flow, self._flow = self._flow, None
        if flow is not None and self._loader.worker_count:
            cast(Any, flow).close()
            del flow
            # Grain leaves the workers' last batches, and their memory, in a cycle.
            gc.collect()


def _need_no_flags() -> None:
    """Let Grain's workers ask absl for flags in a program that does not use absl."""
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
