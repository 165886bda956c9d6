"""``jiqa.evaluate`` called from Python."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import jiqa
from jiqa.errors import UsageError
from jiqa.evaluation import score_datasets
from jiqa.registry import bound_metric
from jiqa.report.evaluation.report import report

_LPIPS = "table/one", "lpips"


def _ratings(folder: Path, *, seed: int, count: int = 6) -> Path:
    """A table of noisy versions of one picture, the noisier the lower its MOS."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    picture = random.uniform(60, 190, (8, 8, 3)).repeat(8, 0).repeat(8, 1)
    Image.fromarray(picture.astype(np.uint8)).save(folder / "r.png")
    lines = ["image,reference,mos"]
    for level in range(count):
        noisy = picture + random.normal(0, 4 + 6 * level, picture.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(
            folder / f"{level}.png"
        )
        lines.append(f"{level}.png,r.png,{5 - 0.8 * level}")
    table = folder / f"{folder.name}.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rated")
    return _ratings(folder / "one", seed=0), _ratings(folder / "two", seed=1)


def test_data_sets_to_rows_figures_and_files(tables, tmp_path):
    steps: list[tuple[str, int, int]] = []

    @contextlib.contextmanager
    def counted(what: str, total: int, start: int = 0) -> Iterator[Callable[[], None]]:
        done: list[int] = []
        yield lambda: done.append(1)
        steps.append((what, total, start + len(done)))

    result = jiqa.evaluate(
        ["psnr", jiqa.load("ssim", downsample="auto")],
        tables,
        data_dir=tmp_path / "prepared",
        output=tmp_path / "out",
        resamples=20,
        splits=2,
        gmad=1,
        progress=counted,
    )
    assert steps == [
        ("scoring table/one", 6, 6),
        ("scoring table/two", 6, 6),
        ("evaluating", 4, 4),
    ]
    labels = ["psnr", "ssim(downsample=auto)"]
    assert len(result.rows) == 2 * 2 * 6 and result.failed == 0
    overall = [line for line in result.summary if line["distortion"] == "all"]
    assert [(line["data"], line["metric"]) for line in overall] == [
        (data, label) for data in ("table/one", "table/two") for label in labels
    ]
    assert (overall[0]["n"], overall[0]["srcc"]) == (6, pytest.approx(1))
    assert [s["metrics"] for s in result.significance] == [labels] * 2
    assert len(result.extra.protocol) == 4
    assert result.score_direction == {"table/one": "higher", "table/two": "higher"}
    assert sorted(result.paths) == sorted(
        path.name for path in (tmp_path / "out").iterdir()
    )
    facts = json.loads(result.paths["run.json"].read_text())
    assert facts["arguments"]["resamples"] == 20
    assert list(facts["fingerprints"]) == ["table/one", "table/two"]
    saved = json.loads(result.paths["summary.json"].read_text())
    assert [line["srcc"] for line in saved] == [line["srcc"] for line in result.summary]

    page = report(result, tmp_path / "page", command="a notebook")
    assert "a notebook" in page.read_text() and "data:image/" in page.read_text()
    # Rows that were written are evaluated alike.
    again = jiqa.evaluate(scores=result.paths["rows.parquet"], resamples=20)
    figures = ("metric", "srcc", "plcc", "rmse", "srcc_low")
    assert [[line[k] for k in figures] for line in again.summary] == [
        [line[k] for k in figures] for line in result.summary
    ]
    assert not again.paths and not again.rated.parts


def test_without_a_folder_nothing_is_left(tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = jiqa.evaluate(
        "psnr", str(tables[0]), data_dir=tmp_path / "prepared", resamples=0
    )
    assert result.summary[0]["srcc"] == pytest.approx(1) and not result.paths
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]
    turned = jiqa.evaluate(
        [bound_metric("psnr")],
        tables[0],
        data_dir=tmp_path / "prepared",
        resamples=0,
        score_direction="lower",
    )
    assert turned.summary[0]["srcc"] == pytest.approx(-1)
    assert turned.contrary == ["table/one"]


