"""Every data set from a miniature archive to a decoded image."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jiqa.data.store import Dataset, builder, open_dataset, prepare
from jiqa.errors import LayoutError
from jiqa.io.decode import read_image
from tests.helpers import data_layouts as layouts

_TID = [
    (round(7 - level - kind / 20 + ref / 40, 5), f"i{ref:02}_{kind:02}_{level}.bmp")
    for ref in (1, 25)
    for kind in (1, 8, 17)
    for level in (1, 4)
]
_CSIQ = [
    (image, kind, level, 0.05 * level, 0.2 * level)
    for image in ("1600", "snow_leaves")
    for kind in ("noise", "jpeg", "jpeg 2000", "fnoise", "blur", "contrast")
    for level in (1, 3)
]
_KADID = [
    (f"I{ref:02}_{kind:02}_{level:02}.png", 5.2 - level * 0.7, 0.4)
    for ref in (1, 81)
    for kind in (1, 25)
    for level in (1, 5)
]
_VOTES = {
    "10004473376.jpg": (0, 0, 25, 73, 7),
    "10007357496.jpg": (0, 3, 45, 47, 1),
    "5.jpg": (40, 50, 10, 0, 0),
    "6.jpg": (10, 50, 40, 0, 0),
}
_MD = [
    [(f"{key}_{rest}.bmp", score) for key in ("babygirl", "wheel") for rest, score in x]
    for x in (
        [("blur1", 20.5), ("blur1_jpeg3", 60.0), ("jpeg2", 31.0)],
        [("blur1", 22.5), ("blur2_noise1", 70.0)],
    )
]
_CID = [[1 + n % 13 / 2 for n in range(60)], [2 + n % 7 / 2 for n in range(60)]]
_LIVE = {
    f"{kind}/img{number}.bmp": (f"{reference}.bmp", 10.0 + 2 * number)
    for kind in ("jpeg", "gblur")
    for number, reference in ((1, "bikes"), (2, "bikes"), (9, "Plane"))
}

#: Writers of a miniature archive, and what is in it: images, references.
ARCHIVES: dict[str, tuple[Callable[[Path], Path], int, int]] = {
    "tid2013": (lambda root: layouts.tampere(root, _TID), 12, 2),
    "tid2008": (lambda root: layouts.tampere(root / "TID2008", _TID), 12, 2),
    "csiq": (lambda root: layouts.csiq(root, _CSIQ), 24, 2),
    "kadid10k": (lambda root: layouts.kadid(root, _KADID), 8, 2),
    "koniq10k": (lambda root: layouts.koniq(root, _VOTES), 4, 0),
    "live": (lambda r: layouts.live(r, _LIVE, folders=["jpeg", "gblur"]), 407, 2),
    "live_md": (lambda root: layouts.live_md(root, _MD), 10, 2),
    "live_challenge": (
        lambda root: layouts.challenge(root, [("100.bmp", 32.5), ("9.JPG", 80.25)]),
        2,
        0,
    ),
    "cid_iq": (lambda root: layouts.cid_iq(root, *_CID), 60, 2),
}


@pytest.fixture(scope="module", params=list(ARCHIVES))
def prepared(request, tmp_path_factory) -> tuple[Dataset, int, int]:
    write, images, references = ARCHIVES[request.param]
    root = tmp_path_factory.mktemp(request.param)
    write(root / "in")
    prepare(request.param, root / "in", root / "out", workers=3)
    return open_dataset(request.param, root / "out"), images, references


def test_from_archive_to_pixels(prepared):
    dataset, images, references = prepared
    entries = dataset.entries()
    assert (len(entries), len(dataset.references)) == (images, references)
    assert not any(e.problem for e in entries)
    assert len({(e.split, e.name) for e in entries}) == images
    for entry in (entries[0], entries[-1]):
        pixels = read_image(dataset.image(entry))
        assert pixels.shape == (*layouts.SIDE, 3) == entry.shape[:3]
        original = dataset.reference(entry)
        if references:
            assert read_image(original).shape == pixels.shape
        else:
            assert original is None


def test_scores_lie_on_the_scale(prepared):
    dataset, *_ = prepared
    scale = dataset.scale
    for entry in dataset.entries():
        assert scale.low <= entry.score <= scale.high
        assert entry.distortion in ("", *dataset.info.distortions)
        assert (entry.deviation is not None) <= bool(scale.deviation)


def test_every_reference_is_known_and_of_one_set(prepared):
    dataset, _, references = prepared
    for entry in dataset.entries():
        assert bool(entry.reference) == bool(references)
        assert not entry.reference or entry.reference in dataset.references


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_what_is_missing_is_named(name, tmp_path):
    ARCHIVES[name][0](tmp_path)
    contents = builder(name, tmp_path / "out").contents(tmp_path)
    image = Path(str(contents.records[-1].image))
    image.unlink()
    with pytest.raises(LayoutError) as caught:
        prepare(name, tmp_path, tmp_path / "out")
    message = str(caught.value)
    assert "1 missing" in message
    assert image.name.lower() in message.lower()
    assert str(tmp_path) in message and builder(name).INFO.layout[:20] in message
    assert not (tmp_path / "out").exists()


def test_csiq_reads_a_number_as_a_name(tmp_path):
    contents = builder("csiq", tmp_path).read(layouts.csiq(tmp_path / "in", _CSIQ))
    assert list(contents.references) == ["1600", "snow_leaves"]
    first, third = contents.records[0], contents.records[5]
    assert (first.name, first.level, first.score) == ("1600.AWGN.1.png", 1, 0.2)
    assert third.name == "1600.jpeg2000.3.png" and third.score == pytest.approx(0.6)
    assert third.deviation == pytest.approx(0.15)


def test_kadid_reads_utf_16_and_its_misnamed_columns(tmp_path):
    root = layouts.kadid(tmp_path / "kadid10k", _KADID, encoding="utf-16")
    contents = builder("kadid10k", tmp_path).read(root.parent)
    record = contents.records[-1]
    assert (record.reference, record.level) == ("I81", 5)
    assert record.distortion == "contrast change"
    assert (record.score, record.deviation) == (pytest.approx(1.7), 0.4)
    assert builder("kadid10k", tmp_path).INFO.scales[""].direction == "higher"


def test_tampere_counts_its_deviations(tmp_path):
    root = layouts.tampere(tmp_path, _TID)
    layouts.text(root / "MOS_std.txt", [f"0.{n:02}" for n in range(12)])
    contents = builder("tid2013", tmp_path).read(root)
    assert [r.deviation for r in contents.records][-2:] == [0.1, 0.11]
    layouts.text(root / "MOS_std.txt", ["0.1"] * 11)
    with pytest.raises(LayoutError, match=r"expected 12 numbers.*, got 11"):
        builder("tid2013", tmp_path).read(root)


def test_koniq_reads_either_table_alike(tmp_path):
    layouts.koniq(tmp_path, _VOTES)
    read = {}
    for config in ("mos", "zscore"):
        made = builder(f"koniq10k/{config}", tmp_path)
        read[config, "sets"] = made.read(tmp_path)
    (tmp_path / "koniq10k_distributions_sets.csv").unlink()
    for config in ("mos", "zscore"):
        made = builder(f"koniq10k/{config}", tmp_path)
        read[config, "scores"] = made.read(tmp_path)
    mean = np.average(range(1, 6), weights=_VOTES["5.jpg"])
    for table in ("sets", "scores"):
        record, scaled = (read[c, table].records[2] for c in ("mos", "zscore"))
        assert record.score == pytest.approx(mean)
        assert scaled.score == pytest.approx(20 * mean - 10)
        assert record.deviation == pytest.approx(0.6435, abs=1e-3)
        assert scaled.deviation is None
        shares = np.array(record.histogram) / sum(record.histogram)
        assert shares == pytest.approx([0.4, 0.5, 0.1, 0, 0])
    splits = [r.split for r in read["mos", "sets"].records]
    assert splits == ["train", "validation", "test", "train"]
    assert not read["mos", "sets"].notes
    assert {r.split for r in read["mos", "scores"].records} == {""}
    assert "no official split" in read["mos", "scores"].notes[0]


def test_live_by_folders(tmp_path):
    root = layouts.live(tmp_path, _LIVE, folders=["jpeg"])
    contents = builder("live", tmp_path).read(root)
    rated = [r for r in contents.records if r.level is None]
    hidden = [r for r in contents.records if r.level == 0]
    assert [(r.name, r.reference, r.score, r.deviation) for r in rated] == [
        ("jpeg/img1.bmp", "bikes", 12.0, 0.6),
        ("jpeg/img2.bmp", "bikes", 14.0, 0.7),
        ("jpeg/img9.bmp", "Plane", 28.0, 1.4),
    ]
    assert len(hidden) == 230
    assert {(r.distortion, r.score, r.deviation) for r in hidden} == {("", 0.0, None)}
    assert len(contents.notes) == 4 and "jp2k: its 227 images" in contents.notes[0]
    original = builder("live/original", tmp_path).read(root).records
    assert [r.score for r in original if r.level is None] == [6.0, 7.0, 14.0]


def test_live_reads_references_from_the_folders_when_the_list_is_gone(tmp_path):
    root = layouts.live(tmp_path, _LIVE, folders=["gblur"])
    (root / "refnames_all.mat").unlink()
    with pytest.raises(LayoutError, match=r"refnames_all.mat or gblur/info.txt"):
        builder("live", tmp_path).read(root)
    lines = [f"{'bikes' if n < 9 else 'Plane'}.bmp img{n}.bmp 1" for n in range(1, 175)]
    layouts.text(root / "gblur" / "info.txt", reversed(lines))
    contents = builder("live", tmp_path).read(root)
    rated = [(r.name, r.reference) for r in contents.records if r.level is None]
    assert rated[1:] == [("gblur/img2.bmp", "bikes"), ("gblur/img9.bmp", "Plane")]
    layouts.text(root / "gblur" / "info.txt", lines[:-1])
    with pytest.raises(LayoutError, match="expected 174 images, got 173"):
        builder("live", tmp_path).read(root)


def test_live_from_a_table(tmp_path):
    """Without MATLAB files and references, as the JPEG part is found in public."""
    head = "image,reference,is_hidden_reference,dmos_cdatabase,dmos_realigned"
    rows = [
        "jpeg/img1.bmp,refimgs/womanhat.bmp,0,55.67,52.92,2.87",
        "jpeg/img3.bmp,refimgs/lighthouse.bmp,1,0.0,,",
        "jpeg/img4.bmp,refimgs/lighthouse.bmp,0,79.63,87.83,2.18",
        "jpeg/img7.bmp,refimgs/womanhat.bmp,1,0.0,,",
    ]
    layouts.text(tmp_path / "scores.csv", [f"{head},dmos_realigned_std", *rows])
    layouts.put(tmp_path, [row.split(",")[0] for row in rows])
    contents = builder("live", tmp_path).read(tmp_path)
    assert {k: Path(str(p)).name for k, p in contents.references.items()} == {
        "womanhat": "img7.bmp",
        "lighthouse": "img3.bmp",
    }
    assert [(r.score, r.deviation, r.level) for r in contents.records] == [
        (52.92, 2.87, None),
        (None, None, 0),
        (87.83, 2.18, None),
        (None, None, 0),
    ]
    assert "2 references are copies of hidden ones" in contents.notes[-1]
    original = builder("live/original", tmp_path).read(tmp_path).records
    assert [r.score for r in original] == [55.67, 0.0, 79.63, 0.0]
    shutil.copy(tmp_path / "jpeg" / "img1.bmp", tmp_path / "lone.bmp")
    (tmp_path / "jpeg" / "img7.bmp").unlink()
    with pytest.raises(LayoutError, match="2 missing"):
        builder("live", tmp_path).read(tmp_path)


def test_live_md_tells_the_twins_apart(tmp_path):
    layouts.live_md(tmp_path, _MD)
    contents = builder("live_md", tmp_path).read(tmp_path)
    twins = {
        r.name: r.score for r in contents.records if "babygirl_blur1.bmp" in r.name
    }
    assert twins == {
        "blurjpeg/babygirl_blur1.bmp": 20.5,
        "blurnoise/babygirl_blur1.bmp": 22.5,
    }
    assert Path(str(contents.references["wheel"])).parent.name == "blurjpeg"


def test_challenge_leaves_out_what_trained_the_raters(tmp_path):
    root = layouts.challenge(tmp_path / "ChallengeDB_release", [("9.JPG", 80.25)])
    (record,) = builder("live_challenge", tmp_path).read(tmp_path).records
    assert (record.name, record.score, record.deviation) == ("9.JPG", 80.25, 20.0625)
    assert record.image == root / "Images" / "9.JPG"


def test_cid_iq_has_a_score_a_distance(tmp_path):
    layouts.cid_iq(tmp_path, *_CID)
    near, far = (
        builder(f"cid_iq/{c}", tmp_path).read(tmp_path).records
        for c in ("50cm", "100cm")
    )
    assert [r.image for r in near] == [r.image for r in far]
    # Type 2, reference 2, level 5: the 20th score.
    assert near[19].name == "final02_d2_l5.bmp" and near[19].score == _CID[0][19]
    assert far[19].score == _CID[1][19]
    layouts.cid_iq(tmp_path / "odd", _CID[0][:59], _CID[1])
    with pytest.raises(LayoutError, match="expected 30 scores per reference, got 59"):
        builder("cid_iq", tmp_path).read(tmp_path / "odd")
