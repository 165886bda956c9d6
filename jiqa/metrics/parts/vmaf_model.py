"""VMAF's regression: from six features to a score, by the authors' support vectors."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of

#: File of each model, and by how much enhanced contrast may raise its features. The
#: authors' files without enhancement gain (NEG) hold the same vectors and numbers.
MODELS = {
    "v0.6.1": ("vmaf_float_v0.6.1.json", 100.0),
    "neg": ("vmaf_float_v0.6.1.json", 1.0),
    "4k": ("vmaf_float_4k_v0.6.1.json", 100.0),
    "4k-neg": ("vmaf_float_4k_v0.6.1.json", 1.0),
}
#: The features in the order of the models.
FEATURES = ("adm2", "motion2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3")
_FOLDER = Path(__file__).parent / "vmaf_models"


@dataclass(frozen=True, eq=False)
class Model:
    """A support vector regression with radial basis functions.

    Attributes:
        vectors: the support vectors ``[n, 6]``, rescaled features.
        coefficients: of the vectors, ``[n]``.
        gamma: of the basis functions exp(-gamma distance^2).
        rho: what is subtracted.
        slopes: that rescale the score and the features, ``[7]``.
        intercepts: that are added then, ``[7]``.
        clip: smallest and largest score.
        transform: coefficients of the polynomial that raises scores to those of a
            small screen, constant first; empty if the model has none.
    """

    vectors: np.ndarray
    coefficients: np.ndarray
    gamma: float
    rho: float
    slopes: np.ndarray
    intercepts: np.ndarray
    clip: tuple[float, float]
    transform: tuple[float, ...]


@functools.cache
def read_model(name: str) -> Model:
    """The model of a name in ``MODELS``.

    Raises:
        ValueError: there is none of this name.
    """
    one_of("model", name, *MODELS)
    text = (_FOLDER / MODELS[name][0]).read_text(encoding="utf-8")
    record = json.loads(text)["model_dict"]
    names = tuple(
        n.removeprefix("VMAF_feature_").removesuffix("_score")
        for n in record["feature_names"]
    )
    if names != FEATURES or record["norm_type"] != "linear_rescale":
        raise ValueError(expected(f"model {name!r}", "other features", f"{names}"))
    head, _, body = record["model"].partition("\nSV\n")
    facts = dict(line.split(maxsplit=1) for line in head.splitlines())
    rows = [line.split() for line in body.splitlines()]
    vectors = np.zeros((len(rows), len(names)))
    for vector, (_, *entries) in zip(vectors, rows, strict=True):
        for entry in entries:  # what is not written is 0
            index, value = entry.split(":")
            vector[int(index) - 1] = float(value)
    polynomial = record.get("score_transform", {})
    low, high = record["score_clip"]
    return Model(
        vectors,
        np.array([float(first) for first, *_ in rows]),
        float(facts["gamma"]),
        float(facts["rho"]),
        np.array(record["slopes"]),
        np.array(record["intercepts"]),
        (low, high),
        tuple(polynomial[p] for p in ("p0", "p1", "p2") if polynomial),
    )


def predict(
    features: Array, model: str = "v0.6.1", transform: bool = False, clip: bool = True
) -> Array:
    """The score of features ``[..., 6]``, in the order of ``FEATURES``.

    Args:
        features: what ``vmaf_features`` returns.
        model: a name in ``MODELS``.
        transform: whether the score is raised to that of a small screen.
        clip: whether the score is kept in [0, 100].

    Raises:
        ValueError: an unknown model, or one without a transform that is asked for.
    """
    known = read_model(model)
    dtype = features.dtype
    rescaled = features * known.slopes[1:].astype(dtype)
    rescaled = rescaled + known.intercepts[1:].astype(dtype)
    apart = rescaled[..., None, :] - known.vectors.astype(dtype)
    # The coefficients add up to 0 nearly: less 1, float32 adds up smaller numbers.
    near = jnp.expm1(-known.gamma * jnp.square(apart).sum(-1))
    total = _halves_added(near * known.coefficients.astype(dtype))
    offset = float(known.coefficients.sum()) - known.rho - float(known.intercepts[0])
    score = (total + offset) * (1 / float(known.slopes[0]))
    if transform:
        if not known.transform:
            found = f"{model!r}, whose file has none"
            raise ValueError(expected("model", "one with a score transform", found))
        p0, p1, p2 = known.transform
        score = jnp.maximum(p0 + (p1 + p2 * score) * score, score)
    return jnp.clip(score, *known.clip) if clip else score


def _halves_added(x: Array) -> Array:
    """Sum along the last axis, in the same order in every program.

    Terms cancel to a hundredth of their size, and a unit of the sum is 80 of the score:
    one after the other, float32 would lose the fourth digit.
    """
    length = 1 << (x.shape[-1] - 1).bit_length()
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, length - x.shape[-1])])
    while length > 1:
        length //= 2
        x = x[..., :length] + x[..., length:]
    return x[..., 0]
