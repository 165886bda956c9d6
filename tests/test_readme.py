"""The README's code runs, its commands exist, its table is today's."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import jax
import pytest
from PIL import Image

from jiqa.cli import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", TEXT, re.S)
#: Those that need no training and no study before them, whose own tests score with it.
COMMANDS = re.findall(r"^    (jiqa score (?!run:|selected:|selector:).*)$", TEXT, re.M)


def test_there_is_code_and_there_are_commands():
    assert CODE and len(COMMANDS) >= 2


@pytest.mark.parametrize("code", CODE)
def test_code_runs(code, capsys):
    # Users do not run JAX in its strict mode.
    with jax.numpy_dtype_promotion("standard"):
        exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_work(command, tmp_path, monkeypatch, rng, capsys):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    monkeypatch.chdir(tmp_path)
    pixels = rng.integers(0, 256, (200, 200, 3), dtype="uint8")
    names = (
        "original.png distorted.png originals/a.png distorted/a.png photo.png ref.png"
    )
    for name in names.split():
        Path(name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(name)
    # One metric stands for all classical ones, which would take minutes to compile.
    command = command.replace("all-classical", "ssim")
    words = shlex.split(command.replace("dists,dfb_iqa,deepsim,", ""))
    assert main(words[1:]) == 0


def test_table_is_what_the_catalogue_says():
    script = runpy.run_path(str(ROOT / "scripts" / "readme_table.py"))
    assert script["updated"](TEXT) == TEXT, (
        "run python scripts/maintenance/readme_table.py"
    )
