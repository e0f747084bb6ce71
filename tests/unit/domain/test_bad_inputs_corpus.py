"""The rows of the bad-input corpus that concern a monitor's own fields, each with its status and code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from control_plane.domain import field_rules
from control_plane.domain.check_rules import read_check
from control_plane.errors import BadRequest, FarwatchError
from shared.checks import Check
from shared.checks.http import HttpCheck
from tests.support.hostile import BadInput, GuardRow, bad_input_params, bad_inputs, guard_rows

STORED = HttpCheck(url="https://a.example.com/health", basic_auth=("user", "pa55word"))
OUR_NAMES = {"expected_body_regex": "body_regex"}


def verdict(read: Callable[[], object]) -> tuple[int, str]:
    """The status and code that a value is answered with; 201 when it is taken."""
    try:
        read()
    except FarwatchError as error:
        return error.status, error.code
    return 201, "-"


def submit(row: BadInput) -> Check:
    """Apply a `check…` row as its surface would."""
    if row.kind in {"basic_auth", "bearer_token", "credential+url"} or row.id == "B159":
        patch = row.value if isinstance(row.value, dict) else {row.field.removeprefix("check."): row.value}
        return read_check(patch, stored=STORED, policy_is_private=False)
    body: dict[str, Any] = {"type": "http", "url": "https://a.example.com/"}
    if row.field == "check":
        body |= row.value
    else:
        name = row.field.removeprefix("check.")
        value = {"X": row.value} if row.id == "B140" else row.value
        body[OUR_NAMES.get(name, name)] = value
    return read_check(body, policy_is_private=False)


CHECK_ROWS = [pytest.param(row, id=row.id) for row in bad_inputs() if row.field.startswith("check")]


@pytest.mark.parametrize("row", CHECK_ROWS)
def test_a_check_of_the_corpus_is_answered_with_its_code(row: BadInput) -> None:
    # Expressions run on RE2, where nested repetition is harmless: that row is taken.
    expected = (201, "-") if row.id == "B141" else (row.http, row.code)
    assert verdict(partial(submit, row)) == expected


READERS: dict[str, Callable[[object], object]] = {
    "name": field_rules.name,
    "tags": field_rules.tags,
    "interval": field_rules.interval,
    "alert_confirmations": field_rules.confirmations,
    "renotify_interval_secs": field_rules.renotify_interval,
    "region_policy": partial(field_rules.region_policy, regions=3),
}


@pytest.mark.parametrize("row", bad_input_params(*READERS))
def test_a_field_of_the_corpus_is_answered_with_its_code(row: BadInput) -> None:
    assert verdict(lambda: READERS[row.field](row.value)) == (row.http, row.code)


def test_no_row_of_the_corpus_is_left_out() -> None:
    assert {row.field for row in bad_inputs() if not row.field.startswith("check")} == set(READERS)


@pytest.mark.parametrize("row", guard_rows("header"))
def test_a_header_of_the_guard_corpus_is_refused(row: GuardRow) -> None:
    name, _, value = row.input.partition(": ")
    body = {"type": "http", "url": "https://a.example.com/", "headers": {name: value}}
    assert verdict(partial(read_check, body, policy_is_private=False)) == (400, row.code)


@pytest.mark.parametrize("row", guard_rows("method"))
def test_a_method_of_the_guard_corpus_is_refused(row: GuardRow) -> None:
    method, _, header = row.input.partition(" + ")
    body: dict[str, Any] = {"type": "http", "url": "https://a.example.com/", "method": method}
    if header:
        body["headers"] = {header: "60"}
    assert verdict(partial(read_check, body, policy_is_private=False)) == (400, row.code)


@pytest.mark.parametrize("row", guard_rows("url"))
def test_a_url_of_the_guard_corpus_is_refused_at_submission_with_its_code(row: GuardRow) -> None:
    with_type = {"type": "http", "url": row.input}
    expected = (201, "-") if row.expected == "allow" else (400, row.code)
    assert verdict(partial(read_check, with_type, policy_is_private=False)) == expected


def test_every_code_is_a_bad_request_that_names_its_field() -> None:
    with pytest.raises(BadRequest) as caught:
        read_check({"type": "http", "url": "https://a.example.com/", "timeout": 1}, policy_is_private=False)
    assert (caught.value.code, caught.value.field) == ("INVALID_TIMEOUT", "/check/timeout")
