"""Subcommands that have actions, such as ``jiqa analyse explain``."""

from __future__ import annotations

import argparse

from jiqa.discovery import modules


def add_actions(parser: argparse.ArgumentParser, package: str) -> None:
    """Declare one action for each module of a package, with its arguments.

    Args:
        parser: of the subcommand.
        package: dotted name; its modules have ``HELP``, ``add_arguments`` and ``run``.
    """
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, module in modules(package):
        sub = actions.add_parser(
            name.replace("_", "-"),
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(
            run_action=module.run, usage_error=sub.error, usage=sub.format_usage
        )
