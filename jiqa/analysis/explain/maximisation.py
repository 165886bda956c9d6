"""Pictures that feature maps respond to most: activation maximisation.

Gradient ascent on a picture from noise (D. Erhan et al., "Visualizing higher-layer
features of a deep network", University of Montreal, 2009). Without restraint it ends in
high frequencies that no photograph has; each restraint is an argument: an L2 penalty,
total variation, jitter, a blur every few steps, and a picture that is made of
frequencies instead of pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jiqa.checks import expected, one_of
from jiqa.nn import Network
from jiqa.ops.numerics import safe_sqrt

#: What a negative sample of a map counts beside a positive one.
_SILENT = 0.1


@dataclass(frozen=True)
class Restraint:
    """Restraints that keep a picture like a photograph.

    The activation is scaled so that, on the first picture, the root mean square of its
    gradient is one sample's share of a mean over the picture: one set of weights then
    does for maps of any range, and a weight of 1 is about as strong as the activation.
    No publication gives weights for that scale; these are mild.

    Attributes:
        parametrisation: ``"fourier"``, frequencies of amplitudes as in photographs
            (falling as 1/f), or ``"pixels"``.
        l2: weight of the mean square of the picture's distance from middle grey.
        total_variation: weight of the mean length of the difference between neighbours.
        jitter: largest shift, in pixels, by which the picture moves before each step.
        blur_every: steps between two blurs; 0 for none.
        blur: standard deviation of the blur in pixels.
    """

    parametrisation: str = "fourier"
    l2: float = 0.1
    total_variation: float = 0.1
    jitter: int = 4
    blur_every: int = 0
    blur: float = 0.5

    def __post_init__(self) -> None:
        """Check the settings."""
        one_of("parametrisation", self.parametrisation, "fourier", "pixels")
        for name in ("l2", "total_variation", "jitter", "blur_every", "blur"):
            value = getattr(self, name)
            if value < 0:
                raise ValueError(expected(name, "0 or more", f"{value}"))


@dataclass(frozen=True)
class Maximised:
    """Pictures and how much they excite their maps.

    Attributes:
        pictures: ``[maps, size, size, 3]`` in [0, 1].
        values: what was maximised, without restraint ``[maps]``.
        before: the same of the noise that each began from.
    """

    pictures: np.ndarray
    values: np.ndarray
    before: np.ndarray


def maximise(
    network: Network,
    params: Any,
    layer: str,
    maps: Sequence[int],
    *,
    objective: str = "rectified",
    size: int = 96,
    steps: int = 128,
    rate: float = 0.05,
    restraint: Restraint | None = None,
    seed: int = 0,
    on_step: Callable[[int], None] | None = None,
) -> Maximised:
    """Find a picture for each of several maps of one layer.

    Deterministic for a seed on one machine; a map's picture does not depend, but for
    rounding, on which others are asked for.

    Args:
        network: of ``jiqa.nn.NETWORKS``.
        params: its parameters, flat, as far as ``layer``.
        layer: name of a node with maps.
        maps: numbers of maps in it.
        objective: ``"rectified"``, the mean of the map's positive part; its ``"mean"``;
            or its ``"centre"`` unit. A filter that answers to stripes has the same mean
            for all of them, so that the mean of a map before its rectifier asks for
            plain colours; its positive part is what the next layer sees. Negative
            samples count a tenth, so that silent positions have a slope as well.
        size: side of the pictures.
        steps: of Adam.
        rate: its step, on a scale where the picture is the logistic of what is moved.
        restraint: by default ``Restraint()``.
        seed: of the noise and of the jitter.
        on_step: called after each step with how many are done.

    Raises:
        ValueError: no such layer or map, or a picture too small for it.
    """
    one_of("objective", objective, "rectified", "mean", "centre")
    how = restraint or Restraint()
    chosen = _checked(network, params, layer, maps, size)
    key = jax.random.key(seed)
    run = functools.partial(_activations, network, layer, objective)
    state = _start(key, chosen, size, how)
    start = _picture(state, size, how)
    first, scale = run(params, start, chosen), _scale(run, params, start, chosen)
    step = _step(run, size, rate, how)
    moments = jnp.zeros_like(state), jnp.zeros_like(state)
    for number in range(steps):
        state, moments = step(
            params, state, moments, chosen, scale, key, jnp.asarray(number)
        )
        if on_step is not None:
            on_step(number + 1)
    pictures = _picture(state, size, how)
    values = run(params, pictures, chosen)
    return Maximised(np.asarray(pictures), np.asarray(values), np.asarray(first))


def _checked(
    network: Network, params: Any, layer: str, maps: Sequence[int], size: int
) -> Array:
    image = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
    found = jax.eval_shape(
        lambda p, x: network.apply(p, x, [layer])[layer], params, image
    )
    if found.ndim != 4 or min(found.shape) < 1:
        got = f"shape {found.shape} at size={size}"
        raise ValueError(expected(f"layer {layer}", "feature maps", got))
    wrong = [n for n in maps if not 0 <= n < found.shape[-1]]
    if wrong or not len(maps):
        wanted = f"0 to {found.shape[-1] - 1} of {layer}"
        raise ValueError(expected("maps", wanted, f"{list(maps)}"))
    return jnp.asarray(maps, jnp.int32)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _activations(
    network: Network, layer: str, objective: str, params: Any, x: Array, chosen: Array
) -> Array:
    """Return the activation of each picture's map."""
    found = network.apply(params, network.preprocess(x), [layer])[layer]
    activation = jnp.take_along_axis(found, chosen[:, None, None, None], axis=-1)[
        ..., 0
    ]
    if objective == "centre":
        return activation[:, activation.shape[1] // 2, activation.shape[2] // 2]
    if objective == "rectified":
        activation = jnp.where(activation > 0, activation, _SILENT * activation)
    return activation.mean((1, 2))


def _scale(run: Any, params: Any, start: Array, chosen: Array) -> Array:
    """Return what to divide each activation by; see ``Restraint``."""
    slope = jax.grad(lambda x: run(params, x, chosen).sum())(start)
    samples = slope[0].size
    return samples * jnp.sqrt(jnp.square(slope).mean((1, 2, 3))) + 1e-12


def _frequencies(size: int) -> Array:
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    return jnp.asarray(np.hypot(rows, columns), jnp.float32)


def _amplitudes(size: int) -> Array:
    """1/f, of mean square 1; the mean grey as the lowest frequency."""
    found = 1 / jnp.maximum(_frequencies(size), 1 / size)
    return found / jnp.sqrt(jnp.square(found).mean())


def _start(key: Array, chosen: Array, size: int, how: Restraint) -> Array:
    fourier = how.parametrisation == "fourier"
    shape = (size, size // 2 + 1, 3, 2) if fourier else (size, size, 3)

    def one(number: Array) -> Array:
        return 0.1 * jax.random.normal(jax.random.fold_in(key, number), shape)

    return jax.vmap(one)(chosen)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _picture(state: Array, size: int, how: Restraint) -> Array:
    if how.parametrisation == "pixels":
        return jax.nn.sigmoid(state)
    scaled = state * _amplitudes(size)[..., None, None]
    spectrum = jax.lax.complex(scaled[..., 0], scaled[..., 1])
    field = jnp.fft.irfft2(spectrum, (size, size), axes=(1, 2), norm="ortho")
    return jax.nn.sigmoid(field)


def _blurred(state: Array, size: int, how: Restraint) -> Array:
    """Blur with a Gaussian; in frequencies, it is a factor."""
    factor = jnp.exp(-2 * jnp.square(jnp.pi * how.blur * _frequencies(size)))
    if how.parametrisation == "fourier":
        return state * factor[..., None, None]
    spectrum = jnp.fft.rfft2(state, axes=(1, 2))
    spectrum = spectrum * factor[..., None].astype(spectrum.dtype)
    return jnp.fft.irfft2(spectrum, (size, size), axes=(1, 2))


def _penalty(x: Array, how: Restraint) -> Array:
    down, right = x[:, 1:, :-1] - x[:, :-1, :-1], x[:, :-1, 1:] - x[:, :-1, :-1]
    length = safe_sqrt(jnp.square(down).sum(-1) + jnp.square(right).sum(-1))
    grey = jnp.square(x - 0.5).mean((1, 2, 3))
    return how.l2 * grey + how.total_variation * length.mean((1, 2))


def _step(run: Any, size: int, rate: float, how: Restraint) -> Any:
    """Take one step of Adam (Kingma and Ba 2015, with their constants), compiled."""

    def loss(state: Array, params: Any, chosen: Array, scale: Array, shift: Any) -> Any:
        x = _picture(state, size, how)
        value = run(params, jnp.roll(x, shift, (1, 2)), chosen)
        return (_penalty(x, how) - value / scale).sum()

    @jax.jit
    def step(
        params: Any,
        state: Array,
        moments: tuple[Array, Array],
        chosen: Array,
        scale: Array,
        key: Array,
        number: Array,
    ) -> Any:
        shift = jax.random.randint(
            jax.random.fold_in(key, number), (2,), -how.jitter, how.jitter + 1
        )
        slope = jax.grad(loss)(state, params, chosen, scale, (shift[0], shift[1]))
        count = (number + 1).astype(state.dtype)
        mean = 0.9 * moments[0] + 0.1 * slope
        square = 0.999 * moments[1] + 0.001 * jnp.square(slope)
        size_of = jnp.sqrt(square / (1 - 0.999**count)) + 1e-8
        state = state - rate * mean / (1 - 0.9**count) / size_of
        if how.blur_every and how.blur:
            due = (number + 1) % how.blur_every == 0
            state = jnp.where(due, _blurred(state, size, how), state)
        return state, (mean, square)

    return step
