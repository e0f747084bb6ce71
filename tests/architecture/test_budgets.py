"""The budgets of the house: small files, short functions, shallow nesting."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("control_plane", "agent", "shared")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

FILE_LINES = 400
FUNCTION_LINES = 60
FUNCTION_P90 = 30
FUNCTION_MEDIAN = 10
NESTING = 3

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, _FUNCTIONS):
                yield f"{name_of(path)}:{node.lineno} {node.name}", node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


def depth(node: ast.AST, level: int = 0) -> int:
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deeper = isinstance(child, _BLOCKS) and not is_elif
        deepest = max(deepest, depth(child, level + deeper))
    return deepest


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_outgrows_its_budget(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


def test_no_function_is_over_sixty_lines() -> None:
    assert [name for name, node in functions() if length(node) > FUNCTION_LINES] == []


def test_most_functions_are_short() -> None:
    lengths = sorted(length(node) for _, node in functions())
    assert statistics.median(lengths) <= FUNCTION_MEDIAN
    assert lengths[int(len(lengths) * 0.9)] <= FUNCTION_P90


def test_nesting_stays_shallow() -> None:
    assert [name for name, node in functions() if depth(node) > NESTING] == []


def test_only_the_three_borders_catch_everything() -> None:
    borders = {"agent/runner.py", "control_plane/jobs/loop.py", "control_plane/web/middleware.py"}
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and catches_everything(node):
                found.add(name_of(path))
    assert found <= borders


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """`except Exception`, or bare; a handler that only cleans up and raises again does not count."""
    ends_raising = bool(handler.body) and isinstance(handler.body[-1], ast.Raise)
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    wide = any(
        name is None or (isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"}) for name in names
    )
    return wide and not ends_raising


def test_no_module_is_named_for_nothing() -> None:
    assert [name_of(p) for p in FILES if p.stem in {"utils", "util", "helpers", "common", "base", "misc"}] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [name_of(p) for p in FILES if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []
