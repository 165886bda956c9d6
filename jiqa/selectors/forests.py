"""Random forests as plain arrays, computed in JAX.

All trees of all forests lie one after the other. In a tree a node's two followers stand
side by side, so that one number, the step to the left one, leads to both. The left one
is for values up to the threshold. A leaf's step is 0 and its threshold infinite: who
has arrived stays, and every tree is walked as many times as the deepest one needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected

#: Whole numbers up to this are exact in float32, in which all arrays are kept.
_MOST = 2**24

#: Rows of a table that are computed at once.
_ROWS = 256


@dataclass(frozen=True)
class Forests:
    """Several forests of as many trees each.

    Attributes:
        arrays: float32, by key: ``feature``, ``threshold`` and ``step`` of each node
            [nodes]; ``value`` of each node [nodes, outputs]; ``size``, the nodes of
            each tree [forests, trees].
        depth: steps from the root to the deepest leaf.
    """

    arrays: Mapping[str, np.ndarray]
    depth: int

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Compute outputs [n, forests, outputs] of many rows [n, features]."""
        rows = jnp.asarray(features, jnp.float32)
        arrays = {k: jnp.asarray(v) for k, v in self.arrays.items()}
        return np.asarray(_of_rows(arrays, self.depth, rows))


def outputs(arrays: Mapping[str, Any], depth: int, features: Array) -> Array:
    """Average the leaves that one row [features] falls into: [forests, outputs].

    To be traced inside a compiled program; in float32, as the thresholds are.

    Args:
        arrays: see ``Forests``.
        depth: see ``Forests``.
        features: of one row, without NaN.
    """
    features = features.astype(jnp.float32)
    size = arrays["size"].astype(jnp.int32)
    ends = jnp.cumsum(size.ravel(), dtype=jnp.int32).reshape(size.shape)
    feature = arrays["feature"].astype(jnp.int32)
    step = arrays["step"].astype(jnp.int32)
    threshold = arrays["threshold"]

    def down(_: Any, node: Array) -> Array:
        right = features[feature[node]] > threshold[node]
        return node + step[node] + right.astype(jnp.int32)

    leaves = jax.lax.fori_loop(0, depth, down, ends - size)
    return arrays["value"][leaves].mean(1)


@jax.jit(static_argnums=1)
def _of_rows(arrays: Mapping[str, Array], depth: int, rows: Array) -> Array:
    return jax.lax.map(lambda row: outputs(arrays, depth, row), rows, batch_size=_ROWS)


def stacked(forests: Sequence[Sequence[Forests]]) -> Forests:
    """Stack single trees as forests: one sequence of trees a forest, all equally many.

    Raises:
        ValueError: forests of different numbers of trees, or a tree too large for
            float32 to count its nodes.
    """
    counts = {len(trees) for trees in forests}
    if len(counts) != 1:
        raise ValueError(
            expected("forests", "as many trees in each", f"{sorted(counts)} trees")
        )
    trees = [tree for forest in forests for tree in forest]
    sizes = [len(tree.arrays["feature"]) for tree in trees]
    if max(sizes) >= _MOST or sum(sizes) >= 2**31:
        raise ValueError(
            expected(
                "trees",
                f"fewer than {_MOST} nodes in one tree and 2**31 in all",
                f"{max(sizes)} and {sum(sizes)}",
                "choose larger leaves or fewer trees",
            )
        )
    keys = ("feature", "threshold", "step", "value")
    arrays = {k: np.concatenate([t.arrays[k] for t in trees]) for k in keys}
    arrays["size"] = np.array(sizes, np.float32).reshape(len(forests), -1)
    return Forests(arrays, max(tree.depth for tree in trees))


def tree_of(
    left: np.ndarray,
    right: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    value: np.ndarray,
) -> Forests:
    """Convert a tree of scikit-learn, its nodes renumbered level by level.

    Args:
        left: number of the node for values up to the threshold [nodes]; -1 of a leaf.
        right: of the node for larger values.
        feature: which feature decides.
        threshold: in float64; taken down to the next float32, which divides float32
            features alike.
        value: what each node says [nodes, outputs].
    """
    levels = [np.array([0])]
    while (inner := levels[-1][left[levels[-1]] >= 0]).size:
        levels.append(np.stack([left[inner], right[inner]], 1).ravel())
    order = np.concatenate(levels)
    new = np.empty(len(order), np.int64)
    new[order] = np.arange(len(order))
    leaf = left[order] < 0
    following = new[np.where(leaf, order, left[order])]
    below = np.float32(threshold)
    down = np.where(below > threshold, np.nextafter(below, np.float32(-np.inf)), below)
    arrays = {
        "feature": np.where(leaf, 0, feature[order]),
        "threshold": np.where(leaf, np.inf, down[order]),
        "step": following - np.arange(len(order)),
        "value": value[order],
    }
    kept = {k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}
    return Forests(kept, len(levels) - 1)


def single_leaf(value: np.ndarray) -> Forests:
    """Make a tree that gives the same [outputs] for every row."""
    none = np.array([-1])
    return tree_of(none, none, none, np.zeros(1), np.asarray(value)[None])
