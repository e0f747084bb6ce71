"""The language of agents and control plane: what is said is what is heard."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.checks.http import (
    ExactStatus,
    HttpCheck,
    JsonPathEquals,
    StatusBounds,
    StatusOneOf,
    StatusRange,
)
from shared.protocol import (
    Assignment,
    Assignments,
    BatchReceipt,
    Dispatch,
    Dispatches,
    Hello,
    Observations,
    RegionGrant,
    ResultBatch,
    TestOutcome,
    TestOutcomes,
    Welcome,
    digest_term,
)
from shared.results import CheckResult, Detail, Evidence, Outcome, Reason

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MAYBE = st.none() | TEXT
MS = st.integers(0, 2**53)
DURATION = st.none() | st.floats(0, 2_000_000)
COUNT = st.none() | st.integers(0, 2**31)
IDS = st.uuids()

EVIDENCE = st.builds(
    Evidence,
    status_line=MAYBE,
    headers=st.dictionaries(TEXT, TEXT, max_size=5),
    body_excerpt=MAYBE,
    resolved=st.lists(TEXT, max_size=4).map(tuple),
    redirects=st.lists(TEXT, max_size=4).map(tuple),
    chain=st.lists(TEXT, max_size=4).map(tuple),
    answers=st.lists(TEXT, max_size=4).map(tuple),
)
DETAIL = st.builds(
    Detail,
    message=MAYBE,
    address=MAYBE,
    http_version=MAYBE,
    tls_version=MAYBE,
    cipher=MAYBE,
    cert_expires_at=st.none() | st.integers(-(2**40), 2**40),
    lag_ms=st.none() | st.floats(0, 1e9),
    evidence=st.none() | EVIDENCE,
)
RESULT = st.builds(
    CheckResult,
    monitor_id=IDS,
    check_version=st.integers(1, 2**31 - 1),
    slot=MS,
    outcome=st.sampled_from(Outcome),
    reason=st.sampled_from(Reason),
    http_status=st.none() | st.integers(0, 999),
    dns=DURATION,
    connect=DURATION,
    tls=DURATION,
    ttfb=DURATION,
    download=DURATION,
    total=DURATION,
    detail=st.just(msgspec.UNSET) | DETAIL,
    dispatch_id=st.just(msgspec.UNSET) | IDS,
)
STATUS = (
    st.builds(ExactStatus, st.integers(100, 599))
    | st.builds(StatusRange, st.builds(StatusBounds, st.integers(100, 299), st.integers(300, 599)))
    | st.builds(StatusOneOf, st.lists(st.integers(100, 599), max_size=4).map(tuple))
)
JSON_VALUE = st.none() | st.booleans() | TEXT | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9)
CHECK = st.builds(
    HttpCheck,
    url=TEXT,
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    headers=st.dictionaries(TEXT, TEXT, max_size=3),
    body=MAYBE,
    expected_status=STATUS,
    expected_json=st.none() | st.builds(JsonPathEquals, TEXT, JSON_VALUE),
    expected_headers=st.dictionaries(TEXT, TEXT, max_size=3),
    body_regex=MAYBE,
    degraded_above_ms=COUNT,
    cert_warn_days=COUNT,
    verify_tls=st.booleans(),
    basic_auth=st.none() | st.tuples(TEXT, TEXT),
    bearer_token=MAYBE,
)
ASSIGNMENT = st.builds(
    Assignment,
    monitor_id=IDS,
    tenant_id=IDS,
    revision=MS,
    check_version=st.integers(1, 2**31 - 1),
    check=CHECK,
    cadence=MS,
    phase=MS,
    first_slot=MS,
    unavailable=MAYBE,
)
DISPATCH = st.builds(
    Dispatch,
    id=IDS,
    kind=st.sampled_from(["recheck", "check_now", "test"]),
    slot=MS,
    expires_at=MS,
    tenant_id=IDS,
    monitor_id=st.none() | IDS,
    check_version=COUNT,
    check=st.none() | CHECK,
    unavailable=MAYBE,
)
MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    "CheckResult": RESULT,
    "ResultBatch": st.builds(ResultBatch, sent_at=MS, items=st.lists(RESULT, max_size=3).map(tuple)),
    "BatchReceipt": st.builds(BatchReceipt, server_time=MS, statuses=st.lists(TEXT, max_size=3).map(tuple)),
    "Assignment": ASSIGNMENT,
    "Assignments": st.builds(
        Assignments,
        server_time=MS,
        cursor=TEXT,
        agents=st.lists(IDS, max_size=3).map(tuple),
        digest=MAYBE,
        snapshot=st.booleans(),
        more=st.booleans(),
        paused=MAYBE,
        upserts=st.lists(ASSIGNMENT, max_size=2).map(tuple),
        removes=st.lists(IDS, max_size=3).map(tuple),
    ),
    "Dispatches": st.builds(
        Dispatches, server_time=MS, items=st.lists(DISPATCH, max_size=2).map(tuple), assignments_changed=st.booleans()
    ),
    "Hello": st.builds(
        Hello,
        version=TEXT,
        protocols=st.lists(st.integers(0, 9), max_size=3).map(tuple),
        boot_id=IDS,
        capabilities=st.lists(TEXT, max_size=3).map(tuple),
    ),
    "Welcome": st.builds(
        Welcome,
        agent_id=IDS,
        agent_name=TEXT,
        region=st.builds(
            RegionGrant,
            id=TEXT,
            name=TEXT,
            private=st.booleans(),
            allow_cidrs=st.lists(TEXT, max_size=3).map(tuple),
        ),
        protocol=st.integers(0, 9),
        server_time=MS,
    ),
    "Observations": st.builds(
        Observations,
        sent_at=MS,
        healthy=st.booleans(),
        reason=MAYBE,
        clock_offset=st.none() | st.floats(-1e9, 1e9),
        saturation=st.none() | st.floats(0, 1000),
        lag=DURATION,
        spooled=COUNT,
        gaps=COUNT,
    ),
    "TestOutcomes": st.builds(
        TestOutcomes, items=st.lists(st.builds(TestOutcome, id=IDS, result=RESULT), max_size=2).map(tuple)
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_decoded_is_what_was_encoded(name: str) -> None:
    @given(MESSAGES[name])
    def round_trip(message: Any) -> None:
        assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message

    round_trip()


@given(RESULT, st.dictionaries(st.text("xyz", min_size=4, max_size=6), st.integers() | TEXT, min_size=1))
def test_newer_agents_may_say_more(result: CheckResult, more: dict[str, Any]) -> None:
    said = more | msgspec.to_builtins(result)

    assert msgspec.json.decode(msgspec.json.encode(said), type=CheckResult) == result


@pytest.mark.parametrize("field", ["dns", "connect", "tls", "ttfb", "download", "total"])
@given(duration=st.floats(0, 4_000_000))
def test_a_duration_that_is_heard_fits_a_column_of_whole_microseconds(field: str, duration: float) -> None:
    said = {"monitor_id": "0" * 32, "check_version": 1, "slot": 1, "outcome": "up", field: duration}
    try:
        heard = msgspec.json.decode(msgspec.json.encode(said), type=CheckResult)
    except msgspec.ValidationError:
        return

    assert int(getattr(heard, field) * 1000) < 2**31


@given(st.integers())
def test_an_expiry_of_a_certificate_that_is_heard_fits_a_column(instant: int) -> None:
    said = msgspec.json.encode({"cert_expires_at": instant})
    try:
        heard = msgspec.json.decode(said, type=Detail)
    except msgspec.ValidationError:
        return

    assert heard.cert_expires_at is not None
    assert abs(heard.cert_expires_at) < 2**63


PARTS = st.lists(st.tuples(IDS, st.integers(0, 2**63 - 1)), max_size=20, unique_by=lambda part: part[0])


def digest(parts: list[tuple[Any, int]]) -> int:
    return sum(digest_term(monitor_id, revision) for monitor_id, revision in parts) % 2**64


@given(PARTS, st.data())
def test_the_digest_of_a_region_does_not_depend_on_the_order_of_its_assignments(
    parts: list[tuple[Any, int]], data: st.DataObject
) -> None:
    assert digest(data.draw(st.permutations(parts))) == digest(parts)


@given(PARTS.filter(bool), st.integers(0, 2**63 - 1))
def test_the_digest_can_be_kept_up_change_by_change(parts: list[tuple[Any, int]], revision: int) -> None:
    (monitor_id, old), *others = parts
    kept_up = (digest(parts) - digest_term(monitor_id, old) + digest_term(monitor_id, revision)) % 2**64

    assert kept_up == digest([*others, (monitor_id, revision)])
    assert (digest(parts) - digest_term(monitor_id, old)) % 2**64 == digest(others)


@given(PARTS.filter(bool), st.integers(1, 1000))
def test_the_digest_notices_a_lost_change(parts: list[tuple[Any, int]], newer: int) -> None:
    (monitor_id, revision), *others = parts

    assert digest([(monitor_id, revision + newer), *others]) != digest(parts)
    assert digest(others) != digest(parts)


@given(IDS, st.integers(0, 2**63 - 1))
def test_a_part_of_a_digest_is_a_whole_number_of_64_bits(monitor_id: Any, revision: int) -> None:
    assert 0 <= digest_term(monitor_id, revision) < 2**64
