"""Singular values and vectors of small blocks: M-SVD and projections on them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.core.metric import full_reference
from jiqa.ops.extent import Extent, extended, keep
from jiqa.ops.filters import pad
from jiqa.ops.luma import luma255
from jiqa.ops.numerics import mean, safe_sqrt
from jiqa.ops.small_svd import project, remainder, singular_values, singular_vectors


def _side(block: int = 8, **_: object) -> int:
    return max(block, 1)


def _check(block: int, partial: str, output: str) -> None:
    if not 2 <= block <= 64:
        raise ValueError(expected("block", "2 to 64 pixels", repr(block)))
    one_of("partial", partial, "drop", "mirror")
    one_of("output", output, "score", "map")


def _blocks(
    plane: Array, size: int, partial: str, extent: Extent | None
) -> tuple[Array, Extent | None]:
    """Blocks that tile a plane from its top left corner, ``[n, n, rows, cols]``.

    And which of them are the image's, where not all are.
    """
    found = extent and extent.blocks(size)
    if extent is not None and partial == "mirror":
        sides = [-(-n // size) * size for n in plane.shape]
        plane = extended(plane, extent, (0, 0), (size - 1, size - 1), "symmetric")
        plane, found = plane[: sides[0], : sides[1]], extent.over(size)
    elif partial == "mirror":
        missing = -plane.shape[0] % size, -plane.shape[1] % size
        plane = pad(plane, (0, 0), missing, "symmetric")
    rows, cols = plane.shape[0] // size, plane.shape[1] // size
    plane = plane[: rows * size, : cols * size]
    # Black outside the image: its derivatives are finite.
    plane = keep(plane, found and found.map(lambda n: n * size))
    return plane.reshape(rows, size, cols, size).transpose(1, 3, 0, 2), found


def _deviation(errors: Array, middle: str, extent: Extent | None) -> Array:
    """Mean distance of the blocks' errors from their middle one."""
    ordered = jnp.sort(keep(errors, extent, np.inf).reshape(-1))
    count: Any = ordered.size if extent is None else extent.rows * extent.cols
    low, high = (count - 1) // 2, count // 2
    ends = {"lower": (low, low), "upper": (high, high), "mean": (low, high)}[middle]
    centre = 0.5 * (ordered[ends[0]] + ordered[ends[1]])
    return mean(jnp.abs(errors - centre), extent)


_SHARED = {
    "direction": "lower",
    "range": (0.0, float("inf")),
    "identity": 0.0,
    "min_side": 8,
    "min_side_for": _side,
    "colour": "luma",
    "maps": "difference",
    "fidelity": "reconstruction",
}


