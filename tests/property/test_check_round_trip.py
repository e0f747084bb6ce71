"""Any JSON is a check or is refused by a pointer into it; what is accepted reads back, merges and splits unchanged."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.check_rules import read_check
from control_plane.domain.http_check_rules import FIELDS
from control_plane.domain.secrets_of_check import join, split
from control_plane.errors import BadRequest
from shared.checks import Check

LEAVES = (
    st.none() | st.booleans() | st.integers(-1, 70_000) | st.floats(allow_nan=False)
    | st.text(max_size=10)
    | st.sampled_from(["GET", "post", "2xx", "***", "https://a.example.com/", "http://10.0.0.1/", "Cookie", "$.a"])
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(FIELDS, JSON),
    "url": st.sampled_from(["https://a.example.com/", "http://b.example.com/x?y"]),
    "method": st.sampled_from(["get", "POST", "HEAD"]),
    "timeout": st.integers(1000, 60_000),
    "headers": st.dictionaries(
        st.sampled_from(["X-A", "Cookie", "Accept", "X-Api-Key"]), st.sampled_from(["", "v", "w"])
    ),
    "basic_auth": st.none() | st.just(["user", "pass"]),
    "verify_tls": st.booleans(),
    "expected_status": st.sampled_from([200, "3xx", {"kind": "one_of", "value": [200, 201]}]),
    "expected_json": st.none() | st.just({"path": "$.a[1]", "value": False}),
    "cert_warn_days": st.none() | st.integers(1, 365),
}
GOOD = ["url", "method", "timeout", "headers", "basic_auth", "verify_tls", "expected_status", "expected_json"]
CHECKS = st.fixed_dictionaries(
    {"type": st.just("http"), "url": MEMBERS["url"]}, optional={name: MEMBERS[name] for name in GOOD[1:]}
)


def submitted(value: object, stored: Check | None = None) -> Check | None:
    try:
        return read_check(value, stored=stored, policy_is_private=False)
    except BadRequest as error:
        refused_at = error.field
    assert refused_at is not None
    assert refused_at.startswith("/check")
    return None


@given(st.one_of(JSON, st.dictionaries(st.sampled_from(["type", *FIELDS]), JSON)))
def test_any_json_is_a_check_or_is_refused_with_a_pointer(value: object) -> None:
    check = submitted(value)
    if check is not None:
        assert msgspec.json.decode(msgspec.json.encode(check), type=type(check)) == check


@given(CHECKS)
def test_an_accepted_check_reads_back_as_itself(value: dict[str, object]) -> None:
    check = submitted(value)
    if check is not None:
        assert submitted(msgspec.json.decode(msgspec.json.encode(check))) == check
        assert submitted({}, stored=check) == check
        assert join(*split(check)) == check


@given(CHECKS, st.fixed_dictionaries({}, optional={name: MEMBERS[name] | st.none() for name in GOOD[1:]}))
def test_a_patched_check_could_have_been_created_as_it_is(value: dict[str, object], patch: dict[str, object]) -> None:
    stored = submitted(value)
    if stored is None:
        return
    merged = submitted(patch, stored=stored)
    if merged is not None:
        assert submitted(msgspec.json.decode(msgspec.json.encode(merged))) == merged
        assert submitted(patch, stored=merged) == merged


@given(CHECKS, MEMBERS["url"])
def test_a_secret_never_follows_to_another_origin(value: dict[str, object], url: str) -> None:
    stored = submitted(value)
    if stored is None:
        return
    moved = submitted({"url": url}, stored=stored)
    if moved is not None and moved.url != stored.url:
        assert split(moved)[1].empty
