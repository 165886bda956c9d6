"""The HTML page of an evaluation: what it holds, and that it holds odd rows too."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import Counter
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from jiqa.io.decode import DecodeError
from jiqa.report.evaluation.page import write_report
from jiqa.report.plot_style import INK
from tests.helpers.evaluations import evaluated, make_rows

VOID = {"meta", "br", "input", "img", "link", "hr"}
METRICS = ("ssim", "gmsd", "psnr", "anyone's")


class Page(HTMLParser):
    """A page, parsed strictly: what opens closes, identifiers are not used twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.open, self.ids = text, [], Counter()
        self.targets, self.tags, self.tables = set(), Counter(), []
        self.words: dict[str, str] = {}
        self.cards: dict[str, str] = {}
        self._card = ""
        self.feed(text)
        self.close()
        assert not self.open and max(self.ids.values()) == 1
        assert self.targets <= set(self.ids)
        self._check_nothing_is_loaded()

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"{tag} repeats an attribute: {attrs}"
        found = dict(attrs)
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids[found["id"]] += 1
        for value in (found.get("href"), found.get("clip-path")):
            self.targets.update(re.findall(r"#([^)]+)", value or ""))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "article":
            self._card = str(found["id"])
            self.cards[self._card] = ""

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag, f"</{tag}> closes nothing"
        if tag == "article":
            self._card = ""

    def handle_data(self, data):
        if {"td", "th"} & set(self.open) and "table" in self.open:
            self.tables[-1][-1][-1] += data
        if self._card:
            self.cards[self._card] += f" {data.strip()}"

    def _check_nothing_is_loaded(self):
        code = re.sub(r"<td.*?</td>|data:image/[a-z]+;base64,[\w+/=\s]+", "", self.text)
        assert "http" not in code and "@import" not in code
        assert not {"link", "iframe", "object", "embed", "base"} & set(self.tags)
        for address in re.findall(r"""(?:src=|url\()['"]?([^)'"]*)""", self.text):
            assert address.startswith(("data:image/", "#"))

    def pictures(self):
        """The thumbnails, decoded."""
        found = re.findall(r"^\.p\d+ .*base64,([^)]+)\)", self.text, re.M)
        return [Image.open(BytesIO(b64decode(data))) for data in found]


