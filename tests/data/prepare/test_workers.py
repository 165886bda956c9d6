"""Preparing with several workers, and the rest of what preparing a set keeps."""

from __future__ import annotations

import sys

import pytest

from jiqa.data.facts import Facts, facts_from_json
from jiqa.data.prepare import beam as beams
from jiqa.data.schema import Info, Scale
from jiqa.data.store import open_dataset, prepare
from tests.helpers.data_archives import pictures, through, write


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
