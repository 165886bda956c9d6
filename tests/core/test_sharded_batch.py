"""Batches that are sharded over devices: what a device computes, and where it lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ON_FOUR = """
import sys
sys.path.insert(0, {folder!r})
import jax
jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_dtype_promotion", "strict")
from tests.core import test_sharded_batch as tests
tests.{name}({backend!r})
print("done")
"""
#: Compiled, and run; every metric is traced.
_RUN = ("mse", "ssim", "fsim", "content_loss")
_COLLECTIVES = ("all-gather", "all-reduce", "all-to-all", "collective-permute")


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
@pytest.mark.parametrize("name", ["every_metric", "gradients_and_shapes"])
def test_on_four_devices(name, backend):
    """With the branches of that backend, on four devices made of the CPU."""
    folder = str(Path(__file__).parents[2])
    code = _ON_FOUR.format(folder=folder, name=name, backend=backend)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"


def _meshes():
    import jax
    from jax.sharding import AxisType

    for kind in (AxisType.Explicit, AxisType.Auto):
        yield jax.make_mesh((4,), ("data",), axis_types=(kind,))


def every_metric(backend: str) -> None:
    """Eight images on four devices: two on each, in one program, none sent."""
    import jax
    import numpy as np
    from jax.sharding import NamedSharding
    from jax.sharding import PartitionSpec as P

    from tests.helpers.every_metric import NAMES, case_of, loaded_of

    jax.default_backend = lambda: backend
    for mesh in _meshes():
        shards = NamedSharding(mesh, P("data"))
        for name in NAMES:
            case = case_of(name, (8,))
            whole = [x[:1] for x in case.noise()]
            images = [np.concatenate([x] * 8) for x in whole]
            images[-1] *= np.linspace(0.8, 1, 8, dtype="f4")[:, None, None, None]
            placed = [jax.device_put(x, shards) for x in images]
            for score, given in (
                (case.score, (*case.params, *placed)),
                (loaded_of(name), placed),
            ):
                traced = jax.jit(score).trace(*given)
                _check_program(traced.jaxpr.jaxpr, len(placed), (name, mesh))
                if name not in _RUN or score is not case.score:
                    continue
                compiled = traced.lower().compile()
                text = compiled.as_text() or ""
                assert not [c for c in _COLLECTIVES if f" {c}" in text], name
                found = compiled(*given)
                assert found.sharding.is_equivalent_to(shards, 1), name
                assert found.sharding.shard_shape((8,)) == (2,)
                one = [score(*case.params, *(x[k] for x in images)) for k in (0, 7)]
                np.testing.assert_allclose(
                    np.asarray(found)[::7], one, rtol=2e-5, err_msg=name
                )


def _check_program(jaxpr, count: int, name) -> None:
    """All that is computed from images is computed on their own device."""
    while len(jaxpr.eqns) == 1 and jaxpr.eqns[0].primitive.name == "jit":
        jaxpr = jaxpr.eqns[0].params["jaxpr"].jaxpr
    (mapped,) = [e for e in jaxpr.eqns if e.primitive.name == "shard_map"]
    inside = [v.aval.shape for v in mapped.params["jaxpr"].invars]
    given = [v.aval.shape for v in mapped.invars]
    assert inside[:-count] == given[:-count], name
    assert inside[-count:] == [(2, *s[1:]) for s in given[-count:]], name
    assert all(s[0] == 8 for s in given[-count:]), name
    outside = {e.primitive.name for e in jaxpr.eqns if e is not mapped}
    assert outside <= {"reshard", "convert_element_type"}, (name, outside)


def gradients_and_shapes(backend: str) -> None:
    """What else is done with a metric, and other shapes than one axis of a batch."""
    import jax
    import numpy as np
    from jax.sharding import AxisType, NamedSharding
    from jax.sharding import PartitionSpec as P

    import jiqa
    from jiqa.metrics import gmsd, mse, ssim
    from tests.helpers.deep_cases import metric_of, random_params

    jax.default_backend = lambda: backend
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 8, 24, 24, 3), np.float32)
    slope = jax.grad(lambda y, x: ssim(x, y).sum())
    wanted, slopes = np.asarray(gmsd(x, y)), np.asarray(slope(y, x))
    layers = {"net": "alexnet", "layers": ("relu1",)}
    params = random_params("content_loss")

    def loss(params, x, y):
        return metric_of("content_loss")(params, x, y, **layers).mean()

    weights = jax.grad(loss)(params, x, y)["conv1.kernel"]
    for mesh in _meshes():
        shards = NamedSharding(mesh, P("data"))
        put = jax.device_put(x, shards), jax.device_put(y, shards)
        # Outside of jit, and where it was put on another device or on none.
        assert gmsd(*put).sharding.is_equivalent_to(shards, 1)
        np.testing.assert_allclose(gmsd(put[0], y), wanted, rtol=1e-5)
        several = jax.jit(jiqa.load(["gmsd", "mse"]))(*put)
        assert several["gmsd"].sharding.is_equivalent_to(shards, 1)
        np.testing.assert_allclose(several["gmsd"], wanted, rtol=1e-5)
        # Several leading dimensions, a mask, one reference for all.
        nested = [v.reshape(1, 8, *v.shape[1:]) for v in (x, y)]
        second = NamedSharding(mesh, P(None, "data"))
        nested = [jax.device_put(v, second) for v in nested]
        assert jax.jit(gmsd)(*nested).sharding.is_equivalent_to(second, 2)
        mask = jax.device_put(np.ones((8, 24, 24), np.float32), shards)
        masked = jax.jit(lambda x, y, m: ssim(x, y, mask=m))(*put, mask)
        np.testing.assert_allclose(masked, ssim(x, y), rtol=1e-5)
        against = jax.jit(jiqa.load("gmsd").prepare(x[0]))(put[1])
        assert against.sharding.is_equivalent_to(shards, 1)
        np.testing.assert_allclose(np.asarray(against)[0], wanted[0], rtol=1e-5)
        with jax.set_mesh(mesh):
            found = jax.jit(slope)(*put[::-1])
            assert found.sharding.is_equivalent_to(shards, 4)
            np.testing.assert_allclose(found, slopes, rtol=1e-4, atol=1e-8)
            of_weights = jax.jit(jax.grad(loss))(params, *put)["conv1.kernel"]
            np.testing.assert_allclose(of_weights, weights, rtol=1e-3, atol=1e-6)
    rows = NamedSharding(jax.make_mesh((4,), ("rows",)), P(None, "rows"))
    put = [jax.device_put(v, rows) for v in (x, y)]
    np.testing.assert_allclose(jax.jit(gmsd)(*put), wanted, rtol=1e-5)
    # More axes than the batch is divided by; six images, which four do not divide.
    for kind in (AxisType.Explicit, AxisType.Auto):
        mesh = jax.make_mesh((2, 2), ("data", "model"), axis_types=(kind,) * 2)
        put = [jax.device_put(v, NamedSharding(mesh, P("data"))) for v in (x, y)]
        np.testing.assert_allclose(jax.jit(gmsd)(*put), wanted, rtol=1e-5)
        put = [jax.device_put(v[:6], NamedSharding(mesh, P("data"))) for v in (x, y)]
        np.testing.assert_allclose(jax.jit(gmsd)(*put), wanted[:6], rtol=1e-5)
    one, other = (jax.device_put(x[0], device) for device in jax.devices()[:2])
    np.testing.assert_allclose(mse(other, y[0]), mse(x[0], y[0]), rtol=1e-6)
    loaded = jiqa.load("mse")
    for score in (
        lambda: mse(one, other),
        lambda: loaded(one, other),
        lambda: loaded.prepare(one)(other),
    ):
        with pytest.raises(ValueError, match="distorted: expected an array on the dev"):
            score()
