"""Any JSON is a check or is refused by a pointer into it; what is accepted reads back, merges and splits unchanged."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.checks.dns_question import owner_name, split_server
from agent.dns.wire import TYPE_NUMBERS
from control_plane.domain.checks.check_rules import RULES, read_check, target_of
from control_plane.domain.checks.http_check_rules import FIELDS
from control_plane.domain.checks.kinds import for_regions
from control_plane.domain.checks.secrets_of_check import join, split
from control_plane.errors import BadRequest
from shared.checks import CHECKS as KINDS
from shared.checks import Check, DnsCheck, expand, kind_of

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
NAMES = [
    "a.example.com",
    "B.example.org.",
    "_x.example.net",
    "bücher.example.com",
    "192.0.2.1",
    "198.41.0.4",
    "2620:fe::fe",
    "a b",
]
HOSTS = st.sampled_from(NAMES)
DAYS = st.integers(-1, 400)
SHORT = st.text(max_size=4)
OF_KIND: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "tcp": {"host": HOSTS, "port": st.integers(0, 65_536), "send": SHORT, "expect": SHORT},
    "dns": {
        "name": HOSTS
        | st.sampled_from([".", "*.example.com", "5.0/25.2.0.192.in-addr.arpa", "192.0.2.1.", "2001:db8::1"]),
        "record_type": st.sampled_from(["A", "mx", "PTR", "ANY"]),
        "expected": st.lists(SHORT, max_size=3),
        "exact": st.booleans(),
        "resolver": st.sampled_from(
            ["9.9.9.9", "[2620:fe::fe]:853", "dns.google:53", "10.0.0.1", "9.9.9.9:99", "9.9.9.9:053"]
        ),
    },
    "ping": {"host": HOSTS, "count": st.integers(0, 11), "max_loss_pct": st.integers(-1, 100)},
    "tls_cert": {
        "host": HOSTS,
        "port": st.integers(0, 65_536),
        "server_name": HOSTS,
        "warn_days": DAYS,
        "critical_days": DAYS,
    },
    "domain_expiry": {
        "domain": st.sampled_from(["example.com", "www.example.com", "a.co.uk", "bücher.de", "com"]),
        "warn_days": DAYS,
        "critical_days": DAYS,
    },
}
COMMON = {"timeout": st.integers(999, 60_001), "degraded_above_ms": st.integers(0, 60_001)}


def members_of(kind: str) -> dict[str, st.SearchStrategy[Any]]:
    """Values for each field of a kind, most of them good."""
    return OF_KIND[kind] | {name: COMMON[name] for name in COMMON if name in RULES[kind].fields}


def whole_or_part(kind: str) -> st.SearchStrategy[tuple[dict[str, Any], dict[str, Any]]]:
    """A check of the kind, and a patch of it."""
    members = members_of(kind)
    required = {"type": st.just(kind)} | {name: members[name] for name in RULES[kind].required}
    optional = {name: each for name, each in members.items() if name not in required}
    patch = {name: each | st.none() for name, each in members.items()}
    return st.tuples(
        st.fixed_dictionaries(required, optional=optional),
        st.fixed_dictionaries({}, optional=patch),
    )


GOOD = ["url", "method", "timeout", "headers", "basic_auth", "verify_tls", "expected_status", "expected_json"]
CHECKS = st.fixed_dictionaries(
    {"type": st.just("http"), "url": MEMBERS["url"]}, optional={name: MEMBERS[name] for name in GOOD[1:]}
)


def submitted(value: object, stored: Check | None = None) -> Check | None:
    try:
        return for_regions(read_check(value, stored=stored, policy_is_private=False))
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
    if moved is not None and moved != stored:
        assert split(moved)[1].empty


def is_understood_by_the_agent(check: Check) -> bool:
    """Whether the agent's own readers take what was accepted; they raise when they do not."""
    if isinstance(check, DnsCheck):
        owner_name(check.name, TYPE_NUMBERS[check.record_type])
        split_server(check.resolver or "192.0.2.1")
    return True


def test_every_kind_is_generated_with_all_of_its_fields() -> None:
    assert set(OF_KIND) == set(KINDS) - {"http"}
    for kind in OF_KIND:
        assert set(members_of(kind)) == set(RULES[kind].fields)


@given(st.sampled_from(sorted(OF_KIND)).flatmap(whole_or_part))
def test_a_check_of_any_kind_reads_back_and_merges_like_one_that_was_created(
    case: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    value, patch = case
    check = submitted(value)
    if check is None:
        return
    written = msgspec.json.decode(msgspec.json.encode(check))
    assert submitted(written) == check == submitted({}, stored=check)
    assert msgspec.convert(written, type=Check) == check
    assert join(*split(check)) == check
    assert target_of(check).items() <= msgspec.to_builtins(check).items()
    assert is_understood_by_the_agent(check)
    merged = submitted(patch, stored=check)
    if merged is not None:
        assert kind_of(merged) == kind_of(check)
        assert submitted(msgspec.json.decode(msgspec.json.encode(merged))) == merged
        assert submitted(patch, stored=merged) == merged


@given(
    st.sampled_from(sorted(OF_KIND)).flatmap(
        lambda kind: st.dictionaries(st.sampled_from(sorted(RULES[kind].fields)), JSON).map(
            lambda members: {"type": kind, **members}
        )
    )
)
def test_any_members_are_a_check_of_their_kind_or_are_refused_with_a_pointer(value: dict[str, object]) -> None:
    check = submitted(value)
    assert check is None or kind_of(check) == value["type"]


@given(st.sampled_from(sorted({"tcp", "dns", "ping", "tls", "domain"})), st.text(max_size=30))
def test_any_text_with_a_scheme_is_a_check_or_is_refused_as_a_whole(scheme: str, rest: str) -> None:
    text = f"{scheme}://{rest}"
    check = submitted(text)
    if check is not None:
        assert expand(text) == check
