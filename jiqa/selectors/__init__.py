"""Choosing the best of several no-reference methods for each image, from their scores.

A ``Scenario`` holds the methods' scores of rated images: ``score_scenario`` computes
them, ``read_scenario`` reads a table. ``learn`` grows the forests that choose;
``report`` says what that is worth on other images. The folder of a selector is a
metric: ``jiqa.load("selector:FOLDER")``.

Example:
    >>> from jiqa import selectors
    >>> selectors.Growth("pairwise", trees=20).leaf
    3
"""

from typing import TYPE_CHECKING

from jiqa.discovery import lazy_names

if TYPE_CHECKING:
    from jiqa.selectors.forest_selector import Choices as Choices
    from jiqa.selectors.forest_selector import Selector as Selector
    from jiqa.selectors.forest_selector import open_selector as open_selector
    from jiqa.selectors.grow_forests import Growth as Growth
    from jiqa.selectors.learning import Fusion as Fusion
    from jiqa.selectors.learning import Learned as Learned
    from jiqa.selectors.learning import learn as learn
    from jiqa.selectors.network_selector import RunSelector as RunSelector
    from jiqa.selectors.network_selector import open_run_selector as open_run_selector
    from jiqa.selectors.reporting import SelectorReport as SelectorReport
    from jiqa.selectors.reporting import open_with_fusion as open_with_fusion
    from jiqa.selectors.reporting import report as report
    from jiqa.selectors.scenario import Scenario as Scenario
    from jiqa.selectors.scenario_sources import read_scenario as read_scenario
    from jiqa.selectors.scenario_sources import score_scenario as score_scenario

#: The public names, and the modules that have them.
_NAMES = {
    "Choices": "forest_selector",
    "Fusion": "learning",
    "Growth": "grow_forests",
    "Learned": "learning",
    "RunSelector": "network_selector",
    "Scenario": "scenario",
    "Selector": "forest_selector",
    "SelectorReport": "reporting",
    "learn": "learning",
    "open_run_selector": "network_selector",
    "open_selector": "forest_selector",
    "open_with_fusion": "reporting",
    "read_scenario": "scenario_sources",
    "report": "reporting",
    "score_scenario": "scenario_sources",
}

__all__ = list(_NAMES)  # pyright: ignore

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
