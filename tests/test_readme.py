"""What README and guide show works: their code and commands, section by section.

The blocks of a section run in one folder, in order. A command that nothing here knows
is an error, so that a new one is tried, too. Files that a command names and that no
command before it has made are made first: images are 192 x 192, tables have 20 rows and
data sets 30 to 60 images. The commands and their lists of metrics are the texts' own.
"""

from __future__ import annotations

import itertools
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import pytest

from jiqa.cli import main
from jiqa.data.store import list_datasets, prepare
from jiqa.weights import get_set
from tests.helpers import readme_files

ROOT = Path(__file__).parent.parent
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "jiqa/guide.md")
}

#: Commands by which a section takes minutes: it is tried with ``-m slow``.
_SLOW = r"jiqa (demo(?!.*--copy)|train|analyse|select|evaluate)\b"
#: What is added to a command that would run for hours.
_SHORTER = {
    "jiqa train": "--set steps=1 --set batch_size=2 --hold-out 0.34",
    "jiqa analyse select": "--folds 2 --most 2 --side 64 --steps 3 --stride 27 "
    "--samples 1 --images 8",
}
#: Options whose value is written, and those that say where data sets come from.
_WRITTEN = {"--output", "-o", "--report", "--workdir", "--copy"}
_DATA = {"--data", "--validation", "--test"}


class Block(NamedTuple):
    """A block of a text: its language (``python`` or ``sh``) and its text."""

    language: str
    text: str


def sections(text: str) -> dict[str, list[Block]]:
    """The blocks under each heading: fenced ones, and indented ones as commands."""
    found: dict[str, list[Block]] = {}
    heading, language, lines, before = "", "", [], ""
    for line in [*text.splitlines(), ""]:
        blocks = found.setdefault(heading, [])
        indented = line.startswith("    ") and (language or not before.strip())
        if language in ("", "indented") and line.startswith("```"):
            language, lines = line[3:].strip() or "sh", []
        elif language and language != "indented":
            if line.startswith("```"):
                blocks.append(Block(language, "\n".join(lines)))
                language = ""
            else:
                lines.append(line)
        elif indented:
            lines = [*lines, line[4:]] if language else [line[4:]]
            language = "indented"
        else:
            if language:
                blocks.append(Block("sh", "\n".join(lines)))
                language = ""
            if line.startswith("#"):
                heading = line.strip("# ")
        before = line
    return {name: blocks for name, blocks in found.items() if blocks}


def commands(text: str) -> list[list[str]]:
    """The commands of a block of shell, in words."""
    lines = text.replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in line.split("&&")]
    split = [
        shlex.split(part.strip().removeprefix("$ "), comments=True) for part in parts
    ]
    return [words for words in split if words]


