"""Every metric's documentation is complete and agrees with its record and options."""

from __future__ import annotations

import inspect
import re

import pytest

import jiqa
from jiqa.registry import get_metric

METRICS = jiqa.list_metrics()
#: A tolerance in figures, or in digits or decimals.
_TOLERANCE = r"\d+e-\d+|\b(all|two|\d+)( \d+)? (digits|decimals)"
#: What values were compared with: a program, a release of it, or the paper itself.
_SOURCE = (
    r"\w+\.m\b|MeTriX MuX|authors' (package|network|code)|release|MATLAB's|"
    r"the paper|abstract|literature|piq"
)


def section(doc: str, name: str) -> str:
    """The text of a section of a docstring, without its heading."""
    found = re.search(
        rf"^{name}:\n((?:    .*\n|\n)+)", inspect.cleandoc(doc) + "\n", re.M
    )
    return found[1] if found else ""


def arguments(doc: str) -> dict[str, str]:
    """The arguments that a docstring describes, with what it says of each."""
    found = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section(doc, "Args"), re.M)
    return {name: re.sub(r"\s+", " ", text) for name, text in found}


@pytest.mark.parametrize("name", METRICS)
def test_info_is_complete(name: str) -> None:
    metric = get_metric(name)
    info = metric.info
    assert info.name == name == metric.__name__
    assert info.title and info.title[0].isupper()
    assert info.range[0] < info.range[1]
    assert info.kind == (
        "full-reference" if len(metric.images) == 2 else "no-reference"
    )
    if info.identity is not None:
        assert info.range[0] <= info.identity <= info.range[1]
        best = info.range[1 if info.direction == "higher" else 0]
        # VIF and ADM reward enhanced contrast: more than the reference has.
        assert info.identity == best or name in ("adm", "vif", "vifp")


@pytest.mark.parametrize("name", METRICS)
def test_citation_and_fidelity(name: str) -> None:
    info = get_metric(name).info
    assert re.search(r"\b(19|20)\d\d\b", info.citation), info.citation
    assert re.match(r"(after )?[A-Z]\S*.*[:,] \S", info.citation), info.citation
    note = info.fidelity_note
    assert re.search(_SOURCE, note), note
    if info.fidelity == "reconstruction":
        assert re.search(r"argument|option|no authors' code", note), note
    else:
        assert re.search(_TOLERANCE, note), note


@pytest.mark.parametrize("name", METRICS)
def test_every_argument_is_described(name: str) -> None:
    metric = get_metric(name)
    doc = str(metric.__doc__)
    described = arguments(doc)
    signature = inspect.signature(inspect.unwrap(metric)).parameters
    assert list(described) == list(signature)
    for option in metric.options:
        parameter = signature[option]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, option
        assert parameter.default is not inspect.Parameter.empty, option
        text = described[option]
        assert len(text.split()) > 2, (option, text)
        if isinstance(parameter.default, str):
            assert f'"{parameter.default}"' in text, (option, text)


@pytest.mark.parametrize("name", METRICS)
def test_what_is_returned_is_described(name: str) -> None:
    """Shape, direction, and the range and the value of identical images."""
    info = get_metric(name).info
    doc = str(get_metric(name).__doc__)
    first = doc.split("\n")[0]
    assert re.fullmatch(r"[A-Z].*[.:]", first) and len(first) < 88, first
    text = re.sub(r"\s+", " ", section(doc, "Returns"))
    assert "``[...]``" in text, text
    assert re.findall(r"(higher|lower) is better", text) == [info.direction], text
    for low, high in re.findall(r"\bin \[(-?[\d.]+), (-?[\d.]+)[\])]", text):
        assert info.range[0] <= float(low) and float(high) <= info.range[1] + 1e-9
    for value in re.findall(r"(-?\d+)(?: only)? for identical images", text):
        assert info.identity == float(value), text


def test_sections_are_read() -> None:
    doc = "One line.\n\n    Args:\n        a: an array\n            of two lines.\n"
    doc += "        b: the other.\n\n    Returns:\n        ``[...]``.\n    "
    assert arguments(doc) == {"a": "an array of two lines.", "b": "the other."}
    assert section(doc, "Returns").strip() == "``[...]``."
    assert section(doc, "Raises") == ""
