"""Choosing the best of several no-reference methods for each image, from their scores.

``portfolio`` holds the scores, ``curves`` takes them to one scale, ``figures`` says how
good a choice is, ``learning`` grows the forests that choose, ``metric`` scores images.
"""

from jiqa.selectors.forest_selector import Choices as Choices
from jiqa.selectors.forest_selector import Selector as Selector
from jiqa.selectors.forest_selector import open_selector as open_selector

__all__ = ["Choices", "Selector", "open_selector"]
