"""Sums along lines beside loops in NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jiqa.ops.lines import Lines, line_energy, lines

_KIND = lines("0,1 1,3 | -1,2 4,-4") + lines("2,0", count=3)


def _sums(x: np.ndarray, kind: Lines) -> list[np.ndarray]:
    """Along every line, around every sample."""
    wide = np.pad(x, 4)
    found = []
    for line, _ in kind:
        sums = np.zeros(x.shape)
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                sums[i, j] = wide[i + 4, j + 4]
                for row, col in line:
                    sums[i, j] += wide[i + 4 + row, j + 4 + col]
                    sums[i, j] += wide[i + 4 - row, j + 4 - col]
        found.append(sums)
    return found


def test_lines_are_read() -> None:
    assert _KIND == (
        (((0, 1), (1, 3)), 1),
        (((-1, 2), (4, -4)), 1),
        (((2, 0),), 3),
    )


def test_energy_and_its_derivative(rng) -> None:
    x, weight = rng.random((2, 9, 13)) - 0.5
    sums = _sums(x, _KIND)
    energy = sum(count * s**2 for (_, count), s in zip(_KIND, sums, strict=True))
    slope = sum(
        _sums(2 * count * weight * s, (line,))[0]
        for line, s in zip(_KIND, sums, strict=True)
        for count in (line[1],)
    )
    with jax.enable_x64(True):
        np.testing.assert_allclose(line_energy(jnp.asarray(x), _KIND), energy)
        found = jax.grad(lambda v: jnp.sum(weight * line_energy(v, _KIND)))(x)
        np.testing.assert_allclose(found, slope, rtol=1e-10, atol=1e-12)
