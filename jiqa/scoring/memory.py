"""Scoring within a budget of memory.

Learned features that do not fit whole are computed in tiles; metrics that would need
too much together are computed one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.core.bound_metric import BoundMetric, Params
from jiqa.core.tile_plan import bytes_needed, tile_side
from jiqa.core.tiled import tiled
from jiqa.errors import UsageError
from jiqa.scoring.batching import BATCH_IMAGES, Layout
from jiqa.scoring.compiled import Program

#: Bytes a pixel of XLA's temporary buffers, measured at 768x768 with uint8 images and
#: default options (``compiled.memory_analysis()``), and what others are taken for.
_PER_PIXEL = {
    **{"brisque": 58, "cvvdp": 149, "cw_ssim": 48, "delta_e": 156, "dss": 13},
    **{"fsim": 12, "fsimc": 28, "gmsd": 3, "haarpsi": 29, "ifc": 97, "iw_mse": 150},
    **{"iw_psnr": 150, "iw_ssim": 151, "mad": 96, "mae": 48, "mdsi": 28},
    **{"ms_gmsd": 34, "ms_ssim": 49, "mse": 48, "msvd": 24, "niqe": 64, "nlpd": 31},
    **{"nqm": 35, "piqe": 32, "psnr": 48, "psnr_hvs": 4, "psnr_hvs_m": 32},
    **{"rmse": 48, "snr": 36, "sr_sim": 4, "ssim": 32, "svd_projection": 52},
    **{"uqi": 60},
}
_USUAL = 100

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_BINARY = {"ki": 2**10, "mi": 2**20, "gi": 2**30}


def read_bytes(text: str) -> int:
    """Parse a number of bytes, such as ``512MB``, ``1.5 GiB`` or ``600000000``.

    Raises:
        UsageError: something else.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", text.lower())
    if found is None:
        raise UsageError(expected("memory", "a size such as 512MB or 2GiB", repr(text)))
    return int(float(found[1]) * (_UNITS | _BINARY)[found[2] or ""])


def whole_bytes(choice: BoundMetric, layout: Layout) -> float:
    """Return the bytes of a metric's learned features of a pair; 0 without any."""
    deep = choice.metric.deep
    if deep is None:
        return 0
    options = choice.deep_options
    if not deep.spec(options).taps:
        return 0  # a custom network: its size is unknown
    try:
        reduction = deep.tile_reduction(options)
    except ValueError:
        reduction = None
    return bytes_needed(deep.spec(options), reduction, layout.height, layout.width)


def working_bytes(choice: BoundMetric, layout: Layout) -> float:
    """Return about how many bytes a metric needs beside the images of a pair.

    Of a classical metric by its name: XLA keeps so much for its fields on the CPU.
    """
    if choice.metric.deep is not None:
        return whole_bytes(choice, layout)
    return _PER_PIXEL.get(choice.name, _USUAL) * layout.height * layout.width


def in_turns(
    choices: Sequence[BoundMetric], layout: Layout, memory: int
) -> list[list[BoundMetric]]:
    """Divide metrics into parts that fit into the memory, one metric at least each."""
    parts: list[list[BoundMetric]] = []
    left = 0.0
    for choice in choices:
        needed = working_bytes(choice, layout)
        if not parts or needed > left:
            parts.append([])
            left = float(memory)
        parts[-1].append(choice)
        left -= needed
    return parts


def fits(choice: BoundMetric, layout: Layout, memory: int) -> bool:
    """Return whether a metric takes a pair of that layout whole; or else in tiles.

    Raises:
        ValueError: it can do neither with so much memory.
    """
    needed = whole_bytes(choice, layout)
    if needed <= memory:
        return True
    deep = choice.metric.deep
    assert deep is not None
    options = choice.deep_options
    try:
        tile_side(deep.spec(options), deep.tile_reduction(options), memory)
    except ValueError as error:
        raise ValueError(
            f"{choice.label}: {error}; the whole image needs {needed:.0f} bytes, but "
            f"only {memory} are allowed"
        ) from None
    return False


def program_for(
    choices: list[BoundMetric],
    layout: Layout,
    folder: Path | None,
    params: Params,
    memory: int | None,
    devices: Sequence[Any] = (),
) -> tuple[Any, list[BoundMetric], int]:
    """Return the program, the order of its columns, and how many images it takes.

    Args:
        choices: that ``fits`` has let through.
        layout: of the images.
        folder: in which traced programs are kept.
        params: learned ones, by set and key.
        memory: the budget in bytes, if there is one.
        devices: among which batches are divided; with a budget, the first does all.
    """
    if memory is None:
        return Program(choices, folder, params, devices), choices, BATCH_IMAGES
    whole = [choice for choice in choices if fits(choice, layout, memory)]
    tiles = [choice for choice in choices if choice not in whole]
    parts = in_turns(whole, layout, memory)
    programs = [Program(part, folder, params) for part in parts]
    program = programs[0] if len(programs) == 1 else InTurns(programs)
    if not tiles:
        needed = sum(whole_bytes(choice, layout) for choice in whole)
        return program, whole, int(memory // max(needed, 1))
    return (
        TiledProgram(program if whole else None, tiles, params, memory),
        [*whole, *tiles],
        1,
    )


class InTurns:
    """Like ``Program``: several, one after the other, so that each frees its memory."""

    def __init__(self, programs: Sequence[Program]) -> None:
        """Take programs whose columns follow each other."""
        self._programs = tuple(programs)

    def prepare(self, reference: Any, image: Any) -> None:
        """Load what is kept on disk; see ``Program.prepare``."""
        for program in self._programs:
            program.prepare(reference, image)

    def is_ready(self, reference: Any, image: Any) -> bool:
        """Whether all can compute such a batch at once."""
        return all(program.is_ready(reference, image) for program in self._programs)

    def make(self, reference: Any, image: Any) -> None:
        """Compile all."""
        for program in self._programs:
            program.make(reference, image)

    def __call__(self, reference: Any, image: Any) -> list[Any]:
        """Score a batch; every program waits for the one before it."""
        columns: list[Any] = []
        for program in self._programs:
            columns += [np.asarray(v) for v in program(reference, image)]
        return columns


class TiledProgram:
    """Like ``Program``, for one pair at a time: some metrics whole, others in tiles.

    The columns of those in tiles come last.
    """

    def __init__(
        self,
        whole: Program | InTurns | None,
        choices: Sequence[BoundMetric],
        params: Params,
        most: int,
    ) -> None:
        """Take the program of what fits, and what does not fit into ``most`` bytes."""
        self._whole, self._memory = whole, most
        self._params, self._tiled = params, tuple(choices)

    def prepare(self, reference: Any, image: Any) -> None:
        """Have the program of what fits ready; see ``Program.prepare``."""
        if self._whole is not None:
            self._whole.prepare(reference, image)

    def is_ready(self, reference: Any, image: Any) -> bool:
        """Whether what fits can be computed at once."""
        return self._whole is None or self._whole.is_ready(reference, image)

    def make(self, reference: Any, image: Any) -> None:
        """Compile the program of what fits."""
        if self._whole is not None:
            self._whole.make(reference, image)

    def __call__(self, reference: Any, image: Any) -> list[Any]:
        """Score a batch."""
        columns: list[Any] = []
        if self._whole is not None:
            columns += self._whole(reference, image)
        references = np.broadcast_to(reference, image.shape)
        for choice in self._tiled:
            scores = [
                tiled(choice, self._params, *pair, memory=self._memory)
                for pair in zip(references, image, strict=True)
            ]
            columns.append(np.stack(scores))
        return columns
