"""Choose the best of several no-reference methods for each image.

  jiqa select learn --data koniq10k:train --methods niqe,brisque,piqe -o chooser
  jiqa select learn --scores scores.csv --split train --kind pairwise -o chooser
  jiqa select report chooser --data koniq10k:test
  jiqa select report chooser --scores scores.csv --split test
  jiqa select report run:runs/choice --data koniq10k:test
  jiqa score selector:chooser photo.jpg

learn takes the methods' scores to the scale of people's, grows random forests on them
that tell which method to believe, and shows what that is worth on parts of the images
that were left out. report does so on images that it never saw: every method, the
single best one, the oracle that always chooses the right one, the selector, and, to
compare with, all scores fused by least squares and by a random forest. It does the same
for a network of jiqa train selector, but for the fusions.
"""

from __future__ import annotations

import argparse

from jiqa.cli.common.actions import add_actions

HELP = "learn which no-reference method to believe, image by image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of both actions."""
    add_actions(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    return arguments.run_action(arguments)
