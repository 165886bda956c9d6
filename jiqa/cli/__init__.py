"""The command line: ``jiqa SUBCOMMAND``, one file a subcommand.

A subcommand is a module here with ``HELP``, ``add_arguments(parser)`` and
``run(arguments) -> exit code``; it is found by being there. It may have
``unknown_option(arguments, option) -> hint`` for an option that it does not have.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Sequence

from jiqa.checks import did_you_mean
from jiqa.cli.common.parser import Parser
from jiqa.discovery import modules


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Returns:
        0, or 1 when some rows failed. Wrong usage exits with 2, Ctrl-C with 130.
    """
    from jiqa.errors import UsageError
    from jiqa.io.names import ANY_NAME
    from jiqa.version import __version__

    # XLA raises its errors; what it logs besides, such as the alarm about a slow
    # compilation, asks users to report a bug.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ANY_NAME)  # no name of a file ends a run
    parser = Parser(prog="jiqa", description="Image quality assessment in JAX.")
    parser.add_argument("--version", action="version", version=f"jiqa {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    hints: dict[str, Callable[[argparse.Namespace, str], str] | None] = {}
    for name, module in modules(__name__, packages=True):
        if name == "common":
            continue
        sub = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(sub)
        sub.set_defaults(run=module.run, usage_error=sub.error, usage=sub.format_usage)
        hints[name] = getattr(module, "unknown_option", None)
    arguments, left = parser.parse_known_args(argv)
    # Images that follow an option: argparse has closed their list before it.
    if isinstance(getattr(arguments, "images", None), list):
        if not any(word.startswith("-") for word in left):
            arguments.images, left = [*arguments.images, *left], []
    try:
        if left:
            hint = _hint(arguments, left, hints[arguments.command])
            raise UsageError(f"unrecognized: {' '.join(left)}{hint}")
        return arguments.run(arguments)
    except UsageError as error:
        arguments.usage_error(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe went away: nothing left to say
        return 141


def _hint(
    arguments: argparse.Namespace,
    words: Sequence[str],
    unknown_option: Callable[[argparse.Namespace, str], str] | None,
) -> str:
    """Suggest what may have been meant by the first unknown option."""
    option = next((x for x in words if x.startswith("-")), "").partition("=")[0]
    hint = unknown_option(arguments, option) if unknown_option else ""
    known = re.findall(r"--[\w-]+", arguments.usage())
    return hint or did_you_mean(option, known, 1)
