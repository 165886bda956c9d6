"""Processes that decode for training: what reaches them, and that they change nothing.

Those of a real run take seconds to start, so that is slow; what they would be given is
read by one fresh process here.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jiqa.data.loader.plan import BatchPlan
from jiqa.data.store import prepare
from jiqa.models.registry import get_model, list_models
from jiqa.training.config import TrainingConfig
from jiqa.training.crops import read_batches
from jiqa.training.ranking_groups import GroupPlan, groups_of
from jiqa.training.run_data import Source
from jiqa.training.setup import Setup
from tests.helpers import training_data
from tests.training import test_loop as loop_tests

_READ = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    given = pickle.load(file)
found = {name: batches[1] for name, batches in given.items()}
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized(), "a worker took hold of a device"
with open(sys.argv[2], "wb") as file:
    pickle.dump(found, file)
"""


def test_any_models_batches_reach_a_process_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(training_data, "SIZE", (36, 40))
    folder = training_data.ladder(tmp_path / "ladder", count=2)
    dataset = prepare("table/ladder", folder, tmp_path / "prepared")
    source = Source("ladder", dataset, [e for e in dataset.entries() if e.level])
    plain = BatchPlan((None,) * len(source.entries), 4)
    groups = groups_of(source.entries)
    plan = BatchPlan((None,) * len(groups), 2)
    ranks = GroupPlan.of(groups, plan, source.entries)
    given = {}
    models = {name: get_model(name) for name in list_models()}
    trained = {k: model for k, model in models.items() if model.fit is None}
    for name, model in trained.items():
        for stage in model.stages:
            config = TrainingConfig(model=name, data="x", stage=stage)
            options = model.options(stage, {})
            setup = Setup(config=config, model=model, options=options)
            given[f"{name} {stage}"] = read_batches(
                setup,
                source,
                ranks if setup.stage.grouped else plain,
                4,
                slice(0, 3),
                training=True,
            )
    (tmp_path / "given").write_bytes(pickle.dumps(given))
    paths = [str(tmp_path / "given"), str(tmp_path / "found")]
    subprocess.run([sys.executable, "-c", _READ, *paths], check=True)
    found = pickle.loads((tmp_path / "found").read_bytes())
    assert found.keys() == given.keys() and len(found) >= len(trained)
    for name, batches in given.items():
        for key, value in batches[1].items():
            same = np.testing.assert_array_equal
            same(value, found[name][key], err_msg=f"{name} {key}")


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_a_run_with_workers_is_the_same_to_the_bit(tmp_path):
    training_data.rated(tmp_path / "rated")
    config = loop_tests._config(tmp_path, epochs=2)

    def trained(name: str, **given: Any) -> Path:
        folder = tmp_path / name
        loop_tests._train(config, tmp_path, folder, **given)
        # None is left behind, however the run ended.
        assert not multiprocessing.active_children()
        return folder

    whole = trained("none")
    with_workers = trained("two", workers=2)
    assert loop_tests._lines(with_workers) == loop_tests._lines(whole)
    loop_tests._same_arrays(with_workers, whole)

    @contextlib.contextmanager
    def broken_off(what: str, *_: Any) -> Iterator[Callable[[], None]]:
        left = iter(range(6))

        def advance() -> None:
            if what == "training" and next(left, None) is None:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        trained("broken", workers=2, progress=broken_off)
    assert not multiprocessing.active_children()
    resumed = trained("broken", workers=2, resume=True)
    assert loop_tests._lines(resumed) == loop_tests._lines(whole)
    loop_tests._same_arrays(resumed, whole)
