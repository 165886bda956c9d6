"""The report of a study, and the recipe of the published tables, on a miniature set."""

from __future__ import annotations

import csv
import importlib
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from jiqa.analysis.map_selection.selected_maps import Selection
from jiqa.analysis.map_selection.study import Figures
from jiqa.cli import main
from jiqa.report.study import write_report
from tests.helpers.analysis_data import falling, prepare_rated


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    return prepare_rated(tmp_path_factory.mktemp("mini"), falling)


QUICK = ["--most", "2", "--side", "64", "--steps", "3", "--stride", "27"]
QUICK += ["--samples", "1", "--images", "8"]


@pytest.fixture(scope="module")
def study(prepared, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("study")
    words = ["analyse", "select", "--data", "table/mini", "--data-dir", str(prepared)]
    words += ["--layers", "conv1", "--stopping", "2", "--resamples", "2", "--no-cache"]
    words += ["--folds", "2", "--cache", str(prepared / "kept"), "--report", *QUICK]
    assert main([*words, "--output", str(output)]) == 0
    return output


@pytest.mark.slow
def test_one_command_writes_a_page_that_needs_no_other_file(study):
    page = (study / "report.html").read_text(encoding="utf-8")
    chosen = Selection.from_json(study / "maps.json")
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "<script" not in page and "url(" not in page.replace("url(#", "")
    for name in chosen.names:
        card = page[page.index(f"<h3>{name}</h3>") :].split("</section>")[0]
        assert card.count("data:image/png") == 2 + 3 * 2  # three samples, pairs
        assert "prediction difference" in card
        assert "maximised" in card and "selected in" in card
        assert re.search(r"detects <b>|detects no concept \(no overlap above", card)
    assert f"{chosen.curve[-1]:.4f}" in page and "held out" in page
    assert page.count("data:image/jpeg") == 6  # three pairs
    assert f"{chosen.all_maps:.4f}" in page and "<svg" in page


def test_the_page_again_from_the_folder(study, capsys, tmp_path):
    (study / "report.html").unlink()
    words = ["analyse", "report", str(study), "--no-cache", *QUICK, "--most", "1"]
    assert main(words) == 0
    page = (study / "report.html").read_text(encoding="utf-8")
    assert page.count('<section class="map">') == 1
    assert str(study) in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["analyse", "report", str(tmp_path)])
    assert ended.value.code == 2


def test_held_out_is_one_figure_in_table_and_plot(study):
    page = (study / "report.html").read_text(encoding="utf-8")
    with (study / "curve.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    with (study / "figures.csv").open(newline="") as file:
        chosen = next(csv.DictReader(file))
    facts = json.loads((study / "run.json").read_text())
    if all(len(fold["maps"]) <= 2 for fold in facts["folds"]):
        assert float(last["held_out"]) == pytest.approx(float(chosen["held_out"]))
    assert "mean of folds" not in page and "all folds together" in page
    assert "The score of the selected maps and the subjective scores" in page
    with (study / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36 and float(rows[0]["score"]) <= 1


def test_it_remembers_where_the_data_are(study, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("JIQA_DATA", str(tmp_path / "none"))
    folder = tmp_path / "study"
    shutil.copytree(study, folder)
    facts = json.loads((folder / "run.json").read_text())
    gone = {**facts, "data_dir": str(tmp_path / "gone")}
    (folder / "run.json").write_text(json.dumps(gone))
    with pytest.raises(SystemExit) as ended:
        main(["analyse", "report", str(folder), "--no-cache", *QUICK])
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "gone, is not there any more, and the usual one has none" in said
    assert "--data-dir says where they are" in said
    (folder / "run.json").write_text(json.dumps(facts))
    table = (folder / "curve.csv").read_text()
    (folder / "curve.csv").write_text(
        table.replace("held_out", "held_out_mean_of_folds", 1)
    )
    with pytest.raises(ValueError, match="an earlier version of jiqa analyse select"):
        write_report(folder, [], [], command="")


def test_the_published_tables_as_a_recipe(prepared, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "scripts" / "recipes"))
    recipe: Any = importlib.import_module("select_published")
    words = ["--data", "table/mini", "csiq", "--data-dir", str(prepared)]
    words += ["--networks", "alexnet", "--output", str(tmp_path)]
    options = {"layers": ["conv1"], "stopping": 2, "resamples": 0, "folds": 2}
    options["cache"] = str(prepared / "kept")
    words += ["--options", json.dumps(options)]
    assert recipe.main(words) == 0
    table = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert len(table) == 3 and table[2].startswith("| alexnet | table/mini | – | – |")
    chosen = Selection.from_json(tmp_path / "alexnet" / "table-mini" / "maps.json")
    assert f"| 2 | {chosen.value:.3f} | {chosen.all_maps:.3f} |" in table[2]
    assert "skipped: csiq" in capsys.readouterr().err
    figures = [
        Figures("chosen maps", 9, 0.5, math.nan, 0.5, 0.5),
        Figures("all maps", 1152, 0.4, 0.3, 0.4, 0.3),
    ]
    assert recipe.line("alexnet", "tid2013", figures) == [
        *("alexnet", "tid2013", "9", "0.95", "0.91"),
        *("9", "0.500", "0.400", "–", "0.300"),
    ]
    assert len(recipe.PUBLISHED) == 10 and len(recipe.DATA) == 5
