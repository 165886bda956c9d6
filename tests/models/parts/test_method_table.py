"""Tables of methods' scores, and what a selector takes from one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from jiqa.models import selector
from jiqa.models.parts.method_table import read_method_table

NAN = np.nan


def _table(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


_GOOD = ("image,score,split,a,b", "x.png,1,test,2,", "y.png,3,training,nan,4.5")


def test_a_table_is_read(tmp_path):
    path = _table(tmp_path / "scenario.csv", *_GOOD, "", "z.png,,,1,2")
    table = read_method_table(path)
    assert table.methods == ("a", "b")
    assert table.rows(["y.png", "x.png"]).tolist() == [1, 0]
    np.testing.assert_array_equal(table.values, [[2, NAN], [NAN, 4.5], [1, 2]])
    np.testing.assert_array_equal(table.score, [1, 3, NAN])
    assert read_method_table(path, ["b", "a"]).values[0].tolist()[1] == 2
    config = selector.Config(methods=path, names=("a", "b"))
    batch = {
        "name": np.array(["y.png", "", "x.png"]),
        "mask": np.array([True, False, True]),
        "score": np.array([3, NAN, 1], np.float32),
    }
    found = selector.targets(config, batch)
    np.testing.assert_array_equal(found["methods"], [[NAN, 4.5], [NAN, NAN], [2, NAN]])
    np.testing.assert_array_equal(found["score"], batch["score"])
    empty = _table(tmp_path / "empty.csv", "image,score,a,b", "x.png,1,,")
    config = selector.Config(methods=empty, names=("a", "b"))
    batch = {"name": np.array(["x.png"]), "mask": np.array([True]), "score": np.ones(1)}
    assert np.isnan(selector.targets(config, batch)["score"]).all()


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        (None, {}, "cannot be read as a table of methods"),
        (
            ("image,who,a,b",),
            {},
            "expected columns image, score.*got columns image, who.*no column score",
        ),
        (_GOOD, {"names": ("a", "c")}, "no column c"),
        (
            ("image,score,a", "x.png,1,2"),
            {},
            "expected two or more different methods, got a",
        ),
        ((*_GOOD, "x.png,1,,1,2"), {}, "line 4: x.png occurs a second time"),
        (
            ("image,score,a,b", "x.png,1,good,2"),
            {},
            "line 2: expected a number, got 'good'",
        ),
        (_GOOD, {}, "1 of 3 images have no row, such as z.png"),
        (
            (*_GOOD, "z.png,50,,2,"),
            {},
            "score of z.png: expected 5, as in the data, got 50",
        ),
        ((_GOOD[0], "x.png,1,,,4", "y.png,,,,4", "z.png,,,,1"), {}, "a has no score"),
    ],
)
def test_a_table_that_does_not_fit_is_told(lines, options, said, tmp_path):
    path = tmp_path / "scenario.csv"
    if lines is not None:
        _table(path, *lines)
    images = [
        SimpleNamespace(name=f"{name}.png", score=score)
        for name, score in zip("xyz", (1.0, 3.0, 5.0), strict=True)
    ]
    config = selector.Config(methods=str(path), **options)
    with pytest.raises(ValueError, match="(?s)" + said):
        selector.complete(config, images[:2], images[2:])


def test_it_is_completed_by_the_table_and_the_training_images(tmp_path):
    path = _table(tmp_path / "scenario.csv", *_GOOD, "z.png,,,1,2")
    curves = [
        {"name": name, "parameters": [1, 2, 3, 4, 5], "low": 0, "high": high}
        for name, high in (("b", 9.0), ("a", 8.0))
    ]
    facts = {"methods": {"a": {"metric": "brisque", "options": {"flat": "authors"}}}}
    record = {"methods": curves, "facts": facts}
    (tmp_path / "selector.json").write_text(json.dumps(record))
    x, y, z = (
        SimpleNamespace(name=f"{name}.png", score=score)
        for name, score in zip("xyz", (1.0, 3.0, 70.0), strict=True)
    )
    found = selector.complete(selector.Config(methods=path), [x, y], [z])
    assert found.names == ("a", "b") and len(found.digest) == 64
    # Errors 1 and 1.5, and that of the mean of the scores where there is none.
    assert found.order == (0, 1)
    assert selector.complete(found, [x, x, y], [z]).order == (1, 0)
    np.testing.assert_allclose(found.scale, np.sqrt((1**2 + 1.5**2) / 2))
    assert found.recipes == (
        ("brisque", (("flat", "authors"),), (1, 2, 3, 4, 5, 0, 8), ""),
        ("b", (), (1, 2, 3, 4, 5, 0, 9), ""),
    )
    other = dataclasses.replace(found, digest="0" * 64)
    batch = {"name": np.array(["x.png"]), "mask": np.ones(1, bool), "score": [1.0]}
    with pytest.raises(
        ValueError,
        match=r"scenario\.csv: expected the table .*got [0-9a-f]{64} \(it has changed",
    ):
        selector.targets(other, batch)
    with pytest.raises(
        ValueError, match=r"model\.methods: expected a table .*, got nothing"
    ):
        selector.complete(selector.Config(), [x, y], [])
