"""``jiqa evaluate --scores`` from tables to files, and the published figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from jiqa.cli import main
from jiqa.evaluation.evaluate import COLUMNS

TID2013 = Path(__file__).parents[1] / "golden" / "tid2013" / "official_scores.csv.gz"

#: SRCC as the data set's authors print it, KRCC of the same table.
PUBLISHED = {
    "FSIMc": (0.8510, 0.6669),
    "PSNRHA": (0.8187, 0.6433),
    "PSNRHMA": (0.8128, 0.6316),
    "FSIM": (0.8007, 0.6300),
    "MSSIM": (0.7872, 0.6079),
    "PSNRc": (0.6869, 0.4958),
    "VSNR": (0.6809, 0.5077),
    "PSNR": (0.6395, 0.4700),
    "SSIM": (0.6370, 0.4636),
    "PSNRHVSM": (0.6246, 0.4818),
    "VIFP": (0.6084, 0.4567),
}


def _run(*arguments: object) -> int:
    try:
        return main(["evaluate", *map(str, arguments)])
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture(scope="module")
def tid2013(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tid2013")
    options = ("--infinite", 100000, "--resamples", 200, "--output", folder)
    assert _run("--scores", TID2013, *options) == 0
    return folder


def _summary(folder) -> list[dict]:
    return json.loads((folder / "summary.json").read_text())


def test_published_figures_to_the_printed_digits(tid2013):
    overall = {r["metric"]: r for r in _summary(tid2013) if r["distortion"] == "all"}
    found = {m: (round(r["srcc"], 4), round(r["krcc"], 4)) for m, r in overall.items()}
    assert found == PUBLISHED
    for row in overall.values():
        assert (row["n"], row["failed"], row["references"]) == (3000, 0, 25)
        for figure in ("srcc", "krcc", "plcc", "rmse"):
            assert row[f"{figure}_low"] < row[figure] < row[f"{figure}_high"]
    # 111 images have the reference's luma, and PSNR and PSNR-HVS-M see luma alone.
    assert "111 of 3000 values infinite" in overall["PSNR"]["note"]
    assert "inferred" in overall["PSNRc"]["note"]
    assert "inferred" not in overall["PSNRHA"]["note"]
    assert "inferred" not in overall["FSIM"]["note"]
    # FSIM's authors print .8589 and .8769 for FSIM and FSIMc.
    assert overall["FSIM"]["plcc"] == pytest.approx(0.8589, abs=1e-3)
    assert overall["FSIMc"]["plcc"] == pytest.approx(0.8769, abs=1e-3)


def test_files_hold_rows_figures_and_matrices(tid2013):
    rows = pq.read_table(tid2013 / "rows.parquet")
    assert rows.num_rows == 33_000
    psnr = rows.filter(np.array(rows["metric"].to_pylist()) == "PSNR")
    assert np.isinf(psnr["value"].to_numpy()).sum() == 111
    summary = _summary(tid2013)
    assert len(summary) == 11 * 25 and tuple(summary[0]) == COLUMNS
    first = [r["distortion"] for r in summary[:25]]
    assert first == ["all", *(str(i) for i in range(1, 25))]
    with (tid2013 / "summary.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(summary)
    assert float(table[30]["srcc"]) == summary[30]["srcc"]
    assert json.loads(table[30]["parameters"]) == summary[30]["parameters"]
    (significance,) = json.loads((tid2013 / "significance.json").read_text())
    place = {m: i for i, m in enumerate(significance["metrics"])}
    better = significance["f_test"][place["FSIMc"]]
    assert [better[place[m]] for m in ("FSIM", "SSIM", "FSIMc")] == [1, 1, 0]
    krasula = significance["krasula"]
    assert krasula["images"] == 3000
    areas = krasula["better_worse_auc"]
    assert max(areas) == areas[place["FSIMc"]] > 0.9


def _table(path, *, rows=60, seed=0, flip=1, extra=""):
    rng = np.random.default_rng(seed)
    lines = ["image,reference,dmos,ssim,other" + ("," + extra if extra else "")]
    for i in range(rows):
        quality = rng.uniform(0, 10)
        dmos = flip * (100 - 10 * quality + rng.normal())
        other = -quality + rng.normal()
        lines.append(f"{i}.png,r{i % 12},{dmos},{quality / 10},{other}")
        if extra:
            lines[-1] += ","
    path.write_text("\n".join(lines) + "\n")
    return path


def test_shown_table_and_notes(tmp_path, capsys):
    table = _table(tmp_path / "live.csv")
    assert _run("--scores", table, "--resamples", 100, "--mapping", 4) == 0
    out = capsys.readouterr().out
    assert "logistic-4" in out and "ssim ↑" in out and "other ↓" in out
    assert out.index("ssim ↑") < out.index("other ↓")
    assert "other: direction inferred from the sign of SRCC" in out
    assert "0.9" in out and "[0." in out and " 60 " in out


def test_declared_directions_and_score_direction(tmp_path, capsys):
    table = _table(tmp_path / "kadid.csv", flip=-1)
    out = tmp_path / "out" / "deep"
    arguments = ("--scores", table, "--resamples", 0, "-o", out)
    assert _run(*arguments, "--direction", "other=lower") == 0
    assert "check --score-direction" in capsys.readouterr().err
    assert all(r["srcc"] < -0.8 for r in _summary(out))
    assert _run(*arguments) == 2
    assert "rows.parquet is there already: --force" in capsys.readouterr().err
    assert _run(*arguments, "--score-direction", "higher", "--force") == 0
    assert capsys.readouterr().err == (
        "kadid.csv: columns image = image; reference = reference; score = dmos; "
        "metrics = ssim, other\n"
    )
    assert all(r["srcc"] > 0.8 and r["srcc_low"] is None for r in _summary(out))


def test_peers_next_to_ours_and_failures(tmp_path, capsys):
    _table(tmp_path / "mos.csv")
    peer = ["image,reference,width,height,peer,error"]
    peer += [f"x/{i}.png,r,9,9,{i},,"[:-1] for i in range(58)]
    peer += ["x/58.png,r,9,9,,truncated"]
    (tmp_path / "peer.csv").write_text("\n".join(peer) + "\n")
    tables = (tmp_path / "mos.csv", tmp_path / "peer.csv")
    out = tmp_path / "out"
    assert _run("--scores", *tables, "-o", out, "--resamples", 50) == 1
    captured = capsys.readouterr()
    assert "2 rows failed and are left out" in captured.err
    found = {r["metric"]: (r["n"], r["failed"]) for r in _summary(out)}
    assert found == {"ssim": (60, 0), "other": (60, 0), "peer": (58, 2)}
    rows = pq.read_table(out / "rows.parquet").to_pylist()
    errors = sorted(r["error"] for r in rows if r["value"] is None)
    assert errors == ["no row in peer.csv", "truncated"]


def test_the_same_seed_gives_the_same_files(tmp_path):
    table = _table(tmp_path / "t.csv")
    texts = []
    for seed in (1, 1, 2):
        out = tmp_path / f"out{len(texts)}"
        _run("--scores", table, "-o", out, "--resamples", 50, "--seed", seed)
        texts.append((out / "summary.csv").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_written_rows_are_evaluated_the_same_way(tmp_path):
    table = _table(tmp_path / "t.csv")
    first, second = tmp_path / "a", tmp_path / "b"
    _run("--scores", table, "-o", first, "--resamples", 50)
    rows = first / "rows.parquet"
    options = ("--score-direction", "lower", "--resamples", 50)
    _run("--scores", rows, "-o", second, *options)
    assert (first / "summary.csv").read_text() == (second / "summary.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--scores TABLE"),
        (("--scores", "none.csv"), "none.csv does not exist"),
        (
            ("--scores", "T", "--direction", "ssim=up"),
            "--direction: expected METRIC=higher or METRIC=lower, got ssim=up",
        ),
        (
            ("--scores", "T", "--direction", "vif=lower"),
            "unknown metric vif (metrics: ",
        ),
        (
            ("--scores", "T", "--resamples", "-1"),
            "resamples: expected 0 or more, got -1",
        ),
        (
            ("--scores", "T", "--observers", "0"),
            "observers: expected 1 or more, got 0",
        ),
        (("--scores", "T", "--subjective", "mos"), "a column mos"),
        (("--scores", "T", "--output", "T"), "cannot write"),
        (("--scores", "T", "--mapping", "3"), "expected '5', '4' or 'none'"),
    ],
)
def test_wrong_usage_exits_with_two(tmp_path, arguments, message, capsys):
    table = _table(tmp_path / "t.csv")
    assert _run(*(table if a == "T" else a for a in arguments)) == 2
    assert message in capsys.readouterr().err
