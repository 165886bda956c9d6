"""Reports of a selector's quality on images that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jiqa.checks import expected
from jiqa.errors import UsageError
from jiqa.io.write_table import make_folder, write_rows
from jiqa.selectors.figures import COLUMNS
from jiqa.selectors.forest_selector import Choices, Selector, open_selector
from jiqa.selectors.learning import (
    Fusion,
    as_sentences,
    learned_notes,
    open_fusion,
    reported,
)
from jiqa.selectors.network_selector import RunSelector, open_run_selector
from jiqa.selectors.scenario import Scenario
from jiqa.selectors.scenario_table import CHOICES, FILE, write_scenario_table
from jiqa.weights.run_sets import RUN, run_folder


@dataclass(frozen=True)
class SelectorReport:
    """The quality of a selector.

    Attributes:
        figures: every method, the single best one, the oracle, the selector and what
            it is compared with, see ``jiqa.selectors.figures.figures``; the ``note``
            of a line says how many of the images were learned from.
        scenario: the images, with the methods in the selector's order.
        choices: what was chosen for each of them.
        folder: where the files are; ``None`` if none were written.
        warnings: sentences on images that the selector or a method has learned from.
    """

    figures: list[dict[str, Any]]
    scenario: Scenario
    choices: Choices
    folder: Path | None
    warnings: Sequence[str] = ()

    @property
    def failed(self) -> int:
        """How many images have no score."""
        return int(np.isnan(self.choices.predicted).sum())


def open_with_fusion(name: str | Path) -> tuple[Selector | RunSelector, Fusion | None]:
    """Open a selector, and the fusion that one of forests is compared with.

    Args:
        name: a folder of ``jiqa.selectors.learn``, or ``run:FOLDER`` of
            ``jiqa train selector``, of which there is no fusion.

    Raises:
        ValueError: it is no selector.
    """
    name = str(name)
    if name.startswith(RUN):
        return open_run_selector(name), None
    return open_selector(run_folder(name)), open_fusion(run_folder(name))


def report(
    selector: Selector | RunSelector | str | Path,
    scenario: Scenario,
    *,
    fusion: Fusion | None = None,
    output: Path | str | None = None,
) -> SelectorReport:
    """Evaluate a selector on images that it has not learned from.

    Args:
        selector: of ``learn``, or the name of one, see ``open_with_fusion``.
        scenario: the scores of its methods on these images.
        fusion: what a selector of forests is compared with; of a folder, the one that
            is there.
        output: folder for ``figures.csv``, ``choices.csv`` (one row an image: the
            method chosen and its score) and ``scenario.csv``; by default none is
            written.

    Returns:
        The figures, and what was chosen.

    Raises:
        ValueError: it is no selector.
        UsageError: a method or a feature is missing, or the subjective scores of the
            images run the other way than those it learned from.

    Example:
        With the folder of a selector, and a table of other images::

            from jiqa import selectors
            scenario = selectors.read_scenario("scores.csv", split="test")
            found = selectors.report("chooser", scenario)
            print(found.figures)
    """
    if isinstance(selector, str | Path):
        selector, there = open_with_fusion(selector)
        fusion = fusion or there
    scenario = selector.check(scenario)
    if scenario.direction != selector.direction:
        raise UsageError(
            expected(
                "subjective scores",
                f"those of which {selector.direction} are better, as for the selector",
                f"those of which {scenario.direction} are better",
            )
        )
    lines = reported(selector, scenario, fusion)
    found = selector.on(scenario)
    notes = learned_notes(scenario, (selector.name, *selector.metrics))
    named = dict(zip(selector.methods, selector.metrics, strict=False))
    for line in lines:
        whose = selector.name if line["role"] != "method" else named[line["name"]]
        compared = line["role"] in ("method", "selector", "fusion")
        line["note"] = "; ".join(notes.get(whose, ())) if compared else ""
    folder = None if output is None else Path(output)
    if folder is not None:
        make_folder(folder / "figures.csv")
        write_rows(folder / "figures.csv", (*COLUMNS, "note"), lines)
        rows = _choices(selector, scenario, found)
        write_rows(folder / CHOICES, ("image", "score", "method", "value"), rows)
        write_scenario_table(
            folder / FILE,
            scenario.images,
            scenario.score,
            scenario.methods,
            found.mapped,
            scenario.splits,
        )
    return SelectorReport(lines, scenario, found, folder, as_sentences(notes))


def _choices(
    selector: Selector | RunSelector, scenario: Scenario, found: Choices
) -> list[dict[str, Any]]:
    """Return one row an image."""
    names = ("", *selector.methods)
    columns = scenario.images, scenario.score, found.choice, found.predicted
    return [
        {"image": name, "score": float(s), "method": names[k + 1], "value": float(v)}
        for name, s, k, v in zip(*columns, strict=True)
    ]
