"""Export a trained model for use elsewhere.

  jiqa export run:runs/mine --format safetensors --output mine.safetensors
  jiqa export run:runs/mine --format jax-export --size 512x384 --output mine.bin

safetensors writes the arrays, settings and facts of the run into one file. jax-export
writes a program that scores images [B, H, W, 3] uint8 of one size with JAX alone:
jax.export.deserialize(bytearray(open(FILE, "rb").read())).call(images).
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from jiqa.checks import expected

HELP = "export a trained model for use elsewhere"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("run_name", metavar="run:DIR", help="folder of the run")
    add(
        "--format",
        choices=("safetensors", "jax-export"),
        default="safetensors",
        help="format to write (%(default)s)",
    )
    add("--output", "-o", required=True, help="file to write")
    add("--size", metavar="WxH", help="width and height of the images, for jax-export")


def run(arguments: argparse.Namespace) -> int:
    """Write it; see the module's docstring."""
    from jiqa.errors import UsageError
    from jiqa.training import export as exporting
    from jiqa.weights.run_sets import run_folder

    folder, output = run_folder(arguments.run_name), Path(arguments.output)
    try:
        if arguments.format == "safetensors":
            exporting.export_arrays(folder, output)
        else:
            exporting.export_program(folder, output, _size(arguments.size))
        description = exporting.describe(folder)
    except ValueError as error:
        raise UsageError(str(error)) from None
    print(f"{output}: {output.stat().st_size / 1e6:,.1f} MB, {description}")
    return 0


def _size(text: str | None) -> tuple[int, int]:
    """Height and width of ``WxH``."""
    found = re.fullmatch(r"(\d+)x(\d+)", text or "", re.ASCII)
    if found is None:
        wanted = "WIDTHxHEIGHT for jax-export, such as 512x384"
        raise ValueError(expected("--size", wanted, text or "nothing"))
    return int(found[2]), int(found[1])
