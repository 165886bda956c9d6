"""Sliding windows over maps ``[N, H, W, C]``: their margins and their samples."""

from __future__ import annotations

from jax import Array

#: Zeros before and after, by axis; or one number for all, or one for each axis.
Padding = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]


def both(value: int | tuple[int, int]) -> tuple[int, int]:
    """A number for each of the two axes."""
    return value if isinstance(value, tuple) else (value, value)


def margins(padding: Padding) -> tuple[tuple[int, int], tuple[int, int]]:
    """Zeros (before, after) the rows, then the columns."""
    rows, columns = both(padding) if isinstance(padding, int) else padding
    return both(rows), both(columns)


def shifted(
    x: Array, window: tuple[int, int], stride: int, size: tuple[int, int]
) -> list[Array]:
    """The first sample of every window of ``[N, H, W, C]``, the second, and so on.

    Args:
        x: maps that have their margins.
        window: rows and columns of a window.
        stride: between windows.
        size: rows and columns of windows.
    """
    rows, columns = ((n - 1) * stride + 1 for n in size)
    return [
        x[:, i : i + rows : stride, j : j + columns : stride]
        for i in range(window[0])
        for j in range(window[1])
    ]
