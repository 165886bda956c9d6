"""JSON files: errors name the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jiqa.io.json_files import read_json, write_json


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "a" / "run.json"
    value = {"a": [1, 2.5, None], "ü": "鳥"}
    write_json(path, value)
    assert read_json(path) == read_json(str(path)) == value
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(path) == [1]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Expecting value: line 1 column 1"),
        (b'{"a": 1,\n', "line 2 column 1"),
        (b'{"a": "\xff"}', "invalid start byte"),
    ],
)
def test_what_is_no_json_is_named(tmp_path, data, reason):
    path = tmp_path / "run.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"run\.json is not valid JSON: ") as caught:
        read_json(path)
    assert str(caught.value).startswith(str(path)) and reason in str(caught.value)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none.json")


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    target = tmp_path / "run.json"
    write_json(target, {"a": [1, 2.5]})
    assert target.read_text() == '{\n  "a": [\n    1,\n    2.5\n  ]\n}\n'
    with pytest.raises(TypeError):
        write_json(target, {"a": object()})
    with pytest.raises(ValueError):
        write_json(target, float("nan"), allow_nan=False)
    assert json.loads(target.read_text()) == {"a": [1, 2.5]}
    write_json(target, {"p": Path("x")}, indent=None, default=str)
    assert target.read_text() == '{"p": "x"}\n'
