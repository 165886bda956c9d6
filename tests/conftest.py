"""Settings that make JAX strict, and images for every test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import pytest

from tests.helpers import tiny_model, training_data
from tests.helpers.weights_server import Server, serving

jax.config.update("jax_numpy_dtype_promotion", "strict")


_finished_tests = itertools.count(1)


@pytest.fixture(autouse=True)
def _drop_compiled_programs() -> Iterator[None]:
    """After every 100 tests: thousands of compiled programs would fill the memory."""
    yield
    if next(_finished_tests) % 100 == 0:
        jax.clear_caches()


@pytest.fixture
def own_cache(monkeypatch, tmp_path) -> None:
    """No test sees the user's own folders of weights; packages still count."""
    monkeypatch.setenv("JIQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JIQA_WEIGHTS", raising=False)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    """A server of weights on this machine, reached without a proxy or a pause."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with serving() as running:
        yield running


@pytest.fixture
def tiny() -> Iterator[None]:
    """The model ``tiny`` is known by its name."""
    with tiny_model.registered():
        yield


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    """A folder with rated images and a ladder, see ``tests.helpers.training_data``."""
    return training_data.material(tmp_path_factory.mktemp("material"))
