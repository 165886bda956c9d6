"""Sums along short lines through every sample of a plane, squared and added up."""

from __future__ import annotations

import re
from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from jiqa.ops import stencil
from jiqa.ops.filters import pad
from jiqa.ops.numerics import added

#: The largest offset of a sample: one padding serves all lines.
_REACH = 4

#: One half of a line, (rows, columns) from its centre; the other is its reflection.
Line = tuple[tuple[int, int], ...]
#: Lines, each with how often it counts.
Lines = tuple[tuple[Line, int], ...]


def lines(text: str, count: int = 1) -> Lines:
    """Lines from their offsets: ``"0,1 0,2 | 1,0 2,0"`` are two of 5 samples."""
    found = []
    for line in text.split("|"):
        pairs = re.findall(r"(-?\d),(-?\d)", line)
        found.append((tuple((int(row), int(col)) for row, col in pairs), count))
    return tuple(found)


def line_energy(x: Array, kind: Lines) -> Array:
    """The sum over lines of the square of the sum along one; zeros lie outside ``x``.

    All lines are slices of one padded plane ``[H, W]``, which XLA makes a single loop.
    """
    return added(
        count * jnp.square(stencil.apply(_Along(line), x)) for line, count in kind
    )


@dataclass(frozen=True)
class _Along:
    """The sum along a line; point symmetry makes it its own adjoint."""

    line: Line

    def __call__(self, x: Array) -> Array:
        height, width = x.shape[-2:]
        padded = pad(x, (_REACH, _REACH), (_REACH, _REACH), "zero")

        def at(row: int, col: int) -> Array:
            row, col = row + _REACH, col + _REACH
            return padded[..., row : row + height, col : col + width]

        return at(0, 0) + added(
            at(*pair) + at(-pair[0], -pair[1]) for pair in self.line
        )

    def shape(self, shape: stencil.Shape) -> stencil.Shape:
        return shape

    def adjoint(self, y: Array, shape: stencil.Shape) -> Array:
        return stencil.apply(self, y)
