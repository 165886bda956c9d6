"""The examples run, in a process each as a reader would start them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"
#: What each prints when it has done what it is for.
PRINTED = {
    "evaluate_table": "fine agrees better than coarse",
    "improve_jpeg": "photograph, JPEG and improved",
    "metric_as_loss": "mse and ssim  ",
    "score_folder": "jpeg_3.jpg",
    "tap_backbone": "LPIPS of blur_3.webp",
    "train_on_table": "on the table's scale",
}


def test_every_example_is_tried():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_example(name, tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert PRINTED[name] in done.stdout
