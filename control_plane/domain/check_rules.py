"""The submission rules of a check: decoded JSON in, a `Check` with every default filled in out.

A change is a JSON merge patch (RFC 7396): absent keeps, null clears to the default, a string replaces the whole. It is
judged on the merged state, so that no order of changes leads to a check that could not have been created.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from control_plane.domain import http_check_rules as http
from control_plane.domain.field_rules import Findings, child, refuse, refuse_unknown, text
from control_plane.domain.header_rules import refuse_masked
from control_plane.errors import BadRequest
from shared.checks import CHECKS, Check, CheckTextRefused, expand
from shared.checks.http import HttpCheck

POINTER = "/check"

_MERGED_BY_NAME = ("headers", "expected_headers")
"""Objects whose members are merged, without regard to case."""


def read_check(value: object, *, stored: Check | None = None, policy_is_private: bool) -> Check:
    """A check as submitted, or merged onto `stored` (JSON merge patch; a string replaces).

    `stored` may carry its secrets opened or masked: what is kept comes back as it was. Raises BadRequest with a JSON
    Pointer below /check. `policy_is_private`: all regions of the monitor are private, their agents judge the address.
    """
    match value:
        case str():
            check = _read_text(value)
            pointer = POINTER
        case dict():
            check = _read_http(_patch_of_kind(value, stored), stored)
            pointer = f"{POINTER}/url"
        case _:
            refuse("INVALID_TYPE", "a check is an object, or a URL like https://example.com/", POINTER)
    if not policy_is_private:
        http.refuse_blocked(check, pointer)
    return check


def _read_text(value: str) -> Check:
    try:
        check = expand(text(value, POINTER, code="INVALID_URL_FORMAT", high=1 << 20))
    except CheckTextRefused as refused:
        refuse(refused.code, str(refused), POINTER)
    http.url(check.url, POINTER)
    return check


def _patch_of_kind(value: Mapping[str, object], stored: Check | None) -> dict[str, object]:
    """The members without `type`. Where it is absent, the stored check or a `url` tells the kind."""
    kind = value.get("type", None if stored is None else _kind_of(stored))
    if "type" not in value and kind is None and "url" in value:
        kind = "http"
    if "type" in value and not isinstance(kind, str):
        refuse("INVALID_TYPE", "type must be a string", f"{POINTER}/type")
    if stored is not None and kind != _kind_of(stored):
        refuse(
            "CHECK_KIND_IMMUTABLE", f"the check stays of type {_kind_of(stored)}; make a new monitor", f"{POINTER}/type"
        )
    if kind is None:
        refuse("MISSING_FIELD", f"type is missing; it is one of {', '.join(CHECKS)}", f"{POINTER}/type")
    if kind not in CHECKS:
        refuse("INVALID_CHECK_TYPE", f"type must be one of {', '.join(CHECKS)}", f"{POINTER}/type")
    return {name: member for name, member in value.items() if name != "type"}


def _kind_of(check: Check) -> str:
    return next(kind for kind, spec in CHECKS.items() if isinstance(check, spec))


def _read_http(patch: dict[str, object], stored: HttpCheck | None) -> HttpCheck:
    findings = Findings()
    refuse_unknown(patch, known=("type", *http.FIELDS), pointer=POINTER, findings=findings)
    for field in http.SECRET_FIELDS:
        findings.take(refuse_masked, patch.get(field), f"{POINTER}/{field}")
    merged = _merge(patch, stored)
    if "url" not in merged:
        findings.add(BadRequest("url is missing", code="MISSING_FIELD", field=f"{POINTER}/url"))
    fields: dict[str, Any] = {
        name: value if value is None and name in http.NULLABLE else findings.take(read, value, child(POINTER, name))
        for name, read in http.FIELDS.items()
        if (value := merged.get(name)) is not None or (name in merged and name in http.NULLABLE)
    }
    findings.raise_any()
    check = HttpCheck(**fields)
    http.refuse_conflicts(check, POINTER)
    if stored is not None:
        http.refuse_exfiltration(check, stored, patch, POINTER)
    return check


def _merge(patch: Mapping[str, object], stored: HttpCheck | None) -> dict[str, object]:
    """The members of the merged check. Of nested objects only headers are merged; all else is replaced whole."""
    merged: dict[str, object] = {} if stored is None else _members(stored)
    for name, value in patch.items():
        old = merged.get(name)
        if value is None and name not in http.NULLABLE:
            merged.pop(name, None)
        elif name in _MERGED_BY_NAME and isinstance(value, dict):
            merged[name] = _merge_headers(old if isinstance(old, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _members(check: HttpCheck) -> dict[str, object]:
    members = msgspec.to_builtins(check)
    return {name: value for name, value in members.items() if value is not None or name in http.NULLABLE}


def _merge_headers(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    given = {name.lower() for name in new}
    kept = {name: value for name, value in old.items() if name.lower() not in given}
    return kept | {name: value for name, value in new.items() if value is not None}
