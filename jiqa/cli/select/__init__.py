"""Choose the best of several no-reference methods for each image.

  jiqa select learn --data koniq10k:train --methods niqe,brisque,piqe -o chooser
  jiqa select learn --scores scores.csv --split train --kind pairwise -o chooser
  jiqa select report chooser --data koniq10k:test
  jiqa select report chooser --scores scores.csv --split test
  jiqa select report run:runs/choice --data koniq10k:test
  jiqa score selector:chooser photo.jpg

learn maps the scores of the methods to the scale of the subjective scores, grows random
forests that predict which method to use, and cross-validates the choice. report
evaluates it on other images: every method, the single best one, the oracle that always
chooses the right one, the selector, and, for comparison, all scores fused by least
squares and by a random forest. It does the same, without the fusions, for a network of
jiqa train selector.
"""

from __future__ import annotations

import argparse

from jiqa.cli.common.actions import add_actions

HELP = "learn to choose the best no-reference method for each image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of both actions."""
    add_actions(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    return arguments.run_action(arguments)
