"""The discrete cosine transform of short signals, as a matrix."""

from __future__ import annotations

import functools

import numpy as np


@functools.cache
def dct_matrix(size: int) -> np.ndarray:
    """The orthonormal DCT-II of ``size`` samples: a basis vector a row, the mean first.

    Of a block ``x`` the two-dimensional transform is ``m @ x @ m.T``; of its samples in
    one column, row after row, it is ``np.kron(m, m)``. Read only.
    """
    k, i = np.arange(size)[:, None], np.arange(size)
    matrix = np.sqrt(2 / size) * np.cos(np.pi * (2 * i + 1) * k / (2 * size))
    matrix[0] /= np.sqrt(2)
    matrix.setflags(write=False)
    return matrix
