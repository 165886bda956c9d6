"""Every name that texts mention is there; every public name says what it is."""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import importlib.util
import inspect
import re
import types
from pathlib import Path

import pytest

import jiqa

ROOT = Path(jiqa.__file__).parents[1]
PACKAGES = (
    "analysis",
    "data",
    "distortions",
    "evaluation",
    "metrics",
    "models",
    "nn",
    "selectors",
    "training",
    "weights",
)
_NAME = re.compile(
    r"(?<![\w./:-])(?:jiqa|weights_convert)(?!\.(?:csv|json|html)\b)(?:\.[A-Za-z_]\w*)+"
)


@functools.cache
def _mentions() -> dict[str, str]:
    """Dotted names in the texts for readers, and in docstrings and messages."""
    found: dict[str, str] = {}
    for path in (ROOT / "README.md", *(ROOT / "jiqa").rglob("*.md")):
        for name in _NAME.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, path.name)
    for folder in ("jiqa", "weights_convert", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    for name in _NAME.findall(node.value):
                        found.setdefault(name, str(path.relative_to(ROOT)))
    return found


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or a name in one; a field counts, too."""
    parts, count = name.split("."), 1
    value: object = importlib.import_module(parts[0])
    # A function can have the name of its module: texts may go on with either.
    while count < len(parts) and hasattr(value, "__path__"):
        module = ".".join(parts[: count + 1])
        if importlib.util.find_spec(module) is None:
            break
        value, count = importlib.import_module(module), count + 1
    for part in parts[count:]:
        if isinstance(value, type) and dataclasses.is_dataclass(value):
            if part in {field.name for field in dataclasses.fields(value)}:
                return part == parts[-1]
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


def test_every_mentioned_name_is_there():
    mentions = _mentions()
    assert len(mentions) > 50
    dangling = [f"{where}: {n}" for n, where in mentions.items() if not resolves(n)]
    assert dangling == []


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("jiqa.load", True),
        ("jiqa.nn.networks.vgg", True),
        ("jiqa.weights.load_together", True),
        ("jiqa.core.metric.Info.direction", True),
        ("jiqa.nowhere", False),
        ("jiqa.weights.load_apart", False),
        ("jiqa.core.metric.Info.colours", False),
    ],
)
def test_what_resolves(name, there):
    assert resolves(name) == there


def _public(package: types.ModuleType) -> list[str]:
    """The names of a package; those of ``jiqa.metrics`` are found by being there."""
    names = dir(package) if package is jiqa.metrics else package.__all__
    assert names and len(set(names)) == len(names)
    return list(names)


def _says_what_it_is(owner: types.ModuleType, name: str) -> bool:
    """A docstring of its own, or for a constant a comment ``#:`` above it."""
    value = getattr(owner, name)
    if isinstance(value, types.ModuleType) or inspect.isroutine(value):
        return bool(inspect.getdoc(value))
    if isinstance(value, type):
        return "__doc__" in vars(value) and bool(value.__doc__)
    if hasattr(value, "info"):
        return bool(value.__doc__)
    source = Path(str(owner.__file__)).read_text(encoding="utf-8")
    return bool(re.search(rf"^#: .*\n(?:#:? .*\n)*{name}\b.*=", source, re.M))


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_say_what_they_are(name):
    assert name in jiqa.__all__
    package = importlib.import_module(f"jiqa.{name}")
    silent = [n for n in _public(package) if not _says_what_it_is(package, n)]
    assert silent == []


@pytest.mark.parametrize("name", [p for p in PACKAGES if p != "metrics"])
def test_what_a_package_exports_is_in_its_list(name):
    """``from ... import X as X`` and definitions without an underscore, no others."""
    package = importlib.import_module(f"jiqa.{name}")
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found |= {a.asname for a in node.names if a.asname == a.name}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
    missing = {n for n in found if n and not n.startswith("_")} - set(package.__all__)
    assert missing == set()


def test_root_says_what_it_is():
    silent = [
        name
        for name in jiqa.__all__
        if name != "__version__" and not inspect.getdoc(getattr(jiqa, name))
    ]
    assert silent == []
    assert {"__version__", *dir(jiqa)} == set(jiqa.__all__)
    assert {*PACKAGES, "load", "list_metrics", "Info"} <= set(jiqa.__all__)
