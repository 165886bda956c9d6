"""One update, written for one device among others, and its compilation for all.

Each device has its rows of the batch and all parameters. Sums of the loss and of its
gradients pass between the devices, not means: so rows that count nothing weigh nothing,
wherever they lie, and the update does not depend on the number of devices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from jiqa.models.model import Flat, Sum, Variables
from jiqa.training.config import TrainingConfig
from jiqa.training.optimiser import trained
from jiqa.training.setup import AXIS, Setup

Batch = Mapping[str, Any]


class State(NamedTuple):
    """What an update changes; the same on every device.

    Attributes:
        step: updates done, int32.
        params: of the model, float32.
        stats: running statistics of the model.
        optimiser: what the optimiser remembers, of the parameters that are trained.
        ema: mean of the trained parameters over the updates; empty without.
    """

    step: Array
    params: Flat
    stats: Flat
    optimiser: Any
    ema: Flat


class Report(NamedTuple):
    """Figures of an update; the same on every device.

    Attributes:
        loss: over all rows of the batch.
        logs: other sums by name.
        norm: of all gradients together, before clipping.
        sound: whether all of it is finite; the next two say what is not.
        sound_params: by key, whether a parameter was finite before the update.
        sound_gradients: by key, whether its gradient is.
    """

    loss: Sum
    logs: dict[str, Sum]
    norm: Array
    sound: Array
    sound_params: dict[str, Array]
    sound_gradients: dict[str, Array]


def initial_state(
    variables: Variables, config: TrainingConfig, rule: optax.GradientTransformation
) -> State:
    """Make the state before the first update, in new arrays.

    A step may write over its state, and what comes from ``variables`` is the caller's.
    """
    params = {k: jnp.array(v, jnp.float32) for k, v in variables.params.items()}
    stats = {k: jnp.array(v) for k, v in variables.state.items()}
    learned = trained(params, bool(config.frozen))
    ema = {k: jnp.array(v) for k, v in learned.items()} if config.ema else {}
    return State(jnp.zeros((), jnp.int32), params, stats, rule.init(learned), ema)


def averaged(state: State) -> Variables:
    """Return what is validated and exported: the parameters' mean if there is one."""
    return Variables({**state.params, **state.ema}, state.stats)


def training_step(
    setup: Setup, rule: optax.GradientTransformation
) -> Callable[[State, Batch], tuple[State, Report]]:
    """Return the update of one device, to be run by all with the axis ``AXIS``.

    Args:
        setup: of the run; its images do not matter.
        rule: the optimiser.

    Returns:
        ``(state, rows of the batch) -> (state, report)``. Rows have ``image``, in
        whole numbers or in [0, 1], or ``features`` where those were kept.
    """
    config = setup.config

    def gradients(state: State, rows: Batch, stats: Flat, key: Array) -> Any:
        def total(learned: Flat) -> tuple[Array, Any]:
            variables = Variables({**state.params, **learned}, stats)
            outputs, new = _forward(setup, variables, rows, key)
            loss, logs = setup.model.loss(setup.options, outputs, rows)
            # Gradients of the sum; of a mean they could not be added up.
            return loss.total, (loss, logs, new)

        learned = trained(state.params, bool(config.frozen))
        (_, found), slopes = jax.value_and_grad(total, has_aux=True)(learned)
        return slopes, *found

    def step(state: State, batch: Batch) -> tuple[State, Report]:
        key = jax.random.fold_in(jax.random.key(config.seed), state.step)
        key = jax.random.fold_in(key, lax.axis_index(AXIS))
        found = _in_parts(gradients, state, batch, config.parts, key)
        slopes, loss, logs = lax.psum(found[:3], AXIS)
        slopes = jax.tree.map(lambda g: g / jnp.maximum(loss.count, 1), slopes)
        learned = trained(state.params, bool(config.frozen))
        sound = _sound(state.params), _sound(slopes)
        every = [jnp.isfinite(loss.total), *jax.tree.leaves(sound)]
        norm = optax.tree.norm(slopes)
        report = Report(loss, logs, norm, jnp.stack(every).all(), *sound)
        # Optax raises floats to whole numbers, which strict promotion forbids.
        with jax.numpy_dtype_promotion("standard"):
            updates, memory = rule.update(slopes, state.optimiser, learned)
        learned = cast(dict[str, Array], optax.apply_updates(learned, updates))
        ema = _moved(state.ema, learned, config.ema, state.step)
        params = {**state.params, **learned}
        return State(state.step + 1, params, found[3], memory, ema), report

    return step


def backward_residuals(setup: Setup) -> Callable[[Variables, Batch], Any]:
    """Return what an update keeps between loss and gradients, to see how much it is.

    The function is to be traced, not computed.
    """

    def kept(variables: Variables, rows: Batch) -> Any:
        def total(learned: Flat) -> Array:
            whole = Variables({**variables.params, **learned}, variables.state)
            outputs, _ = _forward(setup, whole, rows, jax.random.key(0))
            return setup.model.loss(setup.options, outputs, rows)[0].total

        learned = trained(variables.params, bool(setup.config.frozen))
        return jax.vjp(total, learned)[1]

    # One device, which has the axis of all.
    return jax.vmap(kept, in_axes=None, axis_name=AXIS, axis_size=1)


