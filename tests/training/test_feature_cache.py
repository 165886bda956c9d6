"""Features on disk: what a broken-off run leaves behind is cut off."""

from __future__ import annotations

import jax
import numpy as np

from jiqa.training.feature_cache import FeatureStore

SHAPES = [jax.ShapeDtypeStruct((3,), np.float32), jax.ShapeDtypeStruct((), np.bool_)]


def _add(store: FeatureStore, keys: list[str], start: float) -> None:
    rows = start + np.arange(len(keys) * 3, dtype=np.float32).reshape(-1, 3)
    with store.appending():
        store.append(keys, [rows, np.ones(len(keys), np.bool_)])


def test_rows_are_found_by_key_in_a_later_process(tmp_path):
    _add(FeatureStore(tmp_path, SHAPES), ["a", "b"], 0)
    _add(FeatureStore(tmp_path, SHAPES), ["c"], 10)
    store = FeatureStore(tmp_path, SHAPES)
    values, sound = store.arrays()
    assert store.rows == {"a": 0, "b": 1, "c": 2}
    assert values[store.rows["c"]].tolist() == [10, 11, 12]
    assert sound.tolist() == [True] * 3


def test_what_was_half_written_is_cut_off(tmp_path):
    _add(FeatureStore(tmp_path, SHAPES), ["a"], 0)
    with (tmp_path / "0.rows").open("ab") as file:
        file.write(b"half a row")
    with (tmp_path / "keys.txt").open("a") as file:
        file.write("half-a-k")
    _add(FeatureStore(tmp_path, SHAPES), ["b"], 10)
    store = FeatureStore(tmp_path, SHAPES)
    assert list(store.rows) == ["a", "b"]
    assert store.arrays()[0].tolist() == [[0, 1, 2], [10, 11, 12]]


def test_rows_that_another_process_added_meanwhile_are_kept(tmp_path):
    mine = FeatureStore(tmp_path, SHAPES)
    _add(FeatureStore(tmp_path, SHAPES), ["theirs"], 0)
    _add(mine, ["mine"], 10)
    assert mine.rows == {"theirs": 0, "mine": 1}
    assert mine.arrays()[0].tolist() == [[0, 1, 2], [10, 11, 12]]
