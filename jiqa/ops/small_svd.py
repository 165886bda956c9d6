"""Singular values and vectors of many small matrices at once, by Jacobi rotations.

LAPACK's batched routine waits inside the CPU's thread pool for threads of that pool:
two such calls in one program can wait for each other for ever. One-sided Jacobi on
arrays ``[n, n, N]``, whose long axis comes last, is as fast, runs on every backend and
finds small singular values to their last digits.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.ops.numerics import added, safe_divide, safe_sqrt

#: Matrices that are worked on at once; their columns stay in the cache.
_CHUNK = 512


@jax.custom_jvp
def singular_values(x: Array) -> Array:
    """Singular values ``[n, N]`` of matrices ``[n, n, N]``, in no order.

    The gradient is u v', finite also where several are equal; 0 where one is 0.
    """
    return safe_sqrt(_norms(_rotated(x, vectors=False)))


@singular_values.defjvp
def _values_jvp(primals: Any, tangents: Any) -> Any:
    u, s, v = singular_vectors(*primals)
    return s, jnp.diagonal(project(u, tangents[0], v)).T


@jax.custom_jvp
def singular_vectors(x: Array) -> tuple[Array, Array, Array]:
    """u, s and v of matrices ``[n, n, N]``: x = sum_j s_j u_j v_j', in no order.

    Returns:
        u and v as ``[j, component, N]``, s as ``[j, N]``. Where s_j is 0, so is u_j.
    """
    n = x.shape[0]
    both = _rotated(x, vectors=True)
    s = safe_sqrt(_norms(both[:, :n]))
    return safe_divide(both[:, :n], s[:, None]), s, both[:, n:]


@singular_vectors.defjvp
def _vectors_jvp(primals: Any, tangents: Any) -> Any:
    """Singular vectors turn by 1 / (s_j^2 - s_i^2) into each other.

    Where two values are equal their vectors are any pair of their plane, and a turn
    within it is left out instead of infinite.
    """
    u, s, v = singular_vectors(*primals)
    inner = project(u, tangents[0], v)
    square = s * s
    gap = square[None, :] - square[:, None]
    least = 16 * jnp.finfo(s.dtype).eps * square.max(0)
    turn = safe_divide(jnp.ones_like(gap), jnp.where(jnp.abs(gap) > least, gap, 0))
    scaled, mirrored = inner * s[None, :], inner * s[:, None]
    du = _mix(turn * (scaled + scaled.swapaxes(0, 1)), u)
    dv = _mix(turn * (mirrored + mirrored.swapaxes(0, 1)), v)
    return (u, s, v), (du, jnp.diagonal(inner).T, dv)


def project(u: Array, x: Array, v: Array) -> Array:
    """u_i' x v_j as ``[i, j, N]``, of matrices x ``[row, column, N]``."""
    along = added(x[:, k] * v[:, k][:, None] for k in range(x.shape[1]))
    return added(u[:, r][:, None] * along[:, r][None] for r in range(x.shape[0]))


def remainder(u: Array, x: Array, v: Array) -> Array:
    """The part of matrices x along none of the u (columns) and none of the v (rows).

    u and v are orthonormal, or 0 for directions that do not count.
    """
    n = x.shape[0]
    seen = added(u[:, r][:, None] * x[r][None] for r in range(n))
    x = x - added(u[j][:, None] * seen[j][None] for j in range(len(u)))
    seen = added(v[:, k][:, None] * x[:, k][None] for k in range(n))
    return x - added(seen[j][:, None] * v[j][None] for j in range(len(v)))


def _mix(turn: Array, vectors: Array) -> Array:
    """sum_i turn[i, j] vectors[i] as ``[j, component, N]``."""
    return added(turn[i][:, None] * vectors[i][None] for i in range(len(turn)))


def _norms(columns: Array) -> Array:
    return jnp.square(columns).sum(1)


def _rotated(x: Array, *, vectors: bool) -> Array:
    """Columns u_j s_j, and below them v_j, ``[j, n or 2 n, N]``."""
    n, count = x.shape[0], x.shape[2]
    chunk = min(_CHUNK, count)
    parts = -(-count // chunk)
    x = jnp.pad(x, ((0, 0), (0, 0), (0, parts * chunk - count)))
    x = x.reshape(n, n, parts, chunk).transpose(2, 1, 0, 3)
    out = lax.map(lambda part: _rotate(part, vectors=vectors), x)
    return out.transpose(1, 2, 0, 3).reshape(n, -1, parts * chunk)[:, :, :count]


def _rotate(columns: Array, *, vectors: bool) -> Array:
    """Turn pairs of columns until all are orthogonal, half of them at a time.

    Every round pairs the upper half with the lower one, and the columns then move on
    round a circle but for the first: n - 1 rounds meet all pairs.
    """
    n, _, count = columns.shape
    even = n + n % 2
    if vectors:
        unit = jnp.eye(n, dtype=columns.dtype)[:, :, None]
        unit = jnp.broadcast_to(unit, (n, n, count))
        columns = jnp.concatenate([columns, unit], 1)
    columns = jnp.pad(columns, ((0, even - n), (0, 0), (0, 0)))
    half = even // 2

    def turn(_: int, halves: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = halves
        across = (a[:, :n] * b[:, :n]).sum(1)
        gap = _norms(b[:, :n]) - _norms(a[:, :n])
        length = jnp.sqrt(gap * gap + 4 * across * across)
        tangent = safe_divide(2 * across, gap + jnp.where(gap < 0, -length, length))
        cosine = lax.rsqrt(1 + tangent * tangent)
        sine = (cosine * tangent)[:, None]
        cosine = cosine[:, None]
        a, b = cosine * a - sine * b, sine * a + cosine * b
        if half == 1:
            return a, b
        return (
            jnp.concatenate([a[:1], b[:1], a[1 : half - 1]]),
            jnp.concatenate([b[1:], a[half - 1 :]]),
        )

    # Convergence is quadratic: so many sweeps leave nothing but rounding.
    sweeps = (6 if columns.dtype == jnp.float32 else 8) + max(n // 8 - 1, 0)
    start = (columns[:half], columns[half:])
    upper, lower = lax.fori_loop(0, sweeps * (even - 1), turn, start)
    columns = jnp.concatenate([upper, lower])
    # After whole turns of the circle the column that made n even is last again.
    return columns[:n]
