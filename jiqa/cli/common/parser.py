"""Wrong usage in one red line, and where to look: no page of usage above it."""

from __future__ import annotations

import argparse
import re
import sys
from typing import NoReturn

from jiqa.checks import alternatives, close_names, expected, unknown

#: What ``argparse`` says of a value that it cannot convert or does not know.
_CHOICE = re.compile(r"argument (.+?): invalid choice: '?(.*?)'? \(choose from (.*)\)")
_NUMBER = re.compile(r"argument (.+?): invalid (int|float) value: '(.*)'")
_NUMBERS = {"int": "a whole number", "float": "a number"}
#: A message that already names the command which helps.
_POINTER = re.compile(r"\bjiqa [a-z]")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line; those of its subcommands too."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where to look; exit with 2."""
        line = f"{self.prog}: {with_pointer(in_words(message), self.prog)}"
        say_in_red(line)
        self.exit(2)


def script_parser(text: str | None) -> Parser:
    """A parser for a script, which shows its docstring as it stands under --help."""
    return Parser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def say(text: str) -> None:
    """Print to standard error, beside what a program may read."""
    print(text, file=sys.stderr)


def say_in_red(text: str) -> None:
    """Print to standard error; red on a terminal, unless NO_COLOR is set."""
    if not sys.stderr.isatty():
        print(text, file=sys.stderr)
        return
    from rich.console import Console

    console = Console(stderr=True)
    console.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def in_words(message: str) -> str:
    """A message of ``argparse`` in the words of all others."""
    if found := _CHOICE.fullmatch(message):
        name, got, choices = found[1], found[2], re.findall(r"[^\s',]+", found[3])
        if name in ("COMMAND", "ACTION"):
            return unknown(name.lower(), got, choices)
        close = close_names(got, choices, 1)
        hint = f"did you mean {close[0]}?" if close else ""
        return expected(_option(name), alternatives(choices), repr(got), hint)
    if found := _NUMBER.fullmatch(message):
        return expected(_option(found[1]), _NUMBERS[found[2]], repr(found[3]))
    if found := re.fullmatch(r"argument (.+?): (expected .*)", message):
        return f"{_option(found[1])}: {found[2]}"
    return message


def with_pointer(message: str, prog: str) -> str:
    """A message and where to look, unless it says that itself."""
    if _POINTER.search(message):
        return message
    link = " See" if message.endswith(("?", ".")) else "; see"
    return f"{message}{link} {prog} --help"


def _option(name: str) -> str:
    """``--output`` of ``--output/-o``."""
    return next((n for n in name.split("/") if n.startswith("--")), name)
