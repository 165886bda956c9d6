"""The data sets of screen contents on miniature archives."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from jiqa.data.sets import siqad
from jiqa.data.store import builder
from tests.helpers.data_archives import pictures, refused, through, write


def _siqad(root: Path) -> list[str]:
    names = [
        f"cim{c}_{k}_{n}.bmp"
        for c in range(1, 21)
        for k in range(1, 8)
        for n in range(1, 8)
    ]
    pictures(root, [f"DistortedImages/{name}" for name in names])
    pictures(root, [f"references/cim{c}.bmp" for c in range(1, 21)])
    return names


@pytest.fixture(scope="module")
def siqad_archive(tmp_path_factory) -> Path:
    """All 980 images, and scores that tell where they come from."""
    root = tmp_path_factory.mktemp("SIQAD")
    _siqad(root)
    # As public programs read it: a row an image, a column a reference.
    scores = np.arange(980.0).reshape(20, 49).T
    scipy.io.savemat(root / "DMOS_SIQAD.mat", {"DMOS": scores, "note": "x"})
    scipy.io.savemat(
        root / "parts.mat",
        {"dmos_text": scores.T.reshape(-1, 1) + 1000, "dmos_pic": scores + 2000},
    )
    return root


@pytest.mark.parametrize(
    ("config", "offset"), [("entire", 0), ("text", 1000), ("picture", 2000)]
)
def test_siqad(config, offset, siqad_archive, tmp_path):
    if config == "entire":
        dataset = through("siqad", siqad_archive, tmp_path)
        entries = dataset.entries()
        assert (dataset.scale.name, dataset.scale.direction) == ("DMOS", "lower")
    else:
        contents = builder(f"siqad/{config}", tmp_path).contents(siqad_archive)
        entries = contents.records
    found = {e.name: e.score for e in entries}
    assert len(found) == 980
    assert found["cim1_1_1.bmp"] == offset
    assert found["cim1_1_7.bmp"] == offset + 6
    assert found["cim1_2_1.bmp"] == offset + 7
    assert found["cim20_7_7.bmp"] == offset + 979
    last = entries[-1]
    assert (last.reference, last.level) == ("cim20", 7)
    assert last.distortion == siqad.DISTORTIONS[6]


def test_siqad_without_scores_of_a_part(siqad_archive, tmp_path):
    for path in siqad_archive.iterdir():
        os.symlink(path, tmp_path / path.name)
    (tmp_path / "parts.mat").unlink()
    refused("siqad/text", tmp_path, "of text", "DMOS_SIQAD.mat: DMOS")
    (tmp_path / "DMOS_SIQAD.mat").unlink()
    refused("siqad", tmp_path, "1 missing", "DMOS_SIQAD.mat")


def _scid(root: Path, line: str) -> None:
    names = [
        f"SCI{c:02d}_{k}_{n}" for c in (1, 2) for k in range(1, 10) for n in (1, 5)
    ]
    pictures(root, [f"DistortedSCIs/{name}.bmp" for name in names])
    pictures(root, [f"ReferenceSCIs/SCI{c:02d}.bmp" for c in (1, 2)])
    text = "\n".join(
        line.format(ref=name[:5], name=name, score=50 + n / 8)
        for n, name in enumerate(names)
    )
    write(root / "MOS_SCID.txt", text)


@pytest.mark.parametrize(
    "line", ["{ref} {name} {score}", "{ref}\t{name}.bmp\t{score}", "{name}.bmp,{score}"]
)
def test_scid(line, tmp_path):
    _scid(tmp_path / "scid", line)
    contents = builder("scid", tmp_path).contents(tmp_path / "scid")
    assert len(contents.records) == 36
    assert sorted(contents.references) == ["SCI01", "SCI02"]
    record = contents.records[1]
    assert (record.name, record.score) == ("SCI01_1_5.bmp", 50.125)
    assert (record.distortion, record.level) == ("Gaussian noise", 5)


def test_scid_end_to_end_and_a_type_that_is_none(tmp_path):
    _scid(tmp_path / "scid", "{ref} {name} {score}")
    dataset = through("scid", tmp_path / "scid", tmp_path)
    assert {e.distortion for e in dataset.entries()} == set(dataset.info.distortions)
    write(tmp_path / "scid/MOS_SCID.txt", "SCI01 SCI01_0_1 5\n")
    refused("scid", tmp_path / "scid", "SCI01_0_1", "type from 1 to 9")
    write(tmp_path / "scid/MOS_SCID.txt", "SCI01 SCI01_1_1 x\n")
    refused("scid", tmp_path / "scid", "expected a number, got 'x'")
