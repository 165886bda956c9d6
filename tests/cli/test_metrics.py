"""``jiqa metrics``: the list, the descriptions, and the errors for wrong names."""

from __future__ import annotations

import inspect
import re

import pytest

import jiqa
from jiqa.cli import main
from jiqa.cli.metrics import format_range
from jiqa.registry import RECOMMENDED, get_metric, list_metrics
from jiqa.scoring.choose_metrics import choose


def _describe(name: str, capsys) -> str:
    assert main(["metrics", name]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_list_has_every_metric_uncut(monkeypatch, capsys):
    """Redirected, as here, whatever width a terminal would have."""
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["metrics"]) == 0
    lines = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("│")
    ]
    found = {cells[0]: cells for cells in lines if cells[0]}
    assert list(found) == jiqa.list_metrics()
    for name, (_, _, kind, direction, bounds, side, fidelity) in found.items():
        info = get_metric(name).info
        assert (kind, direction, fidelity) == (info.kind, info.direction, info.fidelity)
        assert (bounds, side) == (format_range(info.range), str(info.min_side))


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((0.0, 0.58), "[0, 0.58]"),
        ((-1.0, 1.0), "[-1, 1]"),
        ((0.0, float("inf")), "[0, inf)"),
        ((float("-inf"), float("inf")), "(-inf, inf)"),
    ],
)
def test_ranges_as_the_field_writes_them(bounds, text):
    assert format_range(bounds) == text


def test_ssim_is_described(capsys):
    text = _describe("ssim", capsys)
    for fact in (
        *("better higher", "range [-1, 1]", "minimum side 11 pixels"),
        *("colour RGB is reduced to luma", "fidelity authors-code: 1e-6 relative"),
        *("doi:10.1109/TIP.2003.819861", "identical images 1.0", "symmetric yes"),
        "Options: preset='wang2004', luma='bt601', downsample='none', window_size=None",
    ):
        assert fact in text, fact


@pytest.mark.parametrize("name", jiqa.list_metrics())
def test_every_description_is_whole(name, capsys):
    """Brackets in a citation must not vanish as markup."""
    metric = get_metric(name)
    text = _describe(name, capsys)
    for fact in (metric.info.title, metric.info.citation, metric.info.fidelity_note):
        assert " ".join(fact.split()) in text
    assert " ".join(str(inspect.getdoc(metric)).split()) in text
    for option in metric.options:
        assert re.search(rf"Options: .*\b{option}=", text), option


@pytest.mark.parametrize("start", [["metrics"], ["score"]], ids=lambda s: s[0])
@pytest.mark.parametrize(
    ("name", "close"), [("ssmi", "ssim"), ("ms_sim", "ms_ssim"), ("qqqqq", None)]
)
def test_unknown_names_exit_with_two(start, name, close, monkeypatch, capsys):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    with pytest.raises(SystemExit) as end:
        main([*start, name, *(["a.png", "-r", "b.png"] if start == ["score"] else [])])
    captured = capsys.readouterr()
    assert end.value.code == 2 and not captured.out
    assert f"unknown metric '{name}'" in captured.err
    assert "jiqa metrics lists them all" in captured.err
    said = re.search(r"did you mean ([^?]*)\?", captured.err)
    assert (close in said[1].split(" or ")) if said else close is None


@pytest.mark.parametrize("name", ["MS-SSIM", "Ms_Ssim", "ms_ssim"])
def test_names_in_any_case(name, capsys):
    assert main(["metrics", name]) == 0
    assert "ms_ssim" in capsys.readouterr().out
    assert get_metric(name) is get_metric("ms_ssim")
    (choice,) = choose(f"{name}, {name}", [], have_reference=True)
    assert choice.label == "ms_ssim"
    settings = [f"{name}.luma=matlab"]
    (choice,) = choose("MS_SSIM", settings, have_reference=True)
    assert choice.label == "ms_ssim(luma=matlab)"


@pytest.mark.parametrize("paired", [True, False])
def test_recommended_stands_for_metrics_without_weights(paired):
    names = [c.name for c in choose("Recommended", [], have_reference=paired)]
    kind = "full-reference" if paired else "no-reference"
    assert tuple(names) == RECOMMENDED[kind]
    assert set(names) <= set(list_metrics(kind=kind, classical=True))
