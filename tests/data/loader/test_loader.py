"""Batches of a prepared set: order, shapes, masks, and going on after a stop."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
from collections import Counter
from typing import Any

import numpy as np
import pytest

from jiqa.data.loader.loader import loader
from jiqa.data.loader.plan import PADDING, BatchPlan
from jiqa.data.store import Dataset, prepare
from jiqa.io.decode import read_image
from tests.helpers import data_layouts as layouts

_VOTES = {f"{n}.jpg": (n % 4, 1, 2, 3, n % 5) for n in range(13)}
#: Every third photograph is smaller.
_SMALL = (5, 6)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    root = tmp_path_factory.mktemp("loading")
    layouts.koniq(root / "in", _VOTES)
    for n in range(0, 13, 3):
        small = layouts.encoded(".jpg", 10 * n, _SMALL)
        (root / "in" / "1024x768" / f"{n}.jpg").write_bytes(small)
    # The header is whole, the pixels are not: 7.jpg breaks when it is decoded.
    broken = root / "in" / "1024x768" / "7.jpg"
    broken.write_bytes(broken.read_bytes()[:-6])
    (root / "in" / "1024x768" / "8.jpg").write_bytes(b"no image at all")
    return prepare("koniq10k", root / "in", root / "out")


def _names(batches) -> list[list[str]]:
    return [list(map(str, batch["name"])) for batch in batches]


def _flat(batches: list[list[str]]) -> list[str]:
    return list(itertools.chain.from_iterable(batches))


def _same(first, second) -> None:
    first, second = list(first), list(second)
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert value.dtype == other[key].dtype
            np.testing.assert_array_equal(value, other[key])


def test_every_image_once_in_batches_of_one_shape(dataset, caplog):
    entries = {e.name: e for e in dataset.entries()}
    votes = {n: np.array(v) / sum(v) for n, v in _VOTES.items()}
    with caplog.at_level(logging.WARNING, "jiqa"):
        batches = list(loader(dataset, dataset.entries(), batch_size=4, seed=3))
    seen = Counter()
    for batch in batches:
        assert batch["image"].shape[1:] in ((*layouts.SIDE, 3), (*_SMALL, 3))
        assert batch["image"].dtype == np.uint8 and len(batch["image"]) == 4
        for row, name in enumerate(map(str, batch["name"])):
            if not batch["mask"][row]:
                assert name in ("", "7.jpg") and not batch["image"][row].any()
                assert name or np.isnan(batch["score"][row])
                continue
            seen[name] += 1
            entry = entries[name]
            pixels = read_image(dataset.image(entry))
            np.testing.assert_array_equal(batch["image"][row], pixels)
            assert batch["score"][row] == np.float32(entry.score)
            assert batch["deviation"][row] == np.float32(entry.deviation)
            np.testing.assert_allclose(batch["histogram"][row], votes[name], atol=1e-6)
            assert (batch["level"][row], batch["reference"][row]) == (-1, -1)
    assert seen == dict.fromkeys(set(_VOTES) - {"7.jpg", "8.jpg"}, 1)
    assert [r.getMessage().split(":")[1].strip() for r in caplog.records] == ["7.jpg"]


def test_the_order_follows_from_seed_and_epoch(dataset):
    make: dict[str, Any] = {"batch_size": 3, "epochs": 2}
    one = _names(loader(dataset, dataset.entries(), seed=1, **make))
    assert one == _names(loader(dataset, dataset.entries(), seed=1, **make))
    assert one != _names(loader(dataset, dataset.entries(), seed=2, **make))
    half = len(one) // 2
    first, second = one[:half], one[half:]
    assert first != second
    assert sorted(_flat(first)) == sorted(_flat(second))
    plain = _names(loader(dataset, dataset.entries(), shuffle=False, **make))
    assert plain[:half] == plain[half:]
    in_order = [e.name for e in dataset.entries() if e.shape]
    small = [n for n in in_order if int(n[:-4]) % 3 == 0]
    large = [n for n in in_order if n not in small]
    assert _flat(plain[:half]) == [*small, "", *large, "", ""]


def test_it_goes_on_where_it_was(dataset):
    batches = loader(dataset, dataset.entries(), batch_size=2, seed=5, epochs=2)
    whole = list(batches)
    iterator = iter(batches)
    for _ in range(5):
        next(iterator)
    state = json.loads(json.dumps(iterator.get_state()))
    resumed = iter(loader(dataset, dataset.entries(), batch_size=2, seed=5, epochs=2))
    resumed.set_state(state)
    _same(resumed, whole[5:])
    # Back in time, too, and after the end.
    resumed.set_state({"step": 1})
    _same([next(resumed)], [whole[1]])
    resumed.set_state({"step": len(whole)})
    assert list(resumed) == []
    with pytest.raises(ValueError, match=f"step: expected 0 to {len(whole)}, got 99"):
        resumed.set_state({"step": 99})


def test_workers_give_the_same_and_go_on_alike(dataset):
    make: dict[str, Any] = {"batch_size": 4, "seed": 9, "epochs": 2}
    whole = list(loader(dataset, dataset.entries(), **make))
    with contextlib.closing(
        iter(loader(dataset, dataset.entries(), worker_count=2, **make))
    ) as iterator:
        # From a state that an iterator without workers left.
        iterator.set_state({"step": 3})
        _same(iterator, whole[3:])
        assert iterator.get_state() == {"step": len(whole)}


def test_processes_share_a_batch(dataset):
    make: dict[str, Any] = {"batch_size": 4, "seed": 2, "epochs": 2}
    whole = list(loader(dataset, dataset.entries(), **make))
    parts = [
        list(
            loader(dataset, dataset.entries(), process_index=i, process_count=2, **make)
        )
        for i in range(2)
    ]
    joined = [
        {key: np.concatenate([a[key], b[key]]) for key in a}
        for a, b in zip(*parts, strict=True)
    ]
    # A name takes the room of the longest of its rows.
    for batch in (*whole, *joined):
        batch["name"] = batch["name"].astype("U20")
    _same(joined, whole)


def _crop(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    top = random.integers(image.shape[0] - 3)
    return image[top : top + 4, :4]


def test_a_transform_makes_sizes_equal(dataset):
    make: dict[str, Any] = {"batch_size": 5, "seed": 4, "transform": _crop}
    batches = loader(dataset, dataset.entries(), epochs=2, **make)
    assert batches.batches_per_epoch == 3 and len(batches) == 6
    first = list(batches)
    assert {b["image"].shape for b in first} == {(5, 4, 4, 3)}
    _same(first, batches)
    mixed = {e.name: e.shape for e in dataset.entries()}
    shapes = [{mixed[n] for n in names if n} for names in _names(first)]
    assert max(map(len, shapes)) == 2
    apart = loader(dataset, dataset.entries(), by_shape=True, **make)
    for names in _names(apart):
        assert len({mixed[n] for n in names if n}) == 1


def test_without_remainder_and_without_end(dataset):
    make: dict[str, Any] = {"batch_size": 4, "drop_remainder": True}
    whole = list(loader(dataset, dataset.entries(), **make))
    assert len(whole) == 2
    assert all(b["mask"].sum() + (b["name"] == "7.jpg").sum() == 4 for b in whole)
    endless = iter(loader(dataset, dataset.entries(), epochs=None, **make))
    _same(itertools.islice(endless, 2), whole)
    more = list(itertools.islice(endless, 10))
    assert len({tuple(names) for names in _names(more)}) > 2
    endless.close()


def test_references_and_levels(tmp_path):
    rows = [(4.0, f"i0{ref}_01_{level}.bmp") for ref in (2, 1) for level in (1, 3)]
    root = layouts.tampere(tmp_path / "in", rows)
    found = prepare("tid2013", root, tmp_path / "out")
    (batch,) = loader(found, found.entries(), batch_size=4, shuffle=False)
    assert batch["level"].tolist() == [1, 3, 1, 3]
    keys = [list(found.references)[r] for r in batch["reference"]]
    assert keys == ["I02", "I02", "I01", "I01"]
    assert batch["histogram"].shape == (4, 0)
    (originals,) = loader(found, list(found.references.values()), batch_size=2)
    assert originals["level"].tolist() == [0, 0]
    assert np.isnan(originals["score"]).all()


def test_requests_that_cannot_be_met(dataset):
    entries = dataset.entries()
    small = [e for e in entries if e.shape and e.shape[:2] == _SMALL]
    asked: tuple[tuple[dict[str, Any], str], ...] = (
        (
            {"batch_size": 3, "process_count": 2},
            "expected a multiple of the 2 processes, got 3",
        ),
        ({"batch_size": 0}, "batch_size: expected .*, got 0"),
        (
            {"batch_size": 2, "process_index": 1},
            "process_index: expected 0 to 0, got 1",
        ),
        ({"batch_size": 2, "by_shape": False}, "2 sizes: expected by_shape"),
        (
            {"batch_size": 9, "drop_remainder": True},
            "12 images are too few for one batch of 9",
        ),
    )
    for options, said in asked:
        with pytest.raises(ValueError, match=said):
            loader(dataset, entries, **options)
    with pytest.raises(ValueError, match="none of 1 images can be read"):
        loader(dataset, [e for e in entries if e.problem], batch_size=1)
    assert len(loader(dataset, small, batch_size=2, by_shape=False)) == 3


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop", [True, False])
def test_plan(shuffle, drop):
    groups = tuple("aabbbbbaaac")
    plan = BatchPlan(groups, 2, 7, shuffle, drop)
    steps = range(3 * plan.batches_per_epoch)
    assert plan.batches_per_epoch == (4 if drop else 7)
    for epoch, batches in itertools.groupby(map(plan.batch, steps), lambda x: x[0]):
        rows = [b for _, b in batches]
        assert len(rows) == plan.batches_per_epoch
        used = [p for row in rows for p in row if p != PADDING]
        assert len(used) == len(set(used)) == (8 if drop else 11), epoch
        for row in rows:
            assert row[0] != PADDING
            assert len({groups[p] for p in row if p != PADDING}) == 1
    # Out of order, as threads ask.
    again = BatchPlan(groups, 2, 7, shuffle, drop)
    for step in (9, 1, 5, 0, 9):
        np.testing.assert_array_equal(again.batch(step)[1], plan.batch(step)[1])
