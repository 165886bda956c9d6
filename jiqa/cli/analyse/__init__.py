"""Explain scores: which feature maps predict quality, and what they respond to.

  jiqa analyse select --data tid2013 --network alexnet --output study --report
  jiqa analyse explain ssim distorted.png --reference original.png -o explained
  jiqa analyse maximise --maps study/maps.json --output grid.png
  jiqa analyse prediction-difference photo.png --maps study/maps.json --output where
  jiqa analyse dissect --maps study/maps.json --output concepts
  jiqa analyse report study
  jiqa analyse attack ssim photo.png --psnr 30 --output attacked
  jiqa analyse compete mse,ssim photo.png --output competition
  jiqa analyse eigendistortions ssim photo.png --output eigen

The maps that select writes are a metric: jiqa score selected:study/maps.json ...
"""

from __future__ import annotations

import argparse

from jiqa.cli.common.actions import add_actions

HELP = "select feature maps that predict quality, and explain scores"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of every action."""
    add_actions(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    return arguments.run_action(arguments)
