"""The dotted subset of JSONPath."""

from __future__ import annotations

from typing import Any

import pytest

from agent.checks.json_path import PathFailed, find, same, steps

BODY = b'{"a": {"b": [{"c": 1}, 2], "odd name": null}, "d.e": true}'


@pytest.mark.parametrize(
    ("path", "value"),
    [("$.a.b[0].c", 1), ("a.b[1]", 2), ("$.a['odd name']", None), ('$["d.e"]', True), ("$.a.b", [{"c": 1}, 2])],
)
def test_a_path_leads_to_its_value(path: str, value: Any) -> None:
    assert find(path, BODY) == value


@pytest.mark.parametrize("path", ["$.a.x", "$.a.b[7]", "$.a.b.c", "$.d.e", "$..a", "$.a[*]", "$.a.b[-1]", "$["])
def test_a_path_that_leads_nowhere_or_is_none_fails(path: str) -> None:
    with pytest.raises(PathFailed):
        find(path, BODY)


def test_a_body_that_is_not_json_fails() -> None:
    with pytest.raises(PathFailed, match="not JSON"):
        find("$.a", b"<html>")


def test_the_root_has_no_steps() -> None:
    assert steps("$") == []


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (True, True, True),
        (None, None, True),
        (0, None, False),
        ("1", 1, False),
        ("a", "a", True),
        (False, 0, False),
        (1.5, 1.5, True),
        ("a", ["a"], False),
    ],
)
def test_values_are_compared_as_json(expected: Any, actual: Any, equal: bool) -> None:
    assert same(expected, actual) is equal
