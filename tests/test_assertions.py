"""Every test can fail: it asserts something, and what it asserts is not always true."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: Exceptions that would swallow a failed assertion.
_SWALLOW = {"AssertionError", "Exception", "BaseException"}


@functools.cache
def _trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in TESTS.rglob("*.py")}


@functools.cache
def _shared() -> dict[str, ast.FunctionDef]:
    """The functions of tests/helpers and of conftest.py, which every test may call."""
    return {
        node.name: node
        for path, tree in _trees().items()
        if path.parent.name == "helpers" or path.name == "conftest.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


#: Functions of libraries that raise where something is wrong.
_ASSERTING = ("check_grads", "fail", "raises", "warns")


def asserts(
    function: ast.FunctionDef, others: dict[str, ast.FunctionDef], path: tuple = ()
) -> bool:
    """Whether a function asserts something, itself or in one of the others."""
    for node in ast.walk(function):
        if isinstance(node, (ast.Assert, ast.Raise)):
            return True
        if not isinstance(node, ast.Call):
            continue
        name = _called(node)
        if name.startswith("assert_") or name in _ASSERTING:
            return True
        if any(
            k.arg == "check" and ast.unparse(k.value) == "True" for k in node.keywords
        ):
            return True
        if name in others and name not in path and others[name] is not function:
            if asserts(others[name], others, (*path, name)):
                return True
    return False


def cannot_fail(test: ast.expr) -> bool:
    """Whether an asserted expression is true whatever the code does."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, (ast.Tuple, ast.List)):
        return bool(test.elts)
    if isinstance(test, (ast.GeneratorExp, ast.Lambda, ast.JoinedStr)):
        return True
    if isinstance(test, ast.BoolOp):
        judge = any if isinstance(test.op, ast.Or) else all
        return judge(map(cannot_fail, test.values))
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        if ast.dump(left) == ast.dump(right):
            return isinstance(test.ops[0], (ast.Eq, ast.Is, ast.LtE, ast.GtE))
        counted = isinstance(left, ast.Call) and _called(left) == "len"
        at_least = ast.unparse(right) in ("0", "-1")
        return counted and at_least and isinstance(test.ops[0], ast.GtE)
    return False


def _swallowed(tree: ast.AST) -> Iterator[ast.Assert]:
    """The assertions whose failure is caught."""
    for node in ast.walk(tree):
        caught: set[str] = set()
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                names = ast.unparse(handler.type) if handler.type else "Exception"
                caught |= set(names.strip("()").replace(" ", "").split(","))
        elif isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and _called(call) in (
                    "suppress",
                    "raises",
                ):
                    caught |= {ast.unparse(a) for a in call.args}
        if caught & _SWALLOW:
            body = ast.Module(body=node.body, type_ignores=[])  # pyright: ignore
            yield from (n for n in ast.walk(body) if isinstance(n, ast.Assert))


def test_every_test_asserts_something() -> None:
    silent = []
    for path, tree in _trees().items():
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        known = _shared() | {f.name: f for f in functions}
        silent += [
            f"{path.relative_to(TESTS)}:{f.lineno} {f.name}"
            for f in functions
            if f.name.startswith("test_") and not asserts(f, known)
        ]
    assert silent == []


def test_every_assertion_can_fail() -> None:
    empty = [
        f"{path.relative_to(TESTS)}:{node.lineno} {ast.unparse(node)}"
        for path, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and cannot_fail(node.test)
    ]
    assert empty == []


def test_no_failure_is_caught() -> None:
    caught = [
        f"{path.relative_to(TESTS)}:{node.lineno} {ast.unparse(node)}"
        for path, tree in _trees().items()
        for node in _swallowed(tree)
    ]
    assert caught == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("True", True),
        ("x or True", True),
        ("len(x) >= 0", True),
        ("x == x", True),
        ("(x, 'message')", True),
        ("(y for y in x)", True),
        ("x == y", False),
        ("len(x) >= 1", False),
        ("x or y", False),
        ("x.min() >= 0", False),
        ("x and True", False),
    ],
)
def test_what_cannot_fail(text: str, expected: bool) -> None:
    assert cannot_fail(ast.parse(text, mode="eval").body) == expected
