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

from jiqa.cli import _select_learn, _select_report

HELP = "learn which no-reference method to believe, image by image"

_ACTIONS = {"learn": _select_learn, "report": _select_report}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of both actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, module in _ACTIONS.items():
        sub = actions.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(run_action=module.run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    return arguments.run_action(arguments)
