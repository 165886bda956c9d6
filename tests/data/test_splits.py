"""Divisions by reference, and the names that pick them."""

from __future__ import annotations

import pytest

from jiqa.data.splits import select, split_entries
from jiqa.data.store import prepare
from tests.helpers import data_layouts as layouts

#: Ten references with unequal numbers of images.
_ROWS = [
    (4.0, f"i{ref:02}_{kind:02}_{level}.bmp")
    for ref in range(1, 11)
    for kind in range(1, 2 + ref % 3)
    for level in (1, 2)
]
_HEAD = "image,reference,hidden,dmos,dmos_realigned"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    root = tmp_path_factory.mktemp("splits")
    prepare("tid2013", layouts.tampere(root / "tid", _ROWS), root / "out")
    votes = {f"{number}.jpg": (0, 1, 2, 3, number) for number in range(12)}
    prepare("koniq10k", layouts.koniq(root / "koniq", votes), root / "out")
    rows = [
        f"wn/img{n}.bmp,{key}.bmp,{int(n % 3 == 0)},{n},{n}"
        for n, key in enumerate("aaabbbccc")
    ]
    layouts.text(root / "live" / "scores.csv", [_HEAD, *rows])
    layouts.put(root / "live" / "wn", [f"img{n}.bmp" for n in range(9)])
    prepare("live", root / "live", root / "out")
    return root / "out"


def _references(entries) -> set[str]:
    return {e.reference for e in entries}


def test_train_and_test_share_no_reference(out):
    dataset, everything = select("tid2013", out)
    _, train = select("tid2013:train@7", out)
    _, test = select("tid2013:test@7", out)
    assert sorted(train + test, key=lambda e: e.position) == everything
    assert not _references(train) & _references(test)
    assert (len(_references(train)), len(_references(test))) == (8, 2)
    assert [train, test] == split_entries(dataset, seed=7)
    assert [e.position for e in train] == sorted(e.position for e in train)


def test_three_parts(out):
    parts = [
        select(f"tid2013:{part}@0/60-20-20", out)[1]
        for part in ("train", "validation", "test")
    ]
    found = [_references(part) for part in parts]
    assert [len(f) for f in found] == [6, 2, 2]
    assert len(set.union(*found)) == 10
    assert sum(map(len, parts)) == len(_ROWS)


def test_seeds_differ_and_stay_as_they_are(out):
    chosen = {
        seed: sorted(_references(select(f"tid2013:test@{seed}", out)[1]))
        for seed in range(20)
    }
    assert len({tuple(c) for c in chosen.values()}) > 10
    # Results are compared across years: these may never change.
    assert chosen[0] == ["I03", "I09"]
    assert chosen[1] == ["I07", "I09"]
    assert chosen[7] == ["I03", "I08"]
    picked = [key for keys in chosen.values() for key in keys]
    assert len(set(picked)) == 10


def test_a_missing_image_moves_no_reference(out, tmp_path):
    fewer = [row for row in _ROWS if row[1] != "i03_01_1.bmp"]
    prepare("tid2013", layouts.tampere(tmp_path / "in", fewer), tmp_path / "out")
    before = _references(select("tid2013:test@3", out)[1])
    assert _references(select("tid2013:test@3", tmp_path / "out")[1]) == before


def test_without_references_images_are_divided(out):
    train, test = (select(f"koniq10k:{p}@5", out)[1] for p in ("train", "test"))
    assert (len(train), len(test)) == (10, 2)
    assert not {e.name for e in train} & {e.name for e in test}
    assert {e.split for e in train} == {"train", "validation", "test"}


def test_official_splits(out):
    dataset, train = select("koniq10k/mos:train", out)
    assert dataset.splits == ["train", "validation", "test"]
    assert {e.split for e in train} == {"train"} and len(train) == 4
    assert len(select("koniq10k", out)[1]) == 12
    assert len(select("tid2013:images", out)[1]) == len(_ROWS)


def test_hidden_references_are_left_out_unless_asked_for(out):
    dataset, entries = select("live", out)
    assert len(entries) == 6 and not any(e.hidden_reference for e in entries)
    assert len(select("live", out, hidden_references=True)[1]) == 9
    train, test = split_entries(dataset, hidden_references=True)
    assert (len(train), len(test)) == (6, 3)
    assert not _references(train) & _references(test)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("tid2013:dev", r"no split 'dev' \(splits: images\)"),
        ("tid2013:validation@1", "split into 2 are called train, test"),
        ("tid2013:dev@1/60-20-20", "split into 3 are called train, validation, test"),
        (
            "tid2013:train@1/50-20-20",
            "expected shares that add up to 100, got 50-20-20",
        ),
        ("tid2013:train@1/25-25-25-25", "split into 4 are called nothing"),
        ("tid2013:train@x", "NAME:train@SEED"),
        ("tid2031:train@1", "did you mean tid2013"),
    ],
)
def test_other_names_are_refused(spec, said, out):
    with pytest.raises(ValueError, match=said):
        select(spec, out)


def test_fractions(out, tmp_path):
    dataset, _ = select("tid2013", out)
    parts = split_entries(dataset, (0.98, 0.01, 0.01))
    assert [len(_references(p)) for p in parts] == [8, 1, 1]
    for fractions in ((0.5, 0.4), (1.2, -0.2), ()):
        with pytest.raises(
            ValueError,
            match="fractions: expected positive numbers that add up to 1, got",
        ):
            split_entries(dataset, fractions)
    root = layouts.tampere(tmp_path / "in", _ROWS[:2])
    with pytest.raises(
        ValueError, match="1 groups of images, too few for a split into 2 parts"
    ):
        split_entries(prepare("tid2013", root, tmp_path / "out"))
    with pytest.raises(FileNotFoundError, match="csiq is not prepared"):
        select("csiq:train@1", tmp_path / "out")
