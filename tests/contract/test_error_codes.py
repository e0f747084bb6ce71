"""The registry of errors is the list: of what is told, of what is raised, and of what the reference explains."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from control_plane import errors
from control_plane.app import all_routes
from control_plane.error_codes import ErrorCode, chapters, error_codes
from control_plane.openapi import codes_of
from control_plane.store.violations import VIOLATIONS
from tests.support.write_error_reference import REFERENCE, reference

ROOT = Path(__file__).parents[2] / "control_plane"
CODE = re.compile(r"[A-Z]{2,}(_[A-Z]+)+")
FIELD = re.compile("days|degraded_above_ms|from|limit|max_redirects|offset|rid|started_at")
SHOWN = ("domain", "services", "tenant_api", "operator_api", "agent_api", "public_site", "web", "dashboard")
NO_ERRORS = {
    "CIRCUIT_OPEN",  # a state that reads tell, no refusal
    "MAX_OPEN_RUNS",  # a bound
    "DUPLICATE_URL",  # warnings of a creation or a plan
    "WINDOW_OVER",
    "NO_LIVE_AGENT",
    "REGION_DISABLED",
}
ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.FarwatchError)
}


class Raised(NamedTuple):
    """One place where an error is made."""

    code: str
    status: int
    where: str


@cache
def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def raised() -> Iterator[Raised]:
    for path, tree in modules().items():
        ours = {
            name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "control_plane.errors"
            for name in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ours & ERRORS.keys():
                kind = ERRORS[node.func.id]
                code = next((each.value for each in node.keywords if each.arg == "code"), None)
                if code is None:
                    yield Raised(kind.default_code, kind.status, f"{path.name}:{node.lineno}")
                elif isinstance(code, ast.Constant):
                    yield Raised(str(code.value), kind.status, f"{path.name}:{node.lineno}")


def written() -> set[str]:
    """Codes that stand in the code as texts: those that tables and helpers turn into errors are among them."""
    of_constraints = {each.code or each.kind.default_code for each in VIOLATIONS.values()}
    return (
        of_constraints
        | {
            node.value
            for path, tree in modules().items()
            if path.relative_to(ROOT).parts[0] in SHOWN
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
        }
        - NO_ERRORS
    )


def told() -> set[str]:
    return {code for route in all_routes() for code in codes_of(route)}


def test_the_scan_finds_what_is_raised() -> None:
    found = {each.code for each in raised()}
    assert len(found) > 80
    assert {"LAST_KEY", "UNAUTHENTICATED", "KEY_IN_QUERY", "PLAN_FEATURE"} <= found


def test_every_code_that_is_raised_or_told_is_explained() -> None:
    assert ({each.code for each in raised()} | written() | told()) - error_codes().keys() == set()


def test_every_explained_code_is_raised_or_told() -> None:
    assert error_codes().keys() - ({each.code for each in raised()} | written() | told()) == set()


def test_a_code_has_the_status_of_the_error_that_carries_it() -> None:
    known = error_codes()
    assert [each for each in raised() if each.status not in known[each.code].statuses] == []
    of_constraints = [(each.code or each.kind.default_code, each.kind.status) for each in VIOLATIONS.values()]
    assert [pair for pair in of_constraints if pair[1] not in known[pair[0]].statuses] == []


def test_no_status_is_told_that_no_error_has() -> None:
    statuses = {kind.status for kind in ERRORS.values()}
    assert {status for each in error_codes().values() for status in each.statuses} <= statuses


@pytest.mark.parametrize("entry", error_codes().values(), ids=lambda entry: entry.code)
def test_a_code_says_in_a_sentence_what_it_means_and_what_helps(entry: ErrorCode) -> None:
    for sentence in (entry.meaning, entry.remedy):
        assert sentence.endswith(".")
        assert len(sentence) > 10
        assert sentence[0].isupper() or FIELD.match(sentence), "a sentence, or the name of a field"


def test_the_chapters_hold_every_code_once() -> None:
    listed = [entry.code for chapter in chapters() for entry in chapter.codes]
    assert sorted(listed) == sorted(error_codes())
    assert all(chapter.title for chapter in chapters())


def test_the_reference_is_the_one_that_was_reviewed() -> None:
    assert REFERENCE.read_text() == reference(), (
        "if the change is meant: python -m tests.support.write_error_reference, and review the diff"
    )
