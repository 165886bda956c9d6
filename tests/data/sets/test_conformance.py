"""What holds for every data set that is found."""

from __future__ import annotations

import importlib
import re

import pytest

from jiqa.data.builder import QualityDataset
from jiqa.data.schema import Record
from jiqa.data.sets import all_datasets
from jiqa.data.store import builder, list_datasets, split_name
from jiqa.errors import LayoutError

SETS = list(all_datasets())


def test_they_are_found():
    assert {"cid_iq", "csiq", "kadid10k", "koniq10k", "live", "live_challenge"} < {
        *SETS
    }
    assert {"live_md", "tid2008", "tid2013"} < {*SETS}
    assert {"cid_iq/50cm", "live/realigned", "csiq"} < {*list_datasets()}


@pytest.mark.parametrize("name", SETS)
def test_it_says_what_it_is(name):
    made = all_datasets()[name]
    info = made.INFO
    assert made.name == name == made.__module__.rpartition(".")[2]
    assert importlib.import_module(made.__module__).__doc__
    assert all((info.title, info.layout, info.citation, info.licence, made.__doc__))
    assert max(len(line) for line in info.layout.split("\n")) <= 88
    assert (info.kind == "pristine") <= (not info.scales)
    assert (info.references > 0) <= (info.kind == "full-reference")
    for config, scale in info.scales.items():
        assert scale.low < scale.high and scale.name in ("MOS", "DMOS")
        assert scale.direction in ("higher", "lower")
        assert re.fullmatch(r"\w*", config)


@pytest.mark.parametrize("name", SETS)
def test_another_folder_is_refused(name, tmp_path):
    (tmp_path / "readme.txt").write_text("nothing of it is here")
    with pytest.raises(LayoutError) as caught:
        builder(name, tmp_path / "out").contents(tmp_path)
    message = str(caught.value)
    assert str(tmp_path) in message
    assert all(line in message for line in builder(name).INFO.layout.split("\n"))
    with pytest.raises(LayoutError, match="is not a folder"):
        builder(name, tmp_path / "out").contents(tmp_path / "gone")


def test_names_that_are_nearly_right():
    with pytest.raises(ValueError, match=r"did you mean .*tid2013"):
        split_name("TID-2013")
    with pytest.raises(ValueError, match=r"did you mean .*cid_iq"):
        split_name("cid:iq")
    with pytest.raises(ValueError, match="scores: 50cm, 100cm"):
        split_name("cid_iq/70cm")
    with pytest.raises(ValueError, match="scores: one kind"):
        split_name("csiq/50cm")
    assert split_name("live") == (all_datasets()["live"], "realigned")


def test_a_set_has_to_say_how_it_is_read(tmp_path):
    class Unread(QualityDataset):
        INFO = all_datasets()["csiq"].INFO

    with pytest.raises(NotImplementedError, match="Unread"):
        Unread(data_dir=str(tmp_path)).read(tmp_path)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"score": float("nan")}, "score: expected a number, got nan"),
        ({"deviation": float("inf")}, "deviation: expected a number, got inf"),
        ({"split": "all"}, "an official split cannot be called all"),
        ({"split": "references"}, "an official split cannot be called references"),
    ],
)
def test_records_refuse_what_nobody_could_use(values, said, tmp_path):
    with pytest.raises(ValueError, match=f"a.png.*{said}"):
        Record(tmp_path / "a.png", "a.png", **values)
