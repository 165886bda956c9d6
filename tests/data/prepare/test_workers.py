"""Preparing with several workers, and the rest of what preparing a set keeps."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from jiqa.data.facts import Facts, facts_from_json
from jiqa.data.prepare import beam as beams
from jiqa.data.schema import Info, Scale
from jiqa.data.store import open_dataset, prepare
from jiqa.io import read_ahead as reading
from jiqa.io.read_ahead import in_order
from tests.helpers.data_archives import pictures, through, write


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("processes", [False, True], ids=["threads", "processes"])
def test_results_come_in_order(workers, processes):
    # pow is a function that a fresh process finds, too.
    items = [complex(n) for n in range(20)]
    results = list(in_order(abs, items, workers, processes=processes))
    assert results == list(range(20))


def test_few_items_are_under_way_at_a_time():
    drawn, done = [], []
    slow = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            slow.wait(5)
        done.append(item)
        return item

    def items():
        for n in range(100):
            drawn.append(n)
            yield n

    results = in_order(work, items(), 2)
    threading.Timer(0.2, slow.set).start()
    assert next(results) == 0
    # The slow first one held up the drawing of others, not the work on those drawn.
    assert len(drawn) == 2 * reading.AHEAD
    assert list(results) == list(range(1, 100))
    assert sorted(done) == list(range(100))


def test_an_error_comes_where_its_result_would():
    def work(item: int) -> int:
        if item == 3:
            raise KeyError(item)
        return item

    results = in_order(work, range(10), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(results)
    with pytest.raises(ValueError, match="workers: expected at least 1, got 0"):
        next(in_order(work, range(3), 0))


def test_giving_up_early_ends_the_workers():
    before = threading.active_count()
    results = in_order(lambda n: time.sleep(0.001) or n, range(1000), 4)
    assert next(results) == 0
    results.close()
    assert threading.active_count() == before


def test_workers_change_nothing_but_the_time(tmp_path):
    root = tmp_path / "mine"
    pictures(root, [f"{n:02d}.png" for n in range(30)])
    rows = "".join(
        f"{n:02d}.png,{n / 4},{'test' if n % 3 else 'train'}\n" for n in range(30)
    )
    write(root / "scores.csv", f"image,score,split\n{rows}")
    one = prepare("table/one", root, tmp_path / "prepared")
    many = prepare("table/many", root, tmp_path / "prepared", workers=5)
    assert one.entries() == many.entries()
    for entry in one.entries():
        image = many.image(entry).read_bytes()
        assert image == one.image(entry).read_bytes()
        assert image == (root / entry.name).read_bytes()


def test_facts_survive_the_file(tmp_path):
    info = Info(
        "t",
        "authentic",
        "l",
        "c",
        "h",
        scales={"": Scale("DMOS", "lower", 0.5, 9, note="ü")},
        distortions=("a", "b"),
        histogram=(1.0, 2.0),
    )
    facts = Facts(info, {"direction": "lower"}, "abc")
    assert facts_from_json(facts.to_json()) == facts
    assert facts_from_json(Facts().to_json()) == Facts()
    pictures(tmp_path, ["x/a.png"])
    write(tmp_path / "x/t.csv", "image,score\na.png,3\n")
    through("table/x", tmp_path / "x", tmp_path, options={"direction": "lower"})
    again = open_dataset("x", tmp_path / "prepared")
    assert again.facts.options == {"direction": "lower"}
    assert again.scale is not None and again.scale.direction == "lower"


def test_what_a_beam_worker_reads_is_what_is_prepared_here(tmp_path):
    """The piece of work that Beam hands out, without Beam."""
    root = tmp_path / "mine"
    pictures(root, [f"{n:02d}.png" for n in range(70)])
    rows = "".join(f"{n:02d}.png,{n}\n" for n in range(70))
    write(root / "scores.csv", f"image,score\n{rows}")
    dataset = prepare("table/mine", root, tmp_path / "prepared")
    kind = type(dataset._made)
    examples = [
        example
        for piece in ((0, 64), (64, 70))
        for example in beams.examples_between(
            piece, kind=kind, config="mine", options=(), root=str(root), split="images"
        )
    ]
    assert [position for position, _ in examples] == list(range(70))
    records = dataset.records("images")
    for position, example in examples:
        stored = records.read(position)
        assert example["image"].read() == stored["image"]
        assert (example["name"], example["score"]) == (
            stored["name"].decode(),
            stored["score"],
        )
    assert (
        beams.entries(dataset._made, dataset._made.contents(root)) == dataset.entries()
    )


def test_beam_wanted_and_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", None)
    pictures(tmp_path, ["a/x.png"])
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'jiqa\[beam\]'"):
        prepare("folder/a", tmp_path / "a", tmp_path / "data", beam=[])
    assert not (tmp_path / "data/folder/a").exists()
