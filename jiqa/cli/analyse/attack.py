"""Find the images that a metric scores best and worst at one PSNR.

  jiqa analyse attack ssim photo.png --psnr 30 --output attacked
  jiqa analyse attack lpips distorted.png --reference original.png -o attacked
  jiqa analyse attack brisque photo.png --psnr 40 --direction best -o attacked

Images that are as far from the reference, in mean square, as the one to start from
(the photograph with noise of that PSNR, or a distorted image) move where the score is
best, and where it is worst. Of a metric without reference the image itself changes, as
far as the PSNR allows.

The folder gets report.html, one page with the images and their scores; best.png and
worst.png, whose scores in 8 bits the page shows too; course.csv with the score step by
step, values.npz with the images before rounding, and scores.json.
"""

from __future__ import annotations

import argparse

from jiqa.cli.common.mistakes import mistakes
from jiqa.cli.common.synthesis import (
    add_ascent,
    add_images,
    add_rest,
    chosen,
    images_of,
    new_folder,
    say_found,
)

HELP = "find the images that a metric scores best and worst at one PSNR"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("metric", help="a name of jiqa metrics, or selected:maps.json")
    add_images(parser, "the image, or the reference and a distorted image")
    add(
        "--direction",
        choices=("best", "worst", "both"),
        default="both",
        help="which images to find (%(default)s)",
    )
    add_ascent(parser, "the images")
    add_rest(parser)


def run(arguments: argparse.Namespace) -> int:
    """Attack, write, print."""
    from jiqa.analysis.synthesis.attack import attack
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import command
    from jiqa.report.attack import attack_words, remarks, write_attack

    configure_jax(cache=not arguments.no_cache)
    (choice,) = chosen(arguments, "attack", 1)
    folder = new_folder(arguments)
    images = images_of(arguments)
    with mistakes():
        found = attack(
            choice.name,
            *images,
            psnr=arguments.psnr,
            direction=arguments.direction,
            steps=arguments.steps,
            rate=arguments.rate,
            seed=arguments.seed,
            options=choice.options,
            weights_folder=arguments.weights,
            background=arguments.background,
            progress=progress,
        )
    page = write_attack(folder, found, name=images[0], command=command())
    say_found(folder, page, attack_words(found), remarks(found))
    return 0
