r"""No-reference metrics on LIVE in the Wild, all 1,162 photographs.

    git clone https://github.com/hqc0929/IQA-dataset
    python scripts/recipes/evaluate_live_challenge.py IQA-dataset --output \
        live-challenge

The repository holds the official release, ChallengeDB_release with Data/ and Images/.
What runs is

    jiqa data prepare live_challenge --manual-dir IQA-dataset
    jiqa evaluate brisque,niqe --data live_challenge --output live-challenge

and again with --resume where it was broken off. With 95 % bootstrap intervals, PLCC
after the 5-parameter logistic, 1,162 images and none failed:

    metric   SRCC                   KRCC   PLCC   RMSE
    niqe     .451 [.403, .500]      .307   .497   17.62
    brisque  .312 [.256, .365]      .211   .360   18.94

Neither was made for camera distortions: BRISQUE's model was trained on LIVE release 2.
"""

from __future__ import annotations

from pathlib import Path

from jiqa_arguments import run_jiqa

from jiqa.cli.common.parser import script_parser

DATA = "live_challenge"


def main() -> None:
    """Prepare and evaluate."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("archive", type=Path, nargs="?", help="the checkout, or ChallengeDB_release")
    add("--metrics", default="brisque,niqe", help="%(default)s")
    add("--output", type=Path, required=True, help="folder for everything")
    add("--data-dir", type=Path, help="a folder where live_challenge is prepared")
    options = parser.parse_args()
    data_dir = options.data_dir or options.output / "data"
    if options.data_dir is None:
        if options.archive is None:
            parser.error("give the archive, or --data-dir")
        words = ["--manual-dir", str(options.archive), "--data-dir", str(data_dir)]
        run_jiqa("data", "prepare", DATA, *words)
    words = ["--data-dir", str(data_dir), "--output", str(options.output), "--resume"]
    run_jiqa("evaluate", options.metrics, "--data", DATA, *words)


if __name__ == "__main__":
    main()
