"""Ask why: which feature maps carry quality, and what they respond to.

  jiqa analyse select --data tid2013 --network alexnet --output study --report
  jiqa analyse explain ssim reference.png distorted.png --output explained
  jiqa analyse maximise --maps study/maps.json --output grid.png
  jiqa analyse prediction-difference photo.png --maps study/maps.json --output where
  jiqa analyse dissect --maps study/maps.json --output concepts
  jiqa analyse report study

What select writes is a metric: jiqa score selected:study/maps.json ...
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil

import jiqa.cli

HELP = "feature maps: select them, explain what they see"

#: How the modules of the actions are called; each is found by being there.
_MODULES = "_analyse_"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of every action."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for found in sorted(m.name for m in pkgutil.iter_modules(jiqa.cli.__path__)):
        if not found.startswith(_MODULES):
            continue
        module = importlib.import_module(f"jiqa.cli.{found}")
        sub = actions.add_parser(
            found.removeprefix(_MODULES).replace("_", "-"),
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(run_action=module.run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    return arguments.run_action(arguments)
