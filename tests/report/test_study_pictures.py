"""Where a study's report looks for the data set."""

from __future__ import annotations

import json

import pytest

from jiqa.report import study_pictures


class _Asked(Exception):
    pass


def test_a_study_remembers_its_data_folder(tmp_path, monkeypatch):
    def asked(spec, data_dir):
        raise _Asked(spec, data_dir)

    monkeypatch.setattr(study_pictures, "open_rated_pairs", asked)
    (tmp_path / "sets").mkdir()
    facts = {"data": "table/mine", "data_dir": str(tmp_path / "sets"), "arguments": {}}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    for given, wanted in ((None, str(tmp_path / "sets")), ("other", "other")):
        with pytest.raises(_Asked) as raised:
            study_pictures.report_study(tmp_path, data_dir=given)
        assert raised.value.args == ("table/mine", wanted)
    (tmp_path / "sets").rmdir()  # a study on another machine
    with pytest.raises(_Asked) as raised:
        study_pictures.report_study(tmp_path)
    assert raised.value.args == ("table/mine", None)
