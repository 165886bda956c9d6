"""3x3 convolutions with fewer products: F(2x2, 3x3) of Winograd.

Four outputs of a 3x3 window take 36 products. Of the sixteen samples that they see, and
of the kernel, sixteen sums each can be made whose products are enough (Lavin and Gray,
"Fast algorithms for convolutional neural networks", CVPR 2016, section 4.1). Each of
the sixteen is a product of matrices, tiles by channels. Rounding is some four times
that of the plain sum: 1e-6 of the largest output in float32.

On the CPU this is faster than XLA's own convolution where there are many channels
(see ``jiqa.nn.kernel_gradients``); computing the sums takes longer than it saves
where there are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jiqa.nn.windows import shifted

Margins = tuple[tuple[int, int], tuple[int, int]]

#: Sums of a kernel's three samples, along one axis.
_KERNEL = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
#: Bytes that the sixteen sums may take at once.
_ROOM = 2**28


def convolved(x: Array, kernel: Array, padding: Margins) -> Array:
    """``x * kernel`` with stride 1.

    Args:
        x: ``[N, H, W, I]``.
        kernel: ``[3, 3, I, O]``.
        padding: zeros around the map.
    """
    rows, columns = (n - 2 for n in _padded(x, padding))
    u = jnp.asarray(_KERNEL, kernel.dtype)
    sums = jnp.einsum("ai,bj,ijco->abco", u, u, kernel, precision=lax.Precision.HIGHEST)

    def of(x: Array) -> Array:
        seen = _seen(x, padding)
        size = seen[0][0].shape[:-1]
        products = [
            [_product(v, k) for v, k in zip(line, kernel_row, strict=True)]
            for line, kernel_row in zip(seen, sums, strict=True)
        ]
        y = [
            jnp.stack([v.reshape(*size, -1) for v in line], 3)
            for line in _both(_outputs, products)
        ]
        y = jnp.stack(y, 2)
        return y.reshape(size[0], 2 * size[1], 2 * size[2], -1)[:, :rows, :columns]

    return jnp.concatenate([of(x[part]) for part in _parts(x, kernel.shape[-1])])


def input_gradient(slope: Array, kernel: Array, padding: Margins) -> Array:
    """The gradient of a convolution's input from that of its output ``[N, h, w, O]``.

    Args:
        slope: gradient of the output.
        kernel: ``[3, 3, I, O]``.
        padding: zeros around the convolution's map.
    """
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    (top, bottom), (left, right) = padding
    return convolved(slope, turned, ((2 - top, 2 - bottom), (2 - left, 2 - right)))


def kernel_gradient(x: Array, slope: Array, padding: Margins) -> Array:
    """The gradient of a convolution's kernel, ``[3, 3, I, O]``.

    Args:
        x: input ``[N, H, W, I]``.
        slope: gradient of the output ``[N, h, w, O]``.
        padding: zeros around the input.
    """
    total = jnp.zeros((4, 4, x.shape[-1], slope.shape[-1]), x.dtype)
    for part in _parts(x, slope.shape[-1]):
        of = slope[part]
        rows, columns = (n % 2 for n in of.shape[1:3])
        of = jnp.pad(of, ((0, 0), (0, rows), (0, columns), (0, 0)))
        tiles = [[of[:, i::2, j::2] for j in range(2)] for i in range(2)]
        pairs = zip(_seen(x[part], padding), _both(_slopes, tiles), strict=True)
        total += jnp.stack(
            [
                jnp.stack([_gram(v, s) for v, s in zip(line, kernel_row, strict=True)])
                for line, kernel_row in pairs
            ]
        )
    u = jnp.asarray(_KERNEL, x.dtype)
    return jnp.einsum("ai,bj,abco->ijco", u, u, total, precision=lax.Precision.HIGHEST)


def _padded(x: Array, padding: Margins) -> tuple[int, int]:
    rows, columns = (n + sum(m) for n, m in zip(x.shape[1:3], padding, strict=True))
    return rows, columns


def _parts(x: Array, features: int) -> list[slice]:
    """As many images at once as there is room for; at most eight groups.

    Every group is written out in the program: XLA computes sums inside of a loop on one
    core.
    """
    each = 4 * x[0, :, :, 0].size * max(x.shape[-1], features) * x.dtype.itemsize
    count = x.shape[0]
    images = max(1, _ROOM // each, -(-count // 8))
    return [slice(i, i + images) for i in range(0, count, images)]


def _seen(x: Array, padding: Margins) -> list[list[Array]]:
    """The sixteen sums of the inputs of every tile of outputs, ``[N, h/2, w/2, I]``."""
    tiles = [-(-(n - 2) // 2) for n in _padded(x, padding)]
    (top, bottom), (left, right) = padding
    # An odd row or column of outputs is one of a tile that goes beyond the map.
    more = [2 * t + 2 - n for t, n in zip(tiles, _padded(x, padding), strict=True)]
    x = jnp.pad(x, ((0, 0), (top, bottom + more[0]), (left, right + more[1]), (0, 0)))
    flat = shifted(x, (4, 4), 2, (tiles[0], tiles[1]))
    return _both(_inputs, [flat[4 * i : 4 * i + 4] for i in range(4)])


def _both(
    along: Callable[[Sequence[Array]], list[Array]], table: Sequence[Sequence[Array]]
) -> list[list[Array]]:
    """``along`` the columns, then the rows of a table of maps."""
    lines = [along(line) for line in table]
    return [
        list(line) for line in zip(*map(along, zip(*lines, strict=True)), strict=True)
    ]


def _inputs(d: Sequence[Array]) -> list[Array]:
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _outputs(m: Sequence[Array]) -> list[Array]:
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


def _slopes(s: Sequence[Array]) -> list[Array]:
    return [s[0], s[0] + s[1], s[0] - s[1], -s[1]]


def _product(v: Array, kernel: Array) -> Array:
    flat = v.reshape(-1, v.shape[-1])
    return jnp.dot(flat, kernel, precision=lax.Precision.HIGHEST)


def _gram(a: Array, b: Array) -> Array:
    """``[C, O]``: of every channel with every other, summed over all places."""
    return lax.dot_general(
        a.reshape(-1, a.shape[-1]),
        b.reshape(-1, b.shape[-1]),
        (((0,), (0,)), ((), ())),
        precision=lax.Precision.HIGHEST,
    )