@full_reference(
    title="Singular value decomposition measure",
    symmetric=True,
    citation=(
        "Shnayderman, Gusev, Eskicioglu: An SVD-based grayscale image quality measure "
        "for local and global assessment. IEEE TIP 15(2), 2006. "
        "doi:10.1109/TIP.2005.860605"
    ),
    fidelity_note=(
        "formula as the literature repeats it, without the paper's text or code; no "
        "golden values; what is open is an option"
    ),
    **_SHARED,
)
def msvd(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    block: int = 8,
    partial: str = "drop",
    middle: str = "mean",
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """M-SVD (Shnayderman et al. 2006): how unevenly blocks' singular values change.

    D_i = sqrt(sum_j (s_j - t_j)^2) of the ordered singular values of block i in both
    images, on 0..255; the map of D_i is the paper's graphical measure and
    mean |D_i - D_mid| its number. An error that is the same in all blocks therefore
    costs nothing: look at the map as well.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded). The measure
            is for grey images; luma stands for them.
        block: side of the blocks; 8 is the paper's.
        partial: blocks that the right and bottom edges cut: ``"drop"`` them, as other
            block measures do, or fill them up by the ``"mirror"`` image. The paper's
            images are whole blocks.
        middle: D_mid, "the middle of the ordered D_i", for an even number of blocks:
            the ``"mean"`` of the two middle ones (MATLAB's ``median``), or the
            ``"lower"`` or ``"upper"`` one.
        output: ``"score"``, or ``"map"`` for D_i, ``[..., H / block, W / block]``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 for identical images, lower is better.

    Raises:
        ValueError: an unknown option value, or an image smaller than a block.
    """
    _check(block, partial, output)
    one_of("middle", middle, "mean", "lower", "upper")
    planes = (luma255(x, luma) for x in (reference, distorted))
    (first, found), (second, _) = (_blocks(p, block, partial, extent) for p in planes)
    pair = jnp.stack([first, second], 2)
    values = singular_values(pair.reshape(block, block, -1))
    one, two = jnp.sort(values, axis=0).reshape(block, *pair.shape[2:]).swapaxes(0, 1)
    errors = safe_sqrt(jnp.square(one - two).sum(0))
    return errors if output == "map" else _deviation(errors, middle, found)


@full_reference(
    title="Projection on the reference's singular vectors",
    symmetric=False,
    citation=(
        "after Torkamani-Azar, Amirshahi: A new approach for image quality assessment "
        "using SVD. ISSPA 2007"
    ),
    fidelity_note=(
        "formula reconstructed from the abstract of a successor (Image quality "
        "assessment using block-based weighted SVD, SIViP 2018, "
        "doi:10.1007/s11760-018-1287-8) without the paper's text or code; no golden "
        "values; every guess is an option"
    ),
    **_SHARED,
)
def svd_projection(
    reference: Array,
    distorted: Array,
    *,
    luma: str = "bt601",
    block: int = 8,
    partial: str = "drop",
    off_diagonal: float = 0.0,
    tolerance: float = 1e-5,
    pooling: str = "mean",
    output: str = "score",
    extent: Extent | None = None,
) -> Array:
    """Change of each block in the coordinates of its reference's singular vectors.

    With A = U S V' of a reference block and B the distorted one, P = U' B V equals S
    where nothing has changed. The error of a block is the length of diag(P) - diag(S),
    on 0..255; the image's is its mean.

    Args:
        reference: images ``[..., H, W, C]``; only their vectors are used.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        block: side of the blocks. A guess: 8, as M-SVD.
        partial: blocks that the edges cut: ``"drop"``, or fill by the ``"mirror"``
            image. A guess: nothing is known.
        off_diagonal: weight of P's entries off the diagonal. A guess: 0, since only
            the coefficients on the vectors' own pairs are known to be compared; at 1
            the error is the plain Euclidean distance of the blocks.
        tolerance: singular values up to this part of the largest count as 0. Their
            vectors are arbitrary (all but one pair of a flat block), so the
            length of their whole part of P takes the place of its diagonal.
        pooling: ``"mean"`` of the blocks' errors, or ``"deviation"`` from their
            median, as M-SVD. A guess: the plainest.
        output: ``"score"``, or ``"map"`` for the blocks' errors,
            ``[..., H / block, W / block]``.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, 0 for identical images, lower is better.

    Raises:
        ValueError: an unknown option value, or an image smaller than a block.
    """
    _check(block, partial, output)
    one_of("pooling", pooling, "mean", "deviation")
    if off_diagonal < 0 or not 0 <= tolerance < 1:
        wanted = "0 or more, and from 0 to below 1"
        got = f"{off_diagonal!r} and {tolerance!r}"
        raise ValueError(expected("off_diagonal, tolerance", wanted, got))
    if luma == "bt601":
        change = luma255(distorted - reference, luma)
    else:
        change = luma255(distorted, luma) - luma255(reference, luma)
    blocks, found = _blocks(luma255(reference, luma), block, partial, extent)
    change, _ = _blocks(change, block, partial, extent)
    shape, flat = blocks.shape[2:], (block, block, -1)
    change = change.reshape(flat)
    u, s, v = singular_vectors(blocks.reshape(flat))
    # P - S, without subtracting what is nearly equal; of vectors that are not
    # arbitrary only. What lies across all of those is the rest.
    spanned = (s > tolerance * s.max(0)).astype(s.dtype)[:, None]
    u, v = u * spanned, v * spanned
    squared = jnp.square(jnp.diagonal(project(u, change, v))).sum(-1)
    squared = squared + jnp.square(remainder(u, change, v)).sum((0, 1))
    if off_diagonal:
        off = jnp.square(change).sum((0, 1)) - squared
        squared = squared + off_diagonal**2 * jnp.maximum(off, 0)
    errors = safe_sqrt(squared).reshape(shape)
    if output == "map":
        return errors
    if pooling == "mean":
        return mean(errors, found)
    return _deviation(errors, "mean", found)