def backbone_features(setup: Setup) -> Callable[[Variables, Array], Any]:
    """Return the way through a frozen backbone, with ``uint8`` or floating images."""

    def features(variables: Variables, images: Array) -> Any:
        found, _ = setup.model.features(
            setup.options,
            variables,
            as_floats(images),
            train=False,
            key=None,
            axis=None,
        )
        return found

    return features


def evaluation_step(
    setup: Setup,
) -> Callable[[Variables, Batch], tuple[Array, dict[str, Sum]]]:
    """Return a step that gives scores, loss and logs on every device."""
    model, options = setup.model, setup.options

    def evaluate(variables: Variables, batch: Batch) -> tuple[Array, dict[str, Sum]]:
        outputs, _ = _forward(setup, variables, batch, None)
        loss, logs = model.loss(options, outputs, batch)
        found = outputs["score"]
        if model.judged is not None:
            found = model.judged(options, outputs, batch)
        scores = lax.all_gather(found, AXIS, tiled=True)
        return scores, lax.psum({"loss": loss, **logs}, AXIS)

    return evaluate


def on_mesh(step: Callable[..., Any], mesh: Mesh, *, donate: bool = False) -> Any:
    """Compile a step of one device for all: state on each, rows divided.

    Whether values are the same on all devices is not checked: with that check the
    gradients of parameters would arrive added up already, and be added up once more.
    """
    program = jax.shard_map(
        step,
        mesh=mesh,
        in_specs=(P(), P(AXIS)),
        out_specs=P(),
        check_vma=False,
    )
    return jax.jit(program, donate_argnums=(0,) if donate else ())


def _forward(
    setup: Setup, variables: Variables, rows: Batch, key: Array | None
) -> tuple[dict[str, Array], Flat]:
    """Return outputs in float32 and new statistics; ``key`` only in training."""
    model, options, config = setup.model, setup.options, setup.config
    train, axis = key is not None, AXIS if key is not None else None
    params = variables.params
    if config.bfloat16:
        params = {k: v.astype(jnp.bfloat16) for k, v in params.items()}
    variables = Variables(params, variables.state)
    dtype = jnp.bfloat16 if config.bfloat16 else jnp.float32
    if "features" in rows:
        found = jax.tree.map(lambda v: _as(v, dtype), rows["features"])
    else:
        images = as_floats(rows["image"]).astype(dtype)
        if not config.frozen:
            outputs, state = model.apply(
                options, variables, images, train=train, key=key, axis=axis
            )
            return _wide(outputs), state
        found, _ = model.features(
            options, variables, images, train=False, key=None, axis=None
        )
        found = lax.stop_gradient(found)
    outputs, state = model.head(
        options, variables, found, train=train, key=key, axis=axis
    )
    return _wide(outputs), state


def as_floats(images: Array) -> Array:
    """Return images in [0, 1], converted from whole numbers if need be."""
    if not jnp.issubdtype(images.dtype, jnp.integer):
        return images
    return images.astype(jnp.float32) / jnp.iinfo(images.dtype).max


def _in_parts(
    gradients: Callable[..., Any], state: State, batch: Batch, parts: int, key: Array
) -> Any:
    """Add up gradients, sums and statistics of all rows, one slice after the other."""
    if parts == 1:
        return gradients(state, batch, state.stats, key)
    divided = jax.tree.map(
        lambda v: v.reshape(parts, v.shape[0] // parts, *v.shape[1:]), batch
    )

    def one(carried: Any, part: Any) -> Any:
        number, rows = part
        step_key = jax.random.fold_in(key, number)
        *sums, stats = gradients(state, rows, carried[-1], step_key)
        return (jax.tree.map(jnp.add, carried[0], tuple(sums)), stats), None

    first = jax.tree.map(lambda v: v[0], divided)
    shapes = jax.eval_shape(gradients, state, first, state.stats, key)
    nothing = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), tuple(shapes[:3]))
    numbers = jnp.arange(parts)
    (sums, stats), _ = lax.scan(one, (nothing, state.stats), (numbers, divided))
    return *sums, stats


def _moved(ema: Flat, params: Flat, keep: float, step: Array) -> Flat:
    """Update the running mean; at first it forgets faster."""
    if not ema:
        return ema
    done = step.astype(jnp.float32)
    share = jnp.minimum(keep, (1 + done) / (10 + done))
    return {k: share * v + (1 - share) * params[k] for k, v in ema.items()}


def _sound(values: Flat) -> dict[str, Array]:
    return {k: jnp.isfinite(v).all() for k, v in values.items()}


def _as(value: Array, dtype: Any) -> Array:
    floating = jnp.issubdtype(value.dtype, jnp.floating)
    return value.astype(dtype) if floating else value


def _wide(outputs: dict[str, Array]) -> dict[str, Array]:
    return {k: _as(v, jnp.float32) for k, v in outputs.items()}
