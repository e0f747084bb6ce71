"""The rows of the bad-input corpus that concern a monitor's own fields, each with its status and code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from control_plane.domain import field_rules
from control_plane.domain.checks.check_rules import read_check
from control_plane.domain.checks.kinds import for_regions
from control_plane.errors import BadRequest, FarwatchError
from shared.checks import Check
from shared.checks.http import HttpCheck
from shared.netpolicy import PortProfile
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
        return for_regions(read_check(patch, stored=STORED, policy_is_private=False))
    body: dict[str, Any] = {"type": "http", "url": "https://a.example.com/"}
    if row.field == "check" and row.value.get("type") not in {None, "http"}:
        body = row.value
    elif row.field == "check":
        body |= row.value
    else:
        name = row.field.removeprefix("check.")
        value = {"X": row.value} if row.id == "B140" else row.value
        body[OUR_NAMES.get(name, name)] = value
    return for_regions(read_check(body, policy_is_private=False))


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


def submitted_as(row: GuardRow) -> dict[str, Any]:
    """A row of another kind's surface as the check that it means."""
    match row.surface:
        case "tcp":
            host, _, port = row.input.rpartition(":")
            return {"type": "tcp", "host": host, "port": int(port)}
        case "tls_cert":
            target, _, server_name = row.input.partition(" sni=")
            host, _, port = target.rpartition(":")
            return {"type": "tls_cert", "host": host, "port": int(port), "server_name": server_name}
        case "domain_expiry":
            return {"type": "domain_expiry", "domain": row.input}
        case "icmp":
            return {"type": "ping", "host": row.input}
    if " via nameserver " in row.input:
        name, _, resolver = row.input.partition(" via nameserver ")
        return {"type": "dns", "name": name, "resolver": resolver}
    name, record_type = row.input.split(" ")
    return {"type": "dns", "name": name, "record_type": record_type}


SEEN_BY_THE_AGENT = {"S342", "S343"}
"""Rows about what a server answers, not about what is submitted."""

KIND_ROWS = [
    row
    for surface in ("tcp", "tls_cert", "domain_expiry", "icmp", "dns-check")
    for row in guard_rows(surface)
    if row.id not in SEEN_BY_THE_AGENT
]


@pytest.mark.parametrize("row", KIND_ROWS)
def test_a_target_of_another_kind_gets_its_verdict_and_code_at_submission(row: GuardRow) -> None:
    ports: PortProfile = "strict" if row.setup == "profile=strict" else "any"
    expected = (201, "-") if row.expected == "allow" else (400, row.code)
    check = submitted_as(row)
    assert verdict(partial(read_check, check, policy_is_private=False, ports=ports)) == expected


def test_every_code_is_a_bad_request_that_names_its_field() -> None:
    with pytest.raises(BadRequest) as caught:
        read_check({"type": "http", "url": "https://a.example.com/", "timeout": 1}, policy_is_private=False)
    assert (caught.value.code, caught.value.field) == ("INVALID_TIMEOUT", "/check/timeout")
