"""Find the distortions of an image that a metric notices most and least.

  jiqa analyse eigendistortions ssim photo.png --output eigen
  jiqa analyse eigendistortions lpips photo.png --psnr 45 --steps 60 --output eigen

They are the eigenvectors of the metric's second derivative where both images are equal
(Berardino et al. 2017), which metrics such as mse, ssim and lpips have; of one that is
a root, as rmse is, the command says that there is none.

The folder gets report.html, one page with the image and both distortions at one PSNR;
most.png and least.png, whose scores in 8 bits the page shows too; course.csv with the
eigenvalues step by step, values.npz with the eigenvectors, and scores.json.
"""

from __future__ import annotations

import argparse

from jiqa.cli.common.mistakes import mistakes
from jiqa.cli.common.synthesis import (
    add_rest,
    chosen,
    new_folder,
    say_found,
)

HELP = "find the distortions that a metric notices most and least"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("metric", help="a name of jiqa metrics, or selected:maps.json")
    add("images", nargs=1, metavar="IMAGE", help="the image")
    add("--output", "-o", required=True, metavar="DIR", help="folder to write")
    add(
        "--psnr",
        type=float,
        default=40.0,
        metavar="DB",
        help="PSNR of the distorted images (%(default)s)",
    )
    add(
        "--steps",
        type=int,
        default=100,
        help="products with the second derivative (%(default)s)",
    )
    add_rest(parser)
    parser.set_defaults(reference=None)


def run(arguments: argparse.Namespace) -> int:
    """Compute, write, print."""
    from jiqa.analysis.synthesis.eigendistortions import eigendistortions
    from jiqa.cli.common.jax_setup import configure_jax
    from jiqa.cli.common.progress import progress
    from jiqa.cli.common.run_record import command
    from jiqa.report.eigendistortions import (
        eigendistortion_words,
        remarks,
        write_eigendistortions,
    )

    configure_jax(cache=not arguments.no_cache)
    (choice,) = chosen(arguments, "eigendistortions", 1)
    folder = new_folder(arguments)
    (image,) = arguments.images
    with mistakes():
        found = eigendistortions(
            choice.name,
            image,
            psnr=arguments.psnr,
            steps=arguments.steps,
            seed=arguments.seed,
            options=choice.options,
            weights_folder=arguments.weights,
            background=arguments.background,
            progress=progress,
        )
    page = write_eigendistortions(folder, found, name=image, command=command())
    say_found(folder, page, eigendistortion_words(found), remarks(found))
    return 0