def _python(words: list[str]) -> None:
    """A module that this file knows, or a script of the repository."""
    if words[1:3] == ["-m", "venv"]:
        assert words[3:] == [".venv"], words
        return
    if words[1:3] == ["-m", "pip"]:
        _pip(words[2:])
        return
    if words[1:3] == ["-m", "pytest"]:
        given = [w for w in words[3:] if w.startswith("-")]
        paths = [w for w in words[3:] if w.startswith("tests")]
        assert all((ROOT / path.split("::")[0]).exists() for path in paths), words
        call = ["-m", "pytest", "--collect-only", "-q", *given, "-n", "0", __file__]
        done = subprocess.run([sys.executable, *call], cwd=ROOT, capture_output=True)
        assert done.returncode == 0, (words, done.stdout)
        return
    script = ROOT / words[1]
    assert script.is_file(), words
    if script.parent.name == "examples":
        subprocess.run([sys.executable, str(script), *words[2:]], cwd=ROOT, check=True)
        return
    # Benchmarks take long and want other libraries: their options are looked at.
    call = [sys.executable, str(script), "--help"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    for word in words[2:]:
        assert not word.startswith("-") or word in done.stdout, (words, word)


def _pip(words: list[str]) -> None:
    """Of the project itself, with extras that there are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [w for w in words[2:] if not w.startswith("-")]
    assert words[1] == "install" and wanted, words
    for target in wanted:
        form = re.fullmatch(r"(?:\.|jiqa)(?:\[([\w,]+)\])?", target)
        assert form, words
        extras = set(filter(None, (form[1] or "").split(",")))
        assert extras <= set(project["optional-dependencies"]), words


def _git(words: list[str]) -> None:
    assert words[1] == "clone" and re.match(r"https://|git@", words[2]), words


def _shell(words: list[str]) -> None:
    assert words[1:] in (["jiqa"], [".venv/bin/activate"]), words


def _jiqa(words: list[str]) -> None:
    if words[1:3] == ["weights", "fetch"]:
        # Hundreds of megabytes from another host.
        assert all(get_set(name).address for name in words[3:]), words
        return
    if words[1:3] == ["weights", "convert"]:
        # The published file of half a gigabyte; tests/weights converts its like.
        name, file = words[3:]
        assert get_set(name).address.endswith(f"/{file}"), words
        return
    for before, word in itertools.pairwise(words):
        if before not in _WRITTEN:
            _provide(before, word)
    command = " ".join(words)
    more = next((v for k, v in _SHORTER.items() if command.startswith(k)), "")
    assert main([*words[1:], *more.split()]) == 0, words
    for before, word in itertools.pairwise(words):
        assert before not in _WRITTEN or Path(word).exists(), (words, word)


def _provide(option: str, word: str) -> None:
    """Make what a word of a command names, unless it is there."""
    path, name = Path(word), word.split(":")[0]
    if option == "--manual-dir":
        readme_files.ARCHIVES[path.name](path)
    elif option in _DATA and name in {x.split("/")[0] for x in list_datasets()}:
        if not (Path("prepared") / name).exists():
            archive = readme_files.ARCHIVES[name](Path("archives", name))
            prepare(name, archive, "prepared")
    elif path.exists() or ":" in word or word.startswith("-"):
        pass
    elif path.suffix in readme_files.IMAGES:
        readme_files.image(path)
    elif path.suffix == ".csv" and option == "--scores":
        readme_files.scores(path)
    elif path.suffix == ".csv" and option in _DATA:
        readme_files.table(path)
    elif word.endswith("/") or option == "distort":
        readme_files.folder(path)


_PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "jiqa": _jiqa,
    "python": _python,
    "pip": _pip,
    "python3": _python,
    "git": _git,
    "cd": _shell,
    "source": _shell,
    ".": _shell,
}


def _run(words: list[str]) -> None:
    program = words[0].removeprefix(".venv/bin/")
    assert program in _PROGRAMS, f"no test knows how to run {shlex.join(words)}"
    _PROGRAMS[program]([program, *words[1:]])


def _cases():
    for file, text in TEXTS.items():
        for name, blocks in sections(text).items():
            shell = [b.text for b in blocks if b.language != "python"]
            slow = any(re.search(_SLOW, text) for text in shell)
            marks = [pytest.mark.slow] if slow else []
            title = f"{Path(file).stem}:{name.replace(' ', '_')}"
            yield pytest.param(blocks, id=title, marks=marks)


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("blocks", list(_cases()))
def test_section_works(blocks, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("jiqa.cli.common.jax_setup.configure_jax", lambda **_: None)
    monkeypatch.setenv("JIQA_DATA", str(tmp_path / "work" / "prepared"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    # Users do not run JAX in its strict mode.
    with jax.numpy_dtype_promotion("standard"):
        for block in blocks:
            if block.language == "python":
                capsys.readouterr()
                exec(compile(block.text, "block of a text", "exec"), {})
                assert capsys.readouterr().out.strip()
                continue
            assert block.language in ("sh", "bash", "console"), block
            for words in commands(block.text):
                _run(words)


def test_blocks_are_found():
    text = (
        "# A\n\n    jiqa demo \\\n      --x\n    pip install .  # all of it\n\nthen\n"
        "- a list\n    of two lines\n\n## B\n\n```python\nx = 1\n\n    y\n```\n"
        "```sh\n$ cd jiqa && jiqa demo\n```\n"
    )
    found = sections(text)
    assert [[b.language for b in blocks] for blocks in found.values()] == [
        ["sh"],
        ["python", "sh"],
    ]
    assert commands(found["A"][0].text) == [
        ["jiqa", "demo", "--x"],
        ["pip", "install", "."],
    ]
    assert commands(found["B"][1].text) == [["cd", "jiqa"], ["jiqa", "demo"]]
    here = [b for blocks in sections(TEXTS["README.md"]).values() for b in blocks]
    assert {b.language for b in here} >= {"python", "sh"}
    assert sum(len(commands(b.text)) for b in here if b.language == "sh") > 10


@pytest.mark.parametrize(
    "command", ["rm -r /", "pip install jiqa[nothing]", "python scripts/none.py"]
)
def test_unknown_commands_are_refused(command):
    with pytest.raises(AssertionError):
        _run(shlex.split(command))


def test_table_is_what_the_registry_says():
    script = runpy.run_path(str(ROOT / "scripts" / "maintenance" / "metrics_table.py"))
    found = (ROOT / "jiqa" / "metrics" / "README.md").read_text(encoding="utf-8")
    assert script["page"]() == found, "run python scripts/maintenance/metrics_table.py"
    count = len(re.findall(r"(?m)^\| `", found))
    said = {int(n) for n in re.findall(r"\b(\d+) metrics\b", TEXTS["README.md"])}
    assert said == {count}, "the README counts the metrics"


_LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([\w-]+))?\)")


@pytest.mark.parametrize(
    "name", [*TEXTS, "jiqa/README.md", "scripts/results/README.md"]
)
def test_links_lead_somewhere(name):
    for path, heading in _LINK.findall((ROOT / name).read_text(encoding="utf-8")):
        target = ROOT / name if not path else (ROOT / name).parent / path
        assert target.exists(), path
        if heading:
            titles = re.findall(r"(?m)^#+ (.+)$", target.read_text(encoding="utf-8"))
            assert heading in {t.lower().replace(" ", "-") for t in titles}, heading
