"""Extreme eigenvectors of a symmetric matrix of which only products are known.

C. Lanczos, "An iteration method for the solution of the eigenvalue problem of linear
differential and integral operators", 1950, with every vector made orthogonal to all
before it. One run finds both ends of the spectrum: a shift of the matrix, by which
power iteration turns to the other end, changes nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

#: A new vector that is shorter, in parts of the largest eigenvalue, is rounding.
_NOTHING = 1e-6


@dataclass(frozen=True)
class Extremes:
    """Both ends of a spectrum.

    Attributes:
        values: the largest and the smallest eigenvalue.
        vectors: theirs, of length 1 ``[2, N]``.
        residuals: length of ``A v - value v`` for both.
        course: largest and smallest value after each step ``[steps, 2]``.
    """

    values: tuple[float, float]
    vectors: np.ndarray
    residuals: tuple[float, float]
    course: np.ndarray


def extremes(
    product: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    *,
    steps: int,
    on_step: Callable[[int], None] | None = None,
) -> Extremes:
    """Find the largest and the smallest eigenvalue with their vectors.

    Memory for ``steps`` vectors is needed.

    Args:
        product: multiplies the matrix by a vector ``[N]``.
        start: a vector ``[N]`` with a part along those that are looked for, such as a
            random one.
        steps: products, at most, and two more for the residuals; it ends earlier where
            the vectors so far are all that the matrix makes of the start.
        on_step: called after each of them with how many are done.
    """
    steps = min(steps, start.size)
    basis = np.zeros((steps, start.size), start.dtype)
    new = start / np.linalg.norm(start)
    inner: list[float] = []
    outer: list[float] = []
    course = []
    for number in range(steps):
        basis[number] = new
        made = np.array(product(new), start.dtype)
        inner.append(float(made @ new))
        for _ in range(2):  # once leaves rounding errors that grow
            made -= (basis[: number + 1] @ made) @ basis[: number + 1]
        outer.append(float(np.linalg.norm(made)))
        values = eigh_tridiagonal(inner, outer[:-1], eigvals_only=True)
        course.append((values[-1], values[0]))
        if on_step is not None:
            on_step(number + 1)
        if outer[-1] <= _NOTHING * np.abs(values).max():
            break
        new = made / outer[-1]
    values, vectors = eigh_tridiagonal(inner, outer[:-1])
    ends = vectors[:, [-1, 0]]
    found = ends.T.astype(start.dtype) @ basis[: len(inner)]
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    values = values[[-1, 0]]
    # What the method knows of them is far below rounding.
    made = np.stack([np.asarray(product(vector)) for vector in found])
    left = np.linalg.norm(made - values[:, None] * found, axis=1)
    return Extremes(
        values=(float(values[0]), float(values[1])),
        vectors=found,
        residuals=(float(left[0]), float(left[1])),
        course=np.array(course),
    )
