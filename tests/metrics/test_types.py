"""What a type checker sees of the metrics in a user's file."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: A line with ``# error: RULE`` is wrong; ``# is TYPE`` follows ``reveal_type``.
_USER_FILE = """
import numpy as np
import jax.numpy as jnp
import jiqa
from jiqa.metrics import brisque, lpips, ms_ssim, psnr, ssim

x = np.zeros((64, 64, 3), np.float32)
y = jnp.asarray(x)
reveal_type(ssim(x, y))  # is Array
reveal_type(ssim(reference=x, distorted=x, preset="tensorflow"))  # is Array
reveal_type(ssim.info.direction)  # is Literal['higher', 'lower']
psnr([[[0.5]]], x)
brisque(x, flat="snap")
ms_ssim(x, y, weights=(0.5, 0.5))
lpips({"a": y}, x, y, net="vgg")
ssim(x, y, mask=x[..., 0])
ssim(x, x, presett="tensorflow")  # error: reportCallIssue
ssim(x, x, "tensorflow")  # error: reportCallIssue
ssim(x, x, window_size="7")  # error: reportArgumentType
ssim(x)  # error: reportCallIssue
ssim(x, "a.png")  # error: reportArgumentType
lpips(x, y)  # error: reportCallIssue
jiqa.metrics.simm  # error: reportAttributeAccessIssue

one = jiqa.load("ssim", preset="tensorflow")
reveal_type(one(x, x))  # is Array
reveal_type(one.info.min_side)  # is int
reveal_type(one.prepare(x)(y))  # is Array
several = jiqa.load(["ssim", "psnr"], checked=True)
reveal_type(several(x, x)["ssim"])  # is Array
reveal_type(several.info["ssim"].name)  # is str
jiqa.load(["ssim", "psnr"], preset="tensorflow")  # error: reportArgumentType
"""


def test_a_users_file(tmp_path):
    path = tmp_path / "user.py"
    path.write_text(_USER_FILE)
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyright", "--outputjson"),
            *("--pythonpath", sys.executable, "--project", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
    )
    found: dict[int, list[str]] = {}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        said = each.get("rule") or each["message"].split(" is ", 1)[1].strip('"')
        found.setdefault(each["range"]["start"]["line"], []).append(said)
    wanted = {
        number: [line.split("# error: ")[-1].split("# is ")[-1]]
        for number, line in enumerate(_USER_FILE.split("\n"))
        if "  # error: " in line or "  # is " in line
    }
    assert len(wanted) == 16
    assert found == wanted


def test_the_list_of_metrics_is_current():
    script = runpy.run_path(str(ROOT / "scripts" / "maintenance" / "metric_types.py"))
    held = script["STUB"].read_text(encoding="utf-8")
    assert held == script["stub"](), "run python scripts/maintenance/metric_types.py"
