"""Layers import only those below them, and importing jiqa stays light."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jiqa
from jiqa.discovery import modules

ROOT = Path(jiqa.__file__).parents[1]

#: A folder, or a file at the root of jiqa, may import from its own layer and from those
#: before it.
LAYERS = [
    {"discovery", "version", "errors", "checks", "progress"},
    {"nn", "ops", "io"},
    {"weights_convert", "distributed"},
    {"weights"},
    {"core"},
    {"metrics", "distortions"},
    {"registry", "data"},
    {"models", "scoring"},
    {"training", "evaluation"},
    {"selectors", "analysis"},
    {"report"},
    {"cli"},
    # Entry points, and the public names.
    {"__init__", "__main__", "scripts"},
]

#: Folders whose every file is found by being there.
DISCOVERED = {
    "jiqa.metrics.full_reference": "info",
    "jiqa.metrics.deep": "info",
    "jiqa.metrics.no_reference": "info",
    "jiqa.nn.networks": "NETWORKS",
    "jiqa.data.sets": "INFO",
    "jiqa.distortions.sets": "KINDS",
    "jiqa.cli.analyse": "HELP",
    "jiqa.cli.select": "HELP",
}


@functools.cache
def _files() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    found = {}
    for folder in ("jiqa", "weights_convert", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def _layer(module: str) -> int:
    package, _, rest = module.partition(".")
    part = package if package != "jiqa" else rest.split(".")[0] or "__init__"
    if rest == "__main__":
        part = rest
    for index, names in enumerate(LAYERS):
        if part in names:
            return index
    raise AssertionError(f"{module} belongs to no layer: add {part} to LAYERS")


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Modules of the project that one imports, in functions too, not for types."""
    tree = ast.parse(_files()[module].read_text())
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: imports are absolute"
            for name in (f"{node.module}.{a.name}" for a in node.names):
                found.add(name if name in _files() else node.module)
    return frozenset(found & set(_files()) - {module})


def test_imports_point_one_way():
    wrong = [
        f"{importer} imports {imported}"
        for importer in _files()
        for imported in _imports(importer)
        if _layer(imported) > _layer(importer)
    ]
    assert not sorted(wrong)


def test_no_circle_among_files():
    """Depth first: a module that is met while its own imports are followed."""
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> None:
        if module in path:
            circle = path[path.index(module) :]
            raise AssertionError(" imports ".join([*circle, module]))
        if module in done:
            return
        path.append(module)
        for imported in sorted(_imports(module)):
            visit(imported)
        path.pop()
        done.add(module)

    for module in _files():
        visit(module)


def test_strings_name_no_module():
    """Only the registry knows a module by a string: every other import can be seen."""
    wrong = []
    for module, path in _files().items():
        if module == "jiqa.registry" or module.startswith("scripts"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in _files():
                if "." in node.value:
                    wrong.append(f"{module}:{node.lineno} {node.value}")
    assert not wrong


def test_private_names_stay_in_their_folder():
    wrong = []
    for module, path in _files().items():
        folder = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {a.name for a in node.names} | set(node.module.split("."))
                private = {n for n in names if re.match(r"_[^_]", n)}
                home = node.module.rpartition(".")[0]
                if private and folder not in (home, node.module):
                    wrong.append(f"{module}: {node.module} {sorted(private)}")
    assert not wrong


#: An import of argparse, by statement or by name, or a use of it.
_ARGPARSE = r"(?m)^\s*(import|from) argparse\b|\bargparse\.|[\"']argparse[\"']"


def test_argparse_stays_in_the_command_line():
    users = [
        m
        for m, path in _files().items()
        if re.search(_ARGPARSE, path.read_text())
        and not m.startswith(("jiqa.cli", "scripts"))
    ]
    assert not users


@pytest.mark.parametrize("package", DISCOVERED)
def test_discovery_folders_hold_what_they_discover(package):
    mark = DISCOVERED[package]
    found = list(modules(package))
    assert found
    for name, module in found:
        assert any(
            key == mark or hasattr(value, mark) for key, value in vars(module).items()
        ), f"{package}.{name} has nothing with {mark}"


def test_every_public_name_is_reachable():
    code = (
        "import jiqa\n"
        "from jiqa import *\n"
        "for name in jiqa.__all__:\n"
        "    assert getattr(jiqa, name) is not None, name\n"
        "jiqa.weights.load_together\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_light():
    code = (
        "import sys, jiqa; jiqa.load; print(*[m for m in ('PIL', 'matplotlib', "
        "'pyarrow', 'rich', 'jinja2', 'tifffile', 'imagecodecs', 'tensorflow', "
        "'tensorflow_datasets', 'torch', 'orbax', "
        "'jiqa.metrics.full_reference.pixel_error') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_modules_stay_readable():
    long = {
        name: n
        for name, path in _files().items()
        if (n := len(path.read_text().splitlines())) > 400
    }
    assert not long


def _test_files() -> Iterator[Path]:
    yield from (ROOT / "tests").rglob("test_*.py")


def test_tests_mirror_the_code():
    """Each folder of tests is a folder of the project."""
    for path in _test_files():
        folder = path.relative_to(ROOT / "tests").parent
        homes = [ROOT / "jiqa" / folder, ROOT / folder]
        assert any(home.is_dir() for home in homes), path


def test_packages_say_what_they_hold():
    for name, path in _files().items():
        if path.name == "__init__.py":
            assert importlib.import_module(name).__doc__, name
