"""The mean squared error of the best multiple of an image: scale-invariant MSE."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from jiqa.core.metric import full_reference
from jiqa.ops.extent import Extent
from jiqa.ops.numerics import mean, safe_divide, total


@full_reference(
    title="Scale-invariant mean squared error",
    direction="lower",
    range=(0.0, float("inf")),
    identity=0.0,
    symmetric=False,
    min_side=1,
    colour="channels",
    citation=(
        "Grosse, Johnson, Adelson, Freeman: Ground truth dataset and baseline "
        "evaluations for intrinsic image algorithms. ICCV, 2009. "
        "doi:10.1109/ICCV.2009.5459428"
    ),
    fidelity="paper",
    fidelity_note=(
        "1e-10 relative (x64) of NumPy's least squares on the definition in the paper"
    ),
)
def simse(
    reference: Array,
    distorted: Array,
    *,
    data_range: float = 1.0,
    extent: Extent | None = None,
) -> Array:
    """Mean squared error of the multiple of the distorted image that fits best.

    min over a of mean((x - a y)^2) * data_range^2, over all samples and one a for all
    channels: a = sum(x y) / sum(y^2). This is what Grosse et al. compare shading and
    reflectance by, which are known up to a factor, and what is called si-MSE since; on
    samples as they are given, encoded as sRGB or not.

    Args:
        reference: images ``[..., H, W, C]``.
        distorted: images of the same shape.
        data_range: scale of the result; 255 gives the value on 8-bit levels.
        extent: what of the arrays is the image, in a program for any size.

    Returns:
        ``[...]``, from 0 to data_range^2, lower is better, 0 for identical images and
        for multiples of the reference. Against black it is the reference's power.
    """
    channels = reference.shape[-1]
    x, y = (v.reshape(len(v), -1) for v in (reference, distorted))
    samples = extent and Extent(extent.rows, extent.cols * channels)
    scale = safe_divide(total(x * y, samples), total(y * y, samples))
    return mean(jnp.square(x - scale * y), samples) * data_range**2
