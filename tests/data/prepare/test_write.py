"""What prepare leaves behind: everything, or nothing that looks like a set."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys

import pytest

from jiqa.data.builder import QualityDataset
from jiqa.data.index import INDEX
from jiqa.data.prepare import write as preparing
from jiqa.data.schema import REFERENCES, Contents
from jiqa.data.sets.tid2013 import Tid2013
from jiqa.data.store import builder, open_dataset, prepare
from jiqa.errors import LayoutError
from jiqa.io.decode import DecodeError, read_image
from tests.helpers import data_layouts as layouts

_ROWS = [
    (3.123456789012345 + n / 7, f"i0{ref}_{kind:02}_{level}.bmp")
    for n, (ref, kind, level) in enumerate(
        (ref, kind, level) for ref in (1, 2, 3) for kind in (1, 9) for level in (1, 5)
    )
]


@pytest.fixture
def archive(tmp_path):
    return layouts.tampere(tmp_path / "in", _ROWS)


def test_index_and_records_say_the_same(archive, tmp_path):
    dataset = prepare("tid2013", archive, tmp_path / "out", workers=3)
    entries = [*dataset.entries(), *dataset.entries(REFERENCES)]
    assert [e.name for e in entries[:12]] == [name for _, name in _ROWS]
    # As the label file has them, not rounded as TFDS's records are.
    assert [e.score for e in entries[:12]] == [score for score, _ in _ROWS]
    for entry in entries:
        record = dataset.records(entry.split).read(entry.position)
        assert record["name"].decode() == entry.name
        assert hashlib.sha256(record["image"]).hexdigest() == entry.digest
        if entry.score is not None:
            assert float(record["score"]) == pytest.approx(entry.score, rel=1e-6)
    assert dataset.splits == ["images"] and dataset.notes == []
    with pytest.raises(ValueError, match=r"no split 'test' \(splits: images"):
        dataset.entries("test")
    chosen = [e for e in entries if (e.reference, e.level) == ("I02", 5)]
    assert [e.name for e in chosen] == ["i02_01_5.bmp", "i02_09_5.bmp"]


def test_records_travel_to_other_processes(archive, tmp_path):
    layouts.put(tmp_path / "own", ["a.png"])
    for name, root in (("tid2013", archive), ("folder/own", tmp_path / "own")):
        dataset = prepare(name, root, tmp_path / "out")
        entry = dataset.entries()[-1]
        records = dataset.records(entry.split)
        there = pickle.loads(pickle.dumps(records)).read(entry.position)
        assert there["image"] == records.read(entry.position)["image"]


def test_workers_change_nothing(archive, tmp_path):
    steps = []
    one, many = (
        prepare(
            "tid2013",
            archive,
            tmp_path / f"out{workers}",
            workers=workers,
            advance=lambda: steps.append(1),
        )
        for workers in (1, 7)
    )
    assert one.entries() == many.entries()
    assert len(steps) == 2 * (12 + 3)


def test_files_that_cannot_be_read_are_rows(archive, tmp_path):
    folder = archive / "distorted_images"
    names = sorted(p.name for p in folder.iterdir())
    (folder / names[1]).write_bytes(b"no image")
    (folder / names[2]).write_bytes(b"")
    (folder / names[3]).unlink()
    (folder / names[3]).mkdir()
    dataset = prepare("tid2013", archive, tmp_path / "out")
    broken = [e for e in dataset.entries() if e.problem]
    assert len(dataset.entries()) == 12
    assert sorted(e.name.lower() for e in broken) == [n.lower() for n in names[1:4]]
    for entry in broken:
        assert entry.shape is None and entry.score is not None
        assert entry.name.lower() in entry.problem.lower()
        with pytest.raises(DecodeError):
            read_image(dataset.image(entry))


def test_the_archive_is_looked_through_once(archive, tmp_path, monkeypatch):
    calls = []
    read = Tid2013.read
    monkeypatch.setattr(
        Tid2013, "read", lambda self, r: calls.append(r) or read(self, r)
    )
    made = builder("tid2013", tmp_path / "out")
    made.contents(archive)
    preparing.write(made, archive)
    assert len(calls) == 1
    prepare("tid2013", tmp_path / "gone", tmp_path / "out")
    assert len(calls) == 1


def test_it_is_quiet(archive, tmp_path, capfd):
    prepare("tid2013", archive, tmp_path / "out")
    assert capfd.readouterr() == ("", "")


def test_an_error_halfway_leaves_nothing(archive, tmp_path):
    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("tid2013", archive, tmp_path / "out", advance=fail)
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    with pytest.raises(FileNotFoundError, match=r"not prepared.*--manual-dir"):
        open_dataset("tid2013", tmp_path / "out")
    assert len(prepare("tid2013", archive, tmp_path / "out").entries()) == 12


def test_a_killed_process_leaves_nothing_that_looks_prepared(archive, tmp_path):
    code = (
        "import os, sys; from jiqa.data.store import prepare\n"
        "steps = []\n"
        "def step():\n"
        "    steps.append(1)\n"
        "    if len(steps) == 7: os.kill(os.getpid(), 9)\n"
        "prepare('tid2013', sys.argv[1], sys.argv[2], advance=step)"
    )
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", code, str(archive), str(out)])
    assert done.returncode == -9
    made = builder("tid2013", out)
    assert not preparing.is_prepared(made)
    (left,) = preparing.leftovers(made)
    assert left.is_dir()
    assert len(prepare("tid2013", archive, out).entries()) == 12


def test_records_without_an_index_are_written_anew(archive, tmp_path):
    dataset = prepare("tid2013", archive, tmp_path / "out")
    (dataset.folder / INDEX).unlink()
    layouts.tampere(archive, _ROWS[:4])
    assert not preparing.is_prepared(builder("tid2013", tmp_path / "out"))
    assert len(prepare("tid2013", archive, tmp_path / "out").entries()) == 4


def test_labels_that_name_nothing_are_refused(tmp_path):
    layouts.tampere(tmp_path, [])
    with pytest.raises(LayoutError, match="labels of TID2013 name no images"):
        prepare("tid2013", tmp_path, tmp_path / "out")


def test_what_was_found(archive, tmp_path):
    made: QualityDataset = builder("tid2013", tmp_path)
    contents = made.contents(archive)
    said = preparing.found(made.INFO, contents)
    assert said == "12 of 3,000 images, 3 of 25 references"
    some = Contents(contents.records[:1], dict(list(contents.references.items())[:1]))
    assert preparing.found(made.INFO, some) == "1 of 3,000 images, 1 of 25 references"


def test_notes_stay_with_the_set(tmp_path):
    head = "image,reference,hidden,dmos,dmos_realigned"
    rows = ["wn/img1.bmp,bikes.bmp,0,3,4", "wn/img2.bmp,bikes.bmp,1,0,0"]
    layouts.text(tmp_path / "scores.csv", [head, *rows])
    layouts.put(tmp_path / "wn", ["img1.bmp", "img2.bmp"])
    dataset = prepare("live", tmp_path, tmp_path / "out")
    assert len(dataset.notes) == 5
    assert [e.hidden_reference for e in dataset.entries()] == [False, True]
    assert not dataset.references["bikes"].hidden_reference


def test_large_sets_need_neither_memory_nor_tensorflow(archive, tmp_path, monkeypatch):
    from tensorflow_datasets.core import shuffle
    from tensorflow_datasets.core.utils import shard_utils

    small = prepare("tid2013", archive, tmp_path / "small")
    # Beyond these TFDS goes over to TensorFlow's files, and to several of its own.
    monkeypatch.setattr(shuffle, "MAX_MEM_BUFFER_SIZE", 1000)
    monkeypatch.setattr(
        shard_utils.ShardConfig, "calculate_number_shards", lambda *_, **__: 3
    )
    large = prepare("tid2013", archive, tmp_path / "large")
    names = sorted(path.name for path in large.folder.iterdir())
    assert sum("images.array_record" in name for name in names) == 3
    assert not [name for name in names if "tmp" in name]
    assert small.entries() == large.entries()
    for split in ("images", REFERENCES):
        for entry in large.entries(split):
            record = large.records(split).read(entry.position)
            assert record["name"].decode() == entry.name
            assert hashlib.sha256(record["image"]).hexdigest() == entry.digest
