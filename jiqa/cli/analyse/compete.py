"""Let two metrics compete by images that one of them scores alike.

  jiqa analyse compete mse,ssim photo.png --output competition
  jiqa analyse compete ssim,lpips distorted.png --reference original.png -o competition

From the photograph with noise, or from a distorted image, the first metric is held at
its score while the second is driven as far as it goes to better and to worse; then the
other way round. Of the two images of a pair, the metric that was held says that they
are equally good: look whether they are. This is maximum differentiation (Wang and
Simoncelli 2008).

The folder gets report.html, one page with the images and both scores; the images as
best-METRIC.png and worst-METRIC.png, whose scores in 8 bits the page shows too;
course.csv with both scores step by step, values.npz with the images before rounding,
and scores.json.
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

HELP = "let two metrics compete by images that one of them scores alike"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("metrics", help="two names of jiqa metrics, such as mse,ssim")
    add_images(parser, "the reference, or the reference and a distorted image")
    add_ascent(parser, "the start")
    add(
        "--tolerance",
        type=float,
        default=1e-3,
        help="how far off the score that is held may be, in parts of its difference "
        "from the reference's (%(default)s)",
    )
    add_rest(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compete, write, print."""
    from jiqa.analysis.synthesis.competition import compete
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import command
    from jiqa.report.competition import (
        competition_words,
        remarks,
        write_competition,
    )

    configure_jax(cache=not arguments.no_cache)
    first, second = chosen(arguments, "compete", 2)
    folder = new_folder(arguments)
    images = images_of(arguments)
    with mistakes():
        found = compete(
            first.name,
            second.name,
            *images,
            psnr=arguments.psnr,
            steps=arguments.steps,
            rate=arguments.rate,
            tolerance=arguments.tolerance,
            seed=arguments.seed,
            options={c.name: c.options for c in (first, second)},
            weights_folder=arguments.weights,
            background=arguments.background,
            progress=progress,
        )
    page = write_competition(folder, found, name=images[0], command=command())
    say_found(folder, page, competition_words(found), remarks(found))
    return 0