def _write(folder, evaluation, **more) -> Page:
    path = folder / "new" / "page.html"
    write_report(path, evaluation, **{"title": "t", "command": "c", **more})
    return Page(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def two_sets():
    more = {"data": "other", "split": "", "seed": 1}
    rows = make_rows(METRICS, lower=["gmsd"])
    rows += make_rows(METRICS[:2], lower=["gmsd"], **more)
    return evaluated(rows, lower=["gmsd"])


@pytest.fixture(scope="module")
def page(tmp_path_factory, two_sets):
    return _write(
        tmp_path_factory.mktemp("page"),
        two_sets,
        title="All of it",
        command="jiqa evaluate <x>",
        notes=["Said so."],
        settings={"seed": 3},
        score_direction={"made": "lower"},
    )


def test_every_metric_is_there_with_its_figures(page, two_sets):
    for words in ("All of it", "jiqa evaluate &lt;x&gt;", "Said so.", "seed: 3"):
        assert words in page.text
    assert "logistic-5" in page.text and "A lower subjective score" in page.text
    across, first = page.tables[:2]
    assert across[0][1:] == ["made · test", "other"]
    overall = [x for x in two_sets.summary if x["distortion"] == "all"]
    made = sorted(overall[:4], key=lambda x: -x["srcc"])
    for line, cells in zip(made, first[1:], strict=True):
        arrow = "↓" if line["metric"] == "gmsd" else "↑"
        assert cells[0] == f"{line['metric']}\xa0{arrow}"
        interval = f"{line['srcc_low']:.3f} to {line['srcc_high']:.3f}"
        assert cells[1] == f"{line['srcc']:.3f}{interval}"
        assert cells[-4:-1] == ["36", "0", "logistic-5"]
    assert list(page.cards) == [f"d0-m{i}" for i in range(4)] + ["d1-m0", "d1-m1"]
    for line, card in zip(made, page.cards.values(), strict=False):
        assert f" {line['metric']} " in card and f"{line['rmse']:#.4g}" in card
    # Three plots of each set, three comparisons, one a metric; the legend's marks.
    assert page.tags["svg"] == 2 * (3 + 3) + 6 + 2 * 3
    assert INK not in page.text and "currentColor" in page.text


def test_a_scatter_plot_holds_each_point_of_each_distortion(tmp_path):
    rows = make_rows(["ssim"], kinds=("noise", "blur"))
    rows[4]["value"] = np.inf
    page = _write(tmp_path, evaluated(rows))
    drawn = re.search("<article.*?<svg.*?</svg>", page.text, re.S)
    assert drawn is not None
    for kind, name in enumerate(("noise", "blur")):
        group = re.search(f'class="points kind-{kind}"><path d="([^"]+)', drawn[0])
        assert group is not None
        steps = re.findall(r"m(-?[\d.]+) ?(-?[\d.]+)", group[1])
        x, y = np.cumsum(np.array(steps, float), 0).T
        here = [r for r in rows if r["distortion"] == name and r["value"] < 9]
        here.sort(key=lambda r: r["value"])
        assert len(here) == len(x) == 12 - kind
        assert np.corrcoef(x, [r["value"] for r in here])[0, 1] > 0.9999
        assert np.corrcoef(y, [r["score"] for r in here])[0, 1] < -0.9999
    assert "1 value beyond the axis (1 infinite)" in " ".join(page.text.split())


def test_the_largest_residuals_come_with_their_pictures(tmp_path, two_sets, rng):
    shown = rng.integers(0, 256, (40, 60, 3), np.uint8)
    asked = []

    def pixels(row):
        asked.append(row["image"])
        if row["image"].endswith("_3.png"):
            raise DecodeError("broken")
        return shown, None if row["data"] == "other" else shown[..., :1]

    page = _write(tmp_path, two_sets, thumbnails=pixels, worst_count=2)
    assert len(asked) == len(set(asked)) > 4
    good = [a for a in asked if not a.endswith("_3.png")]
    references = {a.split("_")[0] for a in good if a.startswith("made")}
    modes = Counter(p.mode for p in page.pictures())
    assert modes == {"RGB": len(good), "L": len(references)}
    series = [r for r in two_sets.rows if (r["data"], r["metric"]) == ("made", "psnr")]
    fit = two_sets.fits["made", "test", "psnr"]
    residual = [row["score"] - fit(row["value"]) for row in series]
    order = np.argsort(-np.abs(residual))
    (card,) = (c for c in page.cards.values() if c.split()[0] == "psnr")
    names = re.findall(r"i\d\d_\w+\.png", card)
    assert names == [series[i]["image"].split("/")[1] for i in order[:2]]
    assert f"{residual[order[0]]:+.3g}".replace("-", "−") in card


def test_words_and_matrix_say_the_same(page, two_sets):
    test = two_sets.significance[0]
    (words,) = (
        t for t in page.tables if t[0][1:2] == ["Gaussian residuals"] and len(t) > 3
    )
    for line in words[1:]:
        verdicts = dict(
            zip(
                test["metrics"],
                test["f_test"][test["metrics"].index(line[0])],
                strict=True,
            )
        )
        for cell, sign in zip(line[2:], (1, -1, 0), strict=True):
            expected = {m for m, v in verdicts.items() if v == sign and m != line[0]}
            assert set(cell.partition(": ")[2].split(", ")) - {""} == expected
            assert cell.partition(":")[0] == str(len(expected))


def test_names_are_no_markup(tmp_path):
    odd = """<b>&"it's"$a$\udcff"""
    rows = make_rows([odd, "x" * 300], data="<u>", split="<s>", kinds=(odd, "<i>"))
    for row in rows:
        row["image"] = f"<b>{row['image']}\udcff"
    rows[3] |= {"value": None, "error": "<script>alert(1)</script>"}
    page = _write(tmp_path, evaluated(rows), title="<b>", command=odd, notes=["<b>"])
    assert not {"b", "u", "s", "i"} & (set(page.tags) - {"b"})
    assert page.tags["script"] == 1
    assert (
        page.text.count("<b>")
        == page.tags["b"]
        == page.text.count("<td><b>") + len(re.findall(r"<td [^>]*><b>", page.text))
    )
    assert any(
        "<script>alert(1)</script>" in line
        for t in page.tables
        for r in t
        for line in r
    )


def _without(key):
    def change(rows):
        return [{**row, key: None} for row in rows]

    return change


def _fail(rows):
    for row in rows:
        if row["metric"] == "gmsd" or row["level"] == 1:
            row |= {"value": None, "error": f"no: {row['image']}"}
    return rows


def _bare(rows):
    kept = ("image", "metric", "value", "score")
    return [{k: row[k] for k in kept} for row in rows]


@pytest.mark.parametrize(
    ("change", "metrics"),
    [
        (_fail, ("ssim", "gmsd")),
        (_bare, ("ssim", "gmsd")),
        (_without("reference"), ("ssim", "gmsd")),
        (_without("deviation"), ("ssim", "gmsd")),
        (_without("distortion"), ("ssim", "gmsd")),
        (_without("value"), ("ssim", "gmsd")),
        (_without("score"), ("ssim", "gmsd")),
        (lambda rows: [{**r, "value": np.inf} for r in rows], ("ssim", "gmsd")),
        (lambda rows: [{**r, "value": 0.5} for r in rows], ("ssim", "gmsd")),
        (lambda rows: rows, ("ssim",)),
        (lambda rows: rows[:1], ("ssim",)),
    ],
    ids=[
        *(
            "failures",
            "no more than needed",
            "no references",
            "no deviations",
            "no distortions",
        ),
        *(
            "no values",
            "no scores",
            "all infinite",
            "constant",
            "one metric",
            "one row",
        ),
    ],
)
def test_what_is_missing_is_left_out(tmp_path, change, metrics):
    rows = change(make_rows(metrics, references=2))
    page = _write(tmp_path, evaluated(rows))
    assert len(page.cards) == len(metrics)
    failed = sum(row["value"] is None for row in rows)
    assert (f"{failed} failed rows" in page.text) == (failed > 0)
    if failed:
        listed = next(
            t for t in page.tables if t[0][0] == "metric" and "reason" in t[0]
        )
        assert sum(int(line[2]) for line in listed[1:]) == failed
        reasons = {
            row["error"] or "no value and no reason given"
            for row in rows
            if row["value"] is None
        }
        assert {line[3] for line in listed[1:]} == reasons
