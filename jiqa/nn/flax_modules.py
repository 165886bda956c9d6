"""The backbones as Flax NNX modules, to train or to build on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from jiqa.nn import Network, parameters
from jiqa.nn.graph import initial, required, run, shapes

#: Statistics of the training images; no gradient reaches them.
_STATISTICS = ("mean", "variance")


class Weighted(nnx.Module):
    """The parameters of one node, by their last name."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        """Hold statistics of batches as such, all else as what is trained."""
        for part, value in values.items():
            kind = nnx.BatchStat if part in _STATISTICS else nnx.Param
            setattr(self, part, kind(value))


class Backbone(nnx.Module):
    """A network of ``jiqa.nn`` whose state is its flat dictionary of parameters.

    Under ``nodes`` there is one ``Weighted`` for each node with parameters, by name,
    so that the state's paths, joined by dots, are the keys that weights have on disk
    after ``"nodes."``.

    Example:
        >>> from flax import nnx
        >>> from jiqa.nn import squeezenet
        >>> net = Backbone(squeezenet.Config(), rngs=nnx.Rngs(0))
        >>> net.nodes["conv1"].kernel.shape
        (3, 3, 3, 64)
    """

    def __init__(
        self,
        config: Network,
        params: Mapping[str, Any] | None = None,
        *,
        rngs: nnx.Rngs | None = None,
    ) -> None:
        """Hold ``params``, or start from random kernels.

        Args:
            config: the network.
            params: its parameters, flat. Those of heads (fully connected layers,
                auxiliary classifiers) may lack; then only ``features`` works.
            rngs: random numbers for the kernels, where no ``params`` are given.

        Raises:
            ValueError: neither is given, or a key is missing, unexpected or
                misshapen; all are named.
        """
        every = shapes(config.layers())
        if params is not None:
            given: Mapping[str, Any] = params
        elif rngs is not None:
            given = initial(rngs.params(), tuple(every.items()))
        else:
            raise ValueError("expected params or rngs, got neither")
        needed = required(config)
        wanted = {k: v for k, v in every.items() if k in given or k in needed}
        parameters.check(given, wanted, "parameters")
        self.config = config
        nodes: dict[str, dict[str, Array]] = {}
        for key in wanted:
            name, part = key.split(".")
            nodes.setdefault(name, {})[part] = jnp.array(given[key])
        self.nodes = nnx.Dict({k: Weighted(v) for k, v in nodes.items()})

    def to_params(self) -> dict[str, Array]:
        """Its parameters by flat key, in the order of the nodes."""
        flat = {
            ".".join(str(p) for p in path[1:]): variable[...]
            for path, variable in nnx.to_flat_state(nnx.state(self, nnx.Variable))
        }
        return {key: flat[key] for key in shapes(self.config.layers()) if key in flat}

    def features(
        self, images: Array, taps: Sequence[str], *, dtype: Any = None
    ) -> dict[str, Array]:
        """Feature maps of preprocessed images; see ``jiqa.nn.graph.run``.

        Batch normalisation uses the statistics that it holds.
        """
        layers = self.config.layers()
        return run(layers, self.to_params(), images, taps, dtype=dtype)

    def logits(self, images: Array, *, dtype: Any = None) -> Array:
        """Scores of the classes, ``[..., classes]``, of preprocessed images."""
        return self.features(images, ["logits"], dtype=dtype)["logits"]


def count(module: nnx.Module) -> int:
    """How many numbers a module learns."""
    return sum(x.size for x in jax.tree.leaves(nnx.state(module, nnx.Param)))
