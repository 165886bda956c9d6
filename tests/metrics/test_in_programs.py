"""Every metric inside other programs: shard_map, x64, other processes, threads."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh
from jax.sharding import PartitionSpec as P

import jiqa
from jiqa.metrics import fsim, mad
from tests.helpers.every_metric import NAMES, case_of, loaded_of

#: Those with loops whose gradient is another loop.
_LOOPS = ("fsimc", "lpips", "mad", "msvd", "vsnr")


def _mesh() -> Mesh:
    """A mesh of one device, which has the rules of many."""
    return jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))


def _results(jaxpr: Any) -> Iterator[Any]:
    """The types of all that a program computes."""
    for equation in jaxpr.eqns:
        yield from (v.aval for v in equation.outvars)
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda v: hasattr(v, "eqns")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from _results(inner)


@pytest.mark.parametrize("name", NAMES)
def test_in_shard_map_with_defaults_and_float32_in_x64(name):
    case = case_of(name, (2,))
    count = len(case.params)
    specs = (P(),) * count + (P("data"),) * len(case.images)
    mapped = jax.shard_map(
        case.score, mesh=_mesh(), in_specs=specs, out_specs=P("data")
    )
    with jax.enable_x64(True):
        traced = jax.make_jaxpr(mapped)(*case.params, *case.images)
    assert [v.dtype for v in traced.out_avals] == [np.float32]
    wide = [
        v for v in _results(traced.jaxpr) if str(v.dtype) in ("float64", "complex128")
    ]
    assert all(v.size == 1 for v in wide), wide


@pytest.mark.parametrize("name", _LOOPS)
def test_gradient_in_shard_map_with_defaults(name):
    case = case_of(name, (2,))
    count = len(case.params)
    specs = (P(),) * count + (P("data"),) * len(case.images)
    slope = jax.grad(lambda *given: case.score(*given).sum(), argnums=count)
    mapped = jax.shard_map(slope, mesh=_mesh(), in_specs=specs, out_specs=P("data"))
    found = jax.eval_shape(mapped, *case.params, *case.images)
    assert found.shape == case.images[0].shape


@pytest.mark.parametrize("metric", [fsim, mad])
def test_value_in_shard_map_with_defaults(metric, rng):
    x, y = rng.random((2, 1, 64, 64, 1), np.float32)
    mapped = jax.shard_map(
        metric, mesh=_mesh(), in_specs=P("data"), out_specs=P("data")
    )
    np.testing.assert_allclose(jax.jit(mapped)(x, y), metric(x, y), rtol=1e-6)


def test_float32_images_have_float32_scores_in_x64(rng):
    x, y = rng.random((2, 64, 64, 1), np.float32)
    narrow = float(mad(x, y))
    with jax.enable_x64(True):
        wide = mad(x, y)
        assert wide.dtype == np.float32
        np.testing.assert_allclose(wide, narrow, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_pickled(name):
    loaded = loaded_of(name)
    again = pickle.loads(pickle.dumps(loaded))
    assert again.members == loaded.members and again.info is loaded.info
    assert again.members[0].metric is loaded.members[0].metric
    jax.tree.map(np.testing.assert_array_equal, again._params, loaded._params)
    case = case_of(name)
    assert jax.eval_shape(again, *case.images).shape == ()


def test_pickles_compute_the_same(rng):
    x, y = rng.random((2, 40, 40, 3), np.float32)
    mask = np.zeros((40, 40), ">f4")
    mask[:20] = 1
    for loaded in (
        jiqa.load("ssim", window_size=7, mask=mask),
        jiqa.load(["mse", "gmsd"]),
        loaded_of("lpips"),
    ):
        again = pickle.loads(pickle.dumps(loaded))
        assert set(again.options) == set(loaded.options)
        jax.tree.map(np.testing.assert_array_equal, again(x, y), loaded(x, y))
    against = pickle.loads(pickle.dumps(loaded_of("lpips").prepare(x)))
    np.testing.assert_allclose(against(y), loaded_of("lpips")(x, y), rtol=1e-5)


_IN_PROCESSES = """
import multiprocessing, sys, warnings
sys.path.insert(0, {folder!r})
import jax
import numpy as np
from tests.helpers.every_metric import CLASSICAL, case_of, loaded_of

QUICK = ("mse", "gmsd", "ssim")

def shapes(pickled):
    return [jax.eval_shape(m, *case_of(m.info.name).images).shape for m in pickled]

def scores(pickled):
    return [float(m(*case_of(m.info.name).noise())) for m in pickled]

def tried(how, function, names):
    with multiprocessing.get_context(how).Pool(1) as pool:
        return pool.apply_async(function, ([loaded_of(n) for n in names],)).get(600)

if __name__ == "__main__":
    forked = tried("fork", shapes, CLASSICAL), tried("fork", scores, QUICK)
    wanted = scores([loaded_of(n) for n in QUICK])
    spawned = tried("spawn", shapes, CLASSICAL), tried("spawn", scores, QUICK)
    assert forked[0] == spawned[0] == [()] * len(CLASSICAL)
    np.testing.assert_allclose([forked[1], spawned[1]], [wanted] * 2, rtol=1e-6)
    warnings.simplefilter("ignore")
    try:
        tried("fork", scores, QUICK)
    except RuntimeError as error:
        print(error)
"""


def test_in_forked_and_spawned_processes(tmp_path):
    """A fork that cannot compute says so, where JAX alone would wait for ever."""
    script = tmp_path / "script.py"
    script.write_text(_IN_PROCESSES.format(folder=str(Path(__file__).parents[2])))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "this process was forked" in done.stdout


def test_in_threads(rng):
    x, y = rng.random((2, 8, 40, 40, 3), np.float32)
    metrics = [jiqa.load(n) for n in ("mse", "gmsd", "ssim")]
    wanted = [[float(m(*pair)) for pair in zip(x, y, strict=True)] for m in metrics]
    jax.clear_caches()  # all threads compile at once
    with ThreadPoolExecutor(8) as pool:
        for metric, values in zip(metrics, wanted, strict=True):
            found = list(pool.map(metric, x, map(jnp.asarray, y)))
            np.testing.assert_allclose(found, values, rtol=1e-6)
