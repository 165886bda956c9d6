"""``jiqa evaluate`` beside correlations: splits, tests without human scores, gMAD."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageFilter
from scipy import stats

from jiqa.cli import main
from jiqa.data.store import prepare
from jiqa.evaluation.rows import COLUMNS
from jiqa.evaluation.statistics.splits import reference_disjoint_splits
from jiqa.evaluation.unrated_tests import expert_qualities, gmad_pairs, tables_of
from jiqa.io.write_table import write_rows
from tests.helpers.evaluations import make_rows

_KINDS = ("GBLUR", "AWGN", "JPEG", "JP2K")
_PHOTOGRAPHS = 3


def _waterloo(root: Path) -> Path:
    """Three photographs with blur and noise under the names of all four types."""
    random = np.random.default_rng(0)
    (root / "pristine_images").mkdir(parents=True)
    for number in range(1, _PHOTOGRAPHS + 1):
        pixels = random.normal(0, 1, (48, 40, 3)).cumsum(0)
        pixels = (255 * (pixels - pixels.min()) / np.ptp(pixels)).astype(np.uint8)
        image = Image.fromarray(pixels)
        image.save(root / "pristine_images" / f"{number:05}.bmp")
        for kind, name in enumerate(_KINDS, 1):
            folder = root / "distorted_images" / name
            folder.mkdir(parents=True, exist_ok=True)
            for level in range(1, 6):
                noise = random.normal(0, (2 + kind) * level, pixels.shape)
                noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
                blurred = image.filter(ImageFilter.GaussianBlur(0.5 * kind * level))
                version = blurred if kind % 2 else Image.fromarray(noisy)
                version.save(folder / f"{number:05}_{kind}_{level}.png")
    return root


@pytest.fixture(scope="module")
def unrated(tmp_path_factory) -> Path:
    """What the command writes for a data set that nobody has rated."""
    folder = tmp_path_factory.mktemp("waterloo")
    prepare("waterloo", _waterloo(folder / "archive"), folder / "data")
    words = ["psnr,ssim,gmsd", "--data", "waterloo", "--data-dir", str(folder / "data")]
    more = ["--waterloo", "--experts", "psnr,ssim", "--margin", "30", "--gmad", "2"]
    assert main(["evaluate", *words, *more, "-o", str(folder / "out")]) == 0
    return folder / "out"


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_pristine_images_are_rows_without_a_score(unrated):
    rows = pq.read_table(unrated / "rows.parquet").to_pylist()
    assert len(rows) == 3 * _PHOTOGRAPHS * (1 + 4 * 5)
    pristine = [r for r in rows if r["level"] == 0 and r["metric"] == "ssim"]
    assert [r["value"] for r in pristine] == [1.0] * _PHOTOGRAPHS
    assert all(r["score"] is None for r in rows)
    assert (unrated / "summary.csv").read_text().count("\n") == 1


def test_waterloo_tests_of_an_unrated_set(unrated):
    lines = _lines(unrated / "waterloo.csv")
    rows = pq.read_table(unrated / "rows.parquet").to_pylist()
    assert [line["metric"] for line in lines] == ["psnr", "ssim", "gmsd"]
    for line in lines:
        # A full-reference metric knows an image that equals its reference.
        assert float(line["d"]) == 1
        assert (line["pristine"], line["distorted"], line["ladders"]) == (
            *(str(_PHOTOGRAPHS), str(_PHOTOGRAPHS * 20), str(_PHOTOGRAPHS * 4)),
        )
        ladders: dict[tuple, list] = {}
        sign = -1 if line["direction"] == "higher" else 1
        for row in rows:
            if row["metric"] == line["metric"] and row["level"]:
                ladder = ladders.setdefault((row["reference"], row["distortion"]), [])
                ladder.append((row["level"], sign * row["value"]))
        figures = [_spearman(ladder) for ladder in ladders.values()]
        assert float(line["l"]) == pytest.approx(np.mean(figures))
        assert int(line["pairs"]) > 0 and line["scale"] == "ranks"
    assert float(lines[0]["p"]) == float(lines[1]["p"]) == 1  # themselves the experts
    assert 0.5 < float(lines[2]["p"]) <= 1


def test_gmad_pairs_of_an_unrated_set_come_with_pictures(unrated):
    lines = _lines(unrated / "gmad.csv")
    rows = pq.read_table(unrated / "rows.parquet").to_pylist()
    values = {(r["image"], r["metric"]): r["value"] for r in rows}
    assert len(lines) == 3 * 2 * 2  # defenders, attackers, levels
    for line in lines:
        low, high = (values[line[end], line["attacker"]] for end in ("low", "high"))
        assert low < high
        assert (low, high) == (
            *(float(line["attacker_low"]), float(line["attacker_high"])),
        )
        for end in ("low", "high"):
            held = values[line[end], line["defender"]]
            assert float(line["defender_low"]) <= held <= float(line["defender_high"])
    page = (unrated / "report.html").read_text()
    section = page[page.index('id="gmad"') :]
    section = section[: section.index("</section>")]
    shown = max(lines, key=lambda line: float(line["relative_difference"]))
    ends = (f"{float(shown[f'attacker_{end}']):.4g}" for end in ("low", "high"))
    assert f"<strong>{shown['attacker']}</strong> {' | '.join(ends)};" in section
    assert section.count("<figure>") == 6 and section.count('role="img"') == 12
    assert 'id="waterloo"' in page and 'id="protocol"' not in page


def _spearman(pairs) -> float:
    found: Any = stats.spearmanr(pairs)
    return found.statistic


def _saved(path: Path, rows: list[dict]) -> Path:
    write_rows(path, COLUMNS, rows)
    return path


def test_medians_over_repeated_splits(tmp_path, capsys):
    rows = make_rows(["a", "b"], references=10, lower=["b"])
    table = _saved(tmp_path / "rows.parquet", rows)
    words = ["--scores", str(table), "--score-direction", "higher"]
    words += ["--direction", "b=lower", "--splits", "7", "--seed", "3"]
    out = tmp_path / "out"
    assert main(["evaluate", *words, "--resamples", "0", "-o", str(out)]) == 0
    lines = {line["metric"]: line for line in _lines(out / "protocol.csv")}
    for metric, sign in (("a", 1), ("b", -1)):
        own = sorted(
            (r for r in rows if r["metric"] == metric), key=lambda r: r["image"]
        )
        splits = reference_disjoint_splits(
            [r["reference"] for r in own], repeats=7, seed=3
        )
        found = [
            sign * _spearman([(own[i]["value"], own[i]["score"]) for i in test])
            for _, test in splits
        ]
        line = lines[metric]
        assert float(line["srcc"]) == pytest.approx(np.median(found))
        assert float(line["srcc_std"]) == pytest.approx(np.std(found, ddof=1))
        assert (line["splits"], line["test_share"], line["rows"]) == (
            "7",
            "0.2",
            "18.0",
        )
    assert "over 7 splits" in capsys.readouterr().out
    assert "Over repeated splits" in (out / "report.html").read_text()


def test_splits_that_the_rows_name(tmp_path):
    whole = make_rows(["model"], references=5)
    draw = np.random.default_rng(1)
    # Trained anew for each split, the model judges a photograph differently in each.
    parts = [
        [
            {
                **row,
                "split": f"test@{seed}",
                "value": row["value"] + draw.normal(0, 0.2),
            }
            for row in whole
            if row["image"][6:8] in ("00", "03", f"{seed:02}")
        ]
        for seed in (1, 2, 4)
    ]
    table = _saved(tmp_path / "rows.parquet", [row for rows in parts for row in rows])
    out = tmp_path / "out"
    words = ["--scores", str(table), "--splits", "own", "--no-report", "-o", str(out)]
    assert main(["evaluate", *words, "--resamples", "0"]) == 0
    (line,) = _lines(out / "protocol.csv")
    found = [_spearman([(r["value"], r["score"]) for r in rows]) for rows in parts]
    assert float(line["srcc"]) == pytest.approx(np.median(found))
    assert (line["split"], line["splits"], line["failed"]) == ("own", "3", "0")


def test_experts_are_put_on_the_scale_of_the_scores(tmp_path):
    rows = make_rows(["psnr", "ssim", "other"], references=8)
    table = _saved(tmp_path / "rows.parquet", rows)
    out = tmp_path / "out"
    words = ["--scores", str(table), "--waterloo", "--experts", "psnr,ssim"]
    words += ["--margin", "40", "--resamples", "0", "--no-report", "-o", str(out)]
    words += ["--score-direction", "higher"]
    assert main(["evaluate", *words]) == 0
    lines = _lines(out / "waterloo.csv")
    assert {line["scale"] for line in lines} == {"fits to made test"}
    assert {line["note"].split(";")[0] for line in lines} == {
        "no D-test: 0 pristine and 72 distorted images"
    }
    assert all(float(line["p"]) > 0.8 for line in lines)


def test_ranks_are_a_scale_of_a_hundred():
    rows = make_rows(["a", "b"], lower=["b"])
    (table,) = tables_of(rows)
    scale = expert_qualities(table, ["a", "b"], {"a": "higher", "b": "lower"})
    n = len(table.images)
    np.testing.assert_allclose(np.sort(scale[0]), 100 * (np.arange(n) + 0.5) / n)
    assert scale[0].argmax() == table.values["a"].argmax()
    assert scale[1].argmax() == table.values["b"].argmin()


def test_what_cannot_be_tested_is_told(tmp_path, capsys):
    rows = make_rows(["a"], references=1, kinds=["noise"], levels=2)
    table = _saved(tmp_path / "rows.parquet", rows)
    words = ["--scores", str(table), "--waterloo", "--gmad", "6", "--splits", "2"]
    assert main(["evaluate", *words, "--resamples", "0"]) == 0
    said = capsys.readouterr().out
    for part in (
        "names: expected at least two metrics, an attacker and a defender, got 1",
        "no L-test",
        "it needs ms_ssim, vif, gmsd among the metrics",
        "1 references are too few for a split into 2 parts",
    ):
        assert part in said
    rows = make_rows(["a"], references=3, kinds=["noise"], levels=2)
    _saved(table, rows)
    words = ["evaluate", "--scores", str(table), "--splits", "2", "--resamples", "0"]
    assert main(words) == 0
    assert "a: no fit in 2 of 2 splits" in capsys.readouterr().out
    with pytest.raises(ValueError, match="expected at least 2 images per level"):
        gmad_pairs(tables_of(make_rows(["a", "b"]))[0], levels=30)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--splits", "0"], "splits: expected 1 or more, or 'own', got 0"),
        (["--splits", "many"], "splits: expected 1 or more, or 'own', got 'many'"),
        (["--gmad", "0"], "gmad: expected 1 or more, got 0"),
        (["--margin", "100"], "margin: expected 0 to below 100, got 100.0"),
    ],
)
def test_wrong_usage_is_told(words, said, tmp_path, capsys):
    table = _saved(tmp_path / "rows.parquet", make_rows(["a"]))
    with pytest.raises(SystemExit) as end:
        main(["evaluate", "--scores", str(table), *words])
    assert end.value.code == 2 and said in capsys.readouterr().err
