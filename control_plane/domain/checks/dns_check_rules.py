"""The fields of a `dns` check. Its name is asked about and never dialled; its resolver is dialled."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import get_args

from control_plane.domain.checks.check_field_rules import degraded_above, dns_name, host, refuse_blocked_host, timeout
from control_plane.domain.checks.kind_rules import KindRules, Place
from control_plane.domain.field_rules import boolean, refuse, text
from shared.checks.dns import DnsCheck, RecordType
from shared.netpolicy import Policy, UrlRefused, judge_dns_port, judge_question

CODE = "INVALID_DNS_PARAMS"
RECORD_TYPES: tuple[str, ...] = get_args(RecordType)
MAX_EXPECTED = 20
EXPECTED_LIMIT = 1024
"""Characters of one expected value."""

_DNS_PORT = 53
_NAME_LIMIT = 253
_REVERSE = re.compile(r"(?:[0-9a-z_](?:[0-9a-z_/-]{0,61}[0-9a-z_])?\.)+(?:in-addr|ip6)\.arpa\.?", re.IGNORECASE)
"""With the slash of delegations smaller than a class C (RFC 2317 section 4)."""

_RESOLVER = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]+)(?::(?P<port>[1-9][0-9]{0,4}))?")


def name(value: object, pointer: str) -> str:
    """A name to ask about, kept as written: the root, a wildcard and the reverse tree included, or an address.

    That only a PTR record is asked for by an address is for `refuse_conflicts`.
    """
    written = text(value, pointer, code=CODE, low=1, high=1024)
    bare = written.removeprefix("*.")
    if written == ".":
        return written
    if len(written.removesuffix(".")) > _NAME_LIMIT:
        refuse(CODE, f"the name is longer than {_NAME_LIMIT} characters", pointer)
    if not _is_address(written) and not _REVERSE.fullmatch(bare):
        dns_name(bare, pointer, code=CODE)
    return written


def _is_address(written: str) -> bool:
    try:
        ip_address(written)
    except ValueError:
        return False
    return True


def record_type(value: object, pointer: str) -> str:
    word = text(value, pointer, code=CODE).upper()
    if word not in RECORD_TYPES:
        refuse(CODE, f"the record type must be one of {', '.join(RECORD_TYPES)}", pointer)
    return word


def expected(value: object, pointer: str) -> tuple[str, ...]:
    """Values that must be among the answers, each once, in the order given."""
    if not isinstance(value, list | tuple):
        refuse("INVALID_TYPE", 'this must be a list of strings, like ["192.0.2.1"]', pointer)
    if len(value) > MAX_EXPECTED:
        refuse(CODE, f"there may be at most {MAX_EXPECTED} expected values", pointer)
    return tuple(
        dict.fromkeys(
            text(item, f"{pointer}/{index}", code=CODE, low=1, high=EXPECTED_LIMIT) for index, item in enumerate(value)
        )
    )


def resolver(value: object, pointer: str) -> str:
    """A server to ask: `host`, `host:port` or `[address]:port`; an IPv6 address without port may be bare."""
    written = text(value, pointer, code=CODE, low=1, high=1024)
    server, number = _server(written)
    host(server, pointer, code=CODE)
    if number > 65_535:
        refuse(CODE, "the resolver's port must be from 1 to 65535", pointer)
    return written


def _server(written: str) -> tuple[str, int]:
    """Host and port. What has another form is all host, for the grammar of hosts to refuse."""
    match = _RESOLVER.fullmatch(written)
    return (written, _DNS_PORT) if match is None else (match["host"], int(match["port"] or _DNS_PORT))


def refuse_blocked(check: DnsCheck, policy: Policy, at: Place) -> None:
    """Raise BadRequest SSRF_BLOCKED or PORT_BLOCKED for a resolver that the policy does not let through, and for a
    special name that would be asked of the region's own."""
    if check.resolver is None:
        try:
            judge_question(check.name, policy)
        except UrlRefused as refused:
            refuse(refused.code, refused.message, at("name"), refused.details or None)
        return
    server, number = _server(check.resolver)
    refuse_blocked_host(server, policy, at("resolver"))
    try:
        judge_dns_port(number, policy)
    except UrlRefused as refused:
        refuse(refused.code, refused.message, at("resolver"), refused.details or None)


def refuse_conflicts(check: DnsCheck, pointer: str) -> None:
    """Raise BadRequest for `exact` without anything to be exact about, and for an address that no PTR is asked of."""
    if check.exact and not check.expected:
        refuse(CODE, "exact forbids all answers but those in expected: name at least one there", f"{pointer}/exact")
    if check.record_type != "PTR" and _is_address(check.name):
        refuse(CODE, "only PTR records are asked for by an address: write a name, or PTR", f"{pointer}/name")


RULES = KindRules(
    fields={
        "name": name,
        "record_type": record_type,
        "expected": expected,
        "exact": boolean,
        "resolver": resolver,
        "timeout": timeout,
        "degraded_above_ms": degraded_above,
    },
    required=("name",),
    target=("name", "record_type", "resolver"),
    refuse_blocked=refuse_blocked,
    refuse_conflicts=refuse_conflicts,
)
