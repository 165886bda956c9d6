"""Singular values and vectors of small blocks: M-SVD and projections on them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

from jiqa.contract import full_reference
from jiqa.filters import pad
from jiqa.images import luma255
from jiqa.numerics import mean, safe_divide, safe_sqrt

_EXACT = lax.Precision.HIGHEST


def _side(block: int = 8, **_: object) -> int:
    return max(block, 1)


def _check(block: int, partial: str, output: str) -> None:
    if not 2 <= block <= 64:
        raise ValueError(f"block={block!r}; needed is 2 to 64")
    if partial not in ("drop", "mirror"):
        raise ValueError(f'partial={partial!r}; needed is "drop" or "mirror"')
    if output not in ("score", "map"):
        raise ValueError(f'output={output!r}; needed is "score" or "map"')


def _blocks(plane: Array, size: int, partial: str) -> Array:
    """Blocks that tile a plane from its top left corner, ``[rows, cols, n, n]``."""
    if partial == "mirror":
        missing = -plane.shape[0] % size, -plane.shape[1] % size
        plane = pad(plane, (0, 0), missing, "symmetric")
    rows, cols = plane.shape[0] // size, plane.shape[1] // size
    plane = plane[: rows * size, : cols * size]
    return plane.reshape(rows, size, cols, size).swapaxes(1, 2)


def _deviation(errors: Array, middle: str) -> Array:
    """Mean distance of the blocks' errors from their middle one."""
    ordered = jnp.sort(errors.reshape(-1))
    low, high = (ordered.size - 1) // 2, ordered.size // 2
    ends = {"lower": (low, low), "upper": (high, high), "mean": (low, high)}[middle]
    centre = 0.5 * (ordered[ends[0]] + ordered[ends[1]])
    return mean(jnp.abs(errors - centre))


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

    Returns:
        ``[...]``, 0 for identical images, lower is better.

    Raises:
        ValueError: an unknown option value, or an image smaller than a block.
    """
    _check(block, partial, output)
    if middle not in ("mean", "lower", "upper"):
        raise ValueError(f'middle={middle!r}; needed is "mean", "lower" or "upper"')
    planes = (luma255(x, luma) for x in (reference, distorted))
    pair = jnp.stack([_blocks(p, block, partial) for p in planes])
    # Values alone have a finite gradient, u v', even where several are equal.
    one, two = jnp.linalg.svd(pair, compute_uv=False)
    errors = safe_sqrt(jnp.square(one - two).sum(-1))
    return errors if output == "map" else _deviation(errors, middle)


@jax.custom_jvp
def _decompose(x: Array) -> tuple[Array, Array, Array]:
    """u, s and v' of square matrices ``[..., n, n]``; see ``_decompose_jvp``."""
    u, s, vt = jnp.linalg.svd(x, full_matrices=False)
    return u, s, vt


@_decompose.defjvp
def _decompose_jvp(
    primals: tuple[Array], tangents: tuple[Array]
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
    """Singular vectors turn by 1 / (s_j^2 - s_i^2) into each other.

    Where two values are equal their vectors are any pair of their plane, and a turn
    within it is left out instead of infinite.
    """
    u, s, vt = _decompose(*primals)
    inner = _project(u, tangents[0], vt)
    square = jnp.square(s)
    gap = square[..., None, :] - square[..., :, None]
    least = 16 * jnp.finfo(s.dtype).eps * square[..., :1, None]
    turn = safe_divide(jnp.ones_like(gap), jnp.where(jnp.abs(gap) > least, gap, 0))
    scaled = inner * s[..., None, :]
    mirrored = inner * s[..., :, None]
    du = jnp.matmul(u, turn * (scaled + scaled.mT), precision=_EXACT)
    dv = jnp.matmul(vt.mT, turn * (mirrored + mirrored.mT), precision=_EXACT)
    ds = jnp.diagonal(inner, axis1=-2, axis2=-1)
    return (u, s, vt), (du, ds, dv.mT)


def _project(u: Array, x: Array, vt: Array) -> Array:
    """U' x v."""
    inner = jnp.matmul(u.mT, x, precision=_EXACT)
    return jnp.matmul(inner, vt.mT, precision=_EXACT)


@full_reference(
    title="Projection on the reference's singular vectors",
    symmetric=False,
    citation=(
        "after Torkamani-Azar, Amirshahi: A new approach for image quality assessment "
        "using SVD. ISSPA 2007"
    ),
    fidelity_note=(
        "formula reconstructed from the abstracts of the paper and of its successor "
        "(Torkamani-Azar 2018); no golden values; every guess is an option"
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
) -> Array:
    """Change of each block as its reference's singular vectors see it.

    With A = U S V' of a reference block and B the distorted one, P = U' B V equals S
    where nothing has changed. The error of a block is the length of diag(P) - diag(S),
    on 0..255; the image's is its mean.

    Args:
        reference: images ``[..., H, W, C]``; only their vectors are used.
        distorted: images of the same shape.
        luma: ``"bt601"``, or ``"matlab"`` (uint8 ``rgb2gray``, rounded).
        block: side of the blocks. A guess: the authors' successor and M-SVD use 8.
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

    Returns:
        ``[...]``, 0 for identical images, lower is better.

    Raises:
        ValueError: an unknown option value, or an image smaller than a block.
    """
    _check(block, partial, output)
    if pooling not in ("mean", "deviation"):
        raise ValueError(f'pooling={pooling!r}; needed is "mean" or "deviation"')
    if off_diagonal < 0 or not 0 <= tolerance < 1:
        raise ValueError(
            f"off_diagonal={off_diagonal!r}, tolerance={tolerance!r}; needed are 0 or "
            "more, and 0 up to 1"
        )
    if luma == "bt601":
        change = luma255(distorted - reference, luma)
    else:
        change = luma255(distorted, luma) - luma255(reference, luma)
    u, s, vt = _decompose(_blocks(luma255(reference, luma), block, partial))
    # P - S, without subtracting what is nearly equal.
    squares = jnp.square(_project(u, _blocks(change, block, partial), vt))
    empty = (s <= tolerance * s[..., :1]).astype(s.dtype)
    own = jnp.maximum(
        jnp.eye(block, dtype=s.dtype), empty[..., :, None] * empty[..., None, :]
    )
    weights = own + off_diagonal**2 * (1 - own)
    errors = safe_sqrt((squares * weights).sum((-2, -1)))
    if output == "map":
        return errors
    return mean(errors) if pooling == "mean" else _deviation(errors, "mean")