def test_weights_are_read_once_a_run(tables, tmp_path, monkeypatch):
    """However many data sets and metrics need them; names are resolved once too."""
    read: list[str] = []
    resolved: list[str] = []
    load, choose = jiqa.weights.load, score_datasets.choose

    def counted(name: str, *given: Any, **more: Any) -> Any:
        read.append(name)
        return load(name, *given, **more)

    def chosen(names: str, *given: Any, **more: Any) -> Any:
        resolved.append(names)
        return choose(names, *given, **more)

    monkeypatch.setattr(jiqa.weights, "load", counted)
    monkeypatch.setattr(score_datasets, "choose", chosen)
    asked: dict[str, Any] = {"data_dir": tmp_path / "data", "resamples": 0}
    result = jiqa.evaluate("lpips,cnn_iqm,psnr", tables, **asked)
    assert resolved == ["lpips,cnn_iqm,psnr"]
    assert sorted(read) == ["alexnet", "lpips-alex-v0.1"]
    digests = {row["metric"]: row["weights"] for row in result.rows}
    alexnet = digests["cnn_iqm"]
    assert alexnet == f"alexnet:{load('alexnet').sha256}" and digests["psnr"] == ""
    assert digests["lpips"].split() == [
        alexnet,
        f"lpips-alex-v0.1:{load('lpips-alex-v0.1').sha256}",
    ]
    # What was loaded before is not read again.
    metric = jiqa.load("lpips")
    read.clear()
    again = jiqa.evaluate([metric], tables[0], **asked)
    assert not read
    before = [r for r in result.rows if (r["data"], r["metric"]) == _LPIPS]
    for row, known in zip(again.rows, before, strict=True):
        assert (row["image"], row["weights"]) == (known["image"], known["weights"])
        np.testing.assert_allclose(row["value"], known["value"], rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "either data .* or scores"),
        ({"metrics": "psnr", "data": "tid2013", "scores": "t.csv"}, "either data"),
        ({"data": "tid2013"}, "metrics and data go together"),
        ({"metrics": "psnr", "scores": "t.csv"}, "metrics and data go together"),
        ({"scores": "t.csv", "resamples": -1}, "resamples: expected 0 or more, got -1"),
        ({"scores": "t.csv", "gmad": 0}, "gmad: expected 1 or more"),
        ({"scores": "t.csv", "splits": "all"}, "splits: expected 1 or more"),
        ({"metrics": "psnr", "data": "none.csv"}, "none.csv"),
        ({"metrics": "psnr", "data": "no_such_set"}, "no_such_set"),
        ({"metrics": "psrn", "data": "T"}, "did you mean psnr"),
        (
            {"metrics": [bound_metric("psnr"), "psnr"], "data": "T"},
            "psnr is there twice",
        ),
    ],
)
def test_wrong_requests_are_refused(given, message, tables, tmp_path):
    given = {k: tables[0] if v == "T" else v for k, v in given.items()}
    with pytest.raises(UsageError, match=message):
        jiqa.evaluate(**given, data_dir=tmp_path / "prepared")


def test_what_is_not_there_is_a_row_and_no_image_hides_another(tmp_path):
    table = _ratings(tmp_path / "mine", seed=2)
    text = table.read_text().replace("1.png,r.png", "1.png,gone too.png")
    table.write_text(f"{text}gone.png,r.png,1\n")
    result = jiqa.evaluate("psnr", table, data_dir=tmp_path / "out", resamples=0)
    assert {r["image"]: r["error"] for r in result.rows if r["error"]} == {
        "1.png": "gone too.png: No such file or directory",
        "gone.png": "No such file or directory",
    }
    assert (len(result.rows), result.failed) == (7, 2)
    assert result.rated.notes == [
        "mine.csv: columns image = image; reference = reference; score = mos",
        "images that are not there: 2 (gone too.png, gone.png)",
    ]
    table.write_text(f"{text}0.png,2.png,1\n")
    with pytest.raises(
        UsageError, match=r"0.png occurs twice \(references r.png and 2"
    ):
        jiqa.evaluate("psnr", table, data_dir=tmp_path / "out", resamples=0)
