"""The submission rules of a check: decoded JSON in, a `Check` with every default filled in out.

A change is a JSON merge patch (RFC 7396): absent keeps, null clears to the default, a string replaces the whole. It is
judged on the merged state, so that no order of changes leads to a check that could not have been created. What differs
between the kinds stands in their own modules and in `RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from control_plane.domain.checks import (
    composite_check_rules,
    dns_check_rules,
    domain_expiry_check_rules,
    heartbeat_check_rules,
    http_check_rules,
    ping_check_rules,
    tcp_check_rules,
    tls_cert_check_rules,
)
from control_plane.domain.checks.header_rules import refuse_masked
from control_plane.domain.checks.kind_rules import KindRules, Place
from control_plane.domain.checks.kinds import SPECS, MonitorCheck, kind_of
from control_plane.domain.field_rules import Findings, child, refuse, refuse_unknown, text
from control_plane.errors import BadRequest
from shared.checks import CheckTextRefused, expand
from shared.netpolicy import Policy, PortProfile

POINTER = "/check"

RULES: Mapping[str, KindRules] = {
    "http": http_check_rules.RULES,
    "tcp": tcp_check_rules.RULES,
    "dns": dns_check_rules.RULES,
    "ping": ping_check_rules.RULES,
    "tls_cert": tls_cert_check_rules.RULES,
    "domain_expiry": domain_expiry_check_rules.RULES,
    "heartbeat": heartbeat_check_rules.RULES,
    "composite": composite_check_rules.RULES,
}


def read_check(
    value: object, *, stored: MonitorCheck | None = None, policy_is_private: bool, ports: PortProfile = "any"
) -> MonitorCheck:
    """A check as submitted, or merged onto `stored` (JSON merge patch; a string replaces).

    `stored` may carry its secrets opened or masked: what is kept comes back as it was. Raises BadRequest with a JSON
    Pointer below /check. `policy_is_private`: all regions of the monitor are private, their agents judge the address.
    `ports`: the profile of TCP ports of the shared regions.
    """
    at: Place = _member
    match value:
        case str():
            check, at = _read_text(value, stored), _whole
        case dict():
            check = _read_object(value, stored)
        case _:
            refuse("INVALID_TYPE", "a check is an object, or a URL like https://example.com/", POINTER)
    if not policy_is_private:
        rules_of(check).refuse_blocked(check, Policy(ports=ports), at)
    return check


def rules_of(check: MonitorCheck) -> KindRules:
    """The rules of the check's kind."""
    return RULES[kind_of(check)]


def target_of(check: MonitorCheck) -> dict[str, object]:
    """The members that say what is watched, with the kind: two checks that agree in them watch the same."""
    return {"type": kind_of(check), **{name: getattr(check, name) for name in rules_of(check).target}}


def _whole(_: str) -> str:
    return POINTER


def _member(name: str) -> str:
    return child(POINTER, name)


def _read_text(value: str, stored: MonitorCheck | None) -> MonitorCheck:
    try:
        written = expand(text(value, POINTER, code="INVALID_URL_FORMAT", high=1 << 20))
    except CheckTextRefused as refused:
        refuse(refused.code, str(refused), POINTER)
    _refuse_other_kind(kind_of(written), stored, POINTER)
    return _build(kind_of(written), _members(written), _whole)


def _read_object(value: Mapping[str, object], stored: MonitorCheck | None) -> MonitorCheck:
    kind = _kind_of_object(value, stored)
    rules = RULES[kind]
    patch = {name: member for name, member in value.items() if name != "type"}
    findings = Findings()
    refuse_unknown(patch, known=("type", *rules.fields), pointer=POINTER, findings=findings)
    for field in rules.secret_fields:
        findings.take(refuse_masked, patch.get(field), _member(field))
    check = _build(kind, _merge(patch, stored, rules), _member, findings)
    if stored is not None:
        rules.refuse_exfiltration(check, stored, patch, POINTER)
    return check


def _kind_of_object(value: Mapping[str, object], stored: MonitorCheck | None) -> str:
    """Where `type` is absent, the stored check or a `url` tells the kind."""
    kind = value.get("type", None if stored is None else kind_of(stored))
    if "type" not in value and kind is None and "url" in value:
        kind = "http"
    if "type" in value and not isinstance(kind, str):
        refuse("INVALID_TYPE", "type must be a string", _member("type"))
    _refuse_other_kind(kind, stored, _member("type"))
    if kind is None:
        refuse("MISSING_FIELD", f"type is missing; it is one of {', '.join(SPECS)}", _member("type"))
    if kind not in SPECS:
        refuse("INVALID_CHECK_TYPE", f"type must be one of {', '.join(SPECS)}", _member("type"))
    return str(kind)


def _refuse_other_kind(kind: object, stored: MonitorCheck | None, pointer: str) -> None:
    if stored is not None and kind != kind_of(stored):
        refuse("CHECK_KIND_IMMUTABLE", f"the check stays of type {kind_of(stored)}; make a new monitor", pointer)


def _build(kind: str, members: Mapping[str, object], at: Place, findings: Findings | None = None) -> MonitorCheck:
    """The check of these members; every refusal at once, with those already in `findings`."""
    rules, findings = RULES[kind], findings or Findings()
    for name in rules.required:
        if name not in members:
            findings.add(BadRequest(f"{name} is missing", code="MISSING_FIELD", field=at(name)))
    fields: dict[str, Any] = {
        name: value if value is None and name in rules.nullable else findings.take(read, value, at(name))
        for name, read in rules.fields.items()
        if (value := members.get(name)) is not None or (name in members and name in rules.nullable)
    }
    findings.raise_any()
    check = SPECS[kind](**fields)
    rules.refuse_conflicts(check, POINTER)
    return check


def _merge(patch: Mapping[str, object], stored: MonitorCheck | None, rules: KindRules) -> dict[str, object]:
    """The members of the merged check. Of nested objects only headers are merged; all else is replaced whole."""
    merged: dict[str, object] = {} if stored is None else _members(stored)
    for name, value in patch.items():
        old = merged.get(name)
        if value is None and name not in rules.nullable:
            merged.pop(name, None)
        elif name in rules.merged_by_name and isinstance(value, dict):
            merged[name] = _merge_headers(old if isinstance(old, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _members(check: MonitorCheck) -> dict[str, object]:
    members = msgspec.to_builtins(check)
    nullable = rules_of(check).nullable
    return {name: value for name, value in members.items() if value is not None or name in nullable}


def _merge_headers(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    given = {name.lower() for name in new}
    kept = {name: value for name, value in old.items() if name.lower() not in given}
    return kept | {name: value for name, value in new.items() if value is not None}
