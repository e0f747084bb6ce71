"""The fields of an `http` check: one reader each, and what must hold between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import re2

from control_plane.domain.checks.check_field_rules import degraded_above, timeout
from control_plane.domain.checks.header_rules import expected_headers, request_headers
from control_plane.domain.checks.kind_rules import KindRules, Place, Reader
from control_plane.domain.checks.status_rules import expected_status
from control_plane.domain.field_rules import boolean, integer, refusal, refuse, text
from shared.checks.http import HttpCheck, JsonPathEquals
from shared.checks.secret_headers import is_secret_header
from shared.netpolicy import Policy, UrlRefused, judge_host, parse_http_url

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_REDIRECTS = 10
MATCH_LIMIT = 1024
"""Characters of a body match or expression."""

BODY_LIMIT = 65_536
"""Bytes of a request body."""

REGEX_MEMORY = 1 << 20
"""Bytes that a compiled expression may take; the agent's limit is higher, so that what is accepted here runs there."""

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JSON_PATH = re.compile(r"\$(?:\.[\w-]+|\[(?:0|[1-9][0-9]{0,5})\])*")


def url(value: object, pointer: str) -> str:
    """The grammar of a URL; whether its host may be reached is for `refuse_blocked`."""
    written = text(value, pointer, code="INVALID_URL_FORMAT", low=1, high=1 << 20)
    try:
        parse_http_url(written)
    except UrlRefused as refused:
        refuse(refused.code, refused.message, pointer, refused.details or None)
    return written


def refuse_blocked(check: HttpCheck, policy: Policy, at: Place) -> None:
    """Raise BadRequest SSRF_BLOCKED or PORT_BLOCKED for what a region of this policy may not reach."""
    try:
        judge_host(parse_http_url(check.url), policy)
    except UrlRefused as refused:
        refuse(refused.code, refused.message, at("url"), refused.details or None)


def method(value: object, pointer: str) -> str:
    word = text(value, pointer, code="INVALID_METHOD", high=1000).upper()
    if word not in METHODS:
        refuse("INVALID_METHOD", f"the method must be one of {', '.join(METHODS)}", pointer)
    return word


def body(value: object, pointer: str) -> str:
    written = text(value, pointer, code="INVALID_BODY", high=BODY_LIMIT)
    if len(written.encode("utf-8")) > BODY_LIMIT:
        refuse("INVALID_BODY", f"the body has more than {BODY_LIMIT} bytes", pointer)
    return written


def max_redirects(value: object, pointer: str) -> int:
    return integer(value, pointer, low=0, high=MAX_REDIRECTS, code="INVALID_MAX_REDIRECTS")


def cert_warn_days(value: object, pointer: str) -> int:
    return integer(value, pointer, low=1, high=365, code="INVALID_TLS_CERT_PARAMS")


def body_match(value: object, pointer: str) -> str:
    return text(value, pointer, code="INVALID_BODY_MATCH", low=1, high=MATCH_LIMIT)


def body_regex(value: object, pointer: str) -> str:
    """RE2 only: its matching time is linear, and look-around and back references do not exist."""
    pattern = body_match(value, pointer)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = REGEX_MEMORY
    try:
        re2.compile(pattern, options)
    except re2.error:
        refuse("INVALID_BODY_MATCH", "this is no RE2 expression, or one that is too large (no look-around)", pointer)
    return pattern


def json_equals(value: Any, pointer: str) -> JsonPathEquals:
    match value:
        case {"path": path, "value": expected} if len(value) == 2:
            return JsonPathEquals(
                path=json_path(path, f"{pointer}/path"), value=_json_scalar(expected, f"{pointer}/value")
            )
        case dict():
            raise refusal("INVALID_BODY_MATCH", 'this must have exactly "path" and "value"', pointer)
        case _:
            raise refusal("INVALID_TYPE", 'this must be an object like {"path":"$.status","value":"ok"}', pointer)


def json_path(value: object, pointer: str) -> str:
    path = text(value, pointer, code="INVALID_BODY_MATCH", low=1, high=256)
    if not _JSON_PATH.fullmatch(path):
        refuse("INVALID_BODY_MATCH", "the path must be of the form $.a.b[0].c", pointer)
    return path


def _json_scalar(value: object, pointer: str) -> str | int | float | bool | None:
    match value:
        case None | bool() | float():
            return value
        case int() if abs(value) <= 2**53:
            return value
        case str():
            return text(value, pointer, code="INVALID_BODY_MATCH", high=MATCH_LIMIT)
        case _:
            raise refusal(
                "INVALID_BODY_MATCH", "the value must be a string, a boolean, null or a number up to 2^53", pointer
            )


def basic_auth(value: object, pointer: str) -> tuple[str, str]:
    """User and password (RFC 7617): no control characters, and no colon in the user."""
    match value:
        case [user, password]:
            pair = _credential(user, f"{pointer}/0", low=1), _credential(password, f"{pointer}/1", low=0)
        case _:
            refuse("INVALID_TYPE", "this must be a list of two strings: user and password", pointer)
    if ":" in pair[0]:
        refuse("INVALID_CREDENTIAL", "a user cannot contain a colon: it separates user and password", f"{pointer}/0")
    return pair


def _credential(value: object, pointer: str, *, low: int) -> str:
    written = text(value, pointer, code="INVALID_CREDENTIAL", low=low, high=1024)
    if _CONTROL.search(written):
        refuse("INVALID_CREDENTIAL", "this has a control character; remove it", pointer)
    return written


def bearer_token(value: object, pointer: str) -> str:
    token = text(value, pointer, code="INVALID_CREDENTIAL", low=1, high=4096)
    if not _PRINTABLE.fullmatch(token):
        refuse("INVALID_CREDENTIAL", "a token must be printable ASCII without blanks", pointer)
    return token


FIELDS: Mapping[str, Reader] = {
    "url": url,
    "method": method,
    "headers": request_headers,
    "body": body,
    "timeout": timeout,
    "follow_redirects": boolean,
    "max_redirects": max_redirects,
    "expected_status": expected_status,
    "expected_body_contains": body_match,
    "expected_body_not_contains": body_match,
    "expected_json": json_equals,
    "expected_headers": expected_headers,
    "body_regex": body_regex,
    "degraded_above_ms": degraded_above,
    "cert_warn_days": cert_warn_days,
    "verify_tls": boolean,
    "basic_auth": basic_auth,
    "bearer_token": bearer_token,
}


def refuse_conflicts(check: HttpCheck, pointer: str) -> None:
    """What must hold of the whole check. Raises BadRequest INVALID_CREDENTIAL or INVALID_TLS_CRED_COMBO."""
    authorization = any(name.lower() == "authorization" for name in check.headers)
    if sum((check.basic_auth is not None, check.bearer_token is not None, authorization)) > 1:
        refuse(
            "INVALID_CREDENTIAL",
            "basic_auth, bearer_token and an Authorization header exclude each other: all set the same header",
            pointer,
        )
    if not check.verify_tls and has_credentials(check) and check.url[:6].lower() == "https:":
        refuse(
            "INVALID_TLS_CRED_COMBO",
            "with verify_tls off anyone can pose as the server and collect the credential: "
            "turn verify_tls on, or remove the credential",
            f"{pointer}/verify_tls",
        )


def has_credentials(check: HttpCheck) -> bool:
    """Whether the request carries a secret, a header with one included."""
    return bool(check.basic_auth or check.bearer_token or any(is_secret_header(name) for name in check.headers))


def refuse_exfiltration(check: HttpCheck, stored: HttpCheck, patch: Mapping[str, object], pointer: str) -> None:
    """Raise BadRequest CREDENTIAL_RESUPPLY_REQUIRED when a secret that is kept would go to another server.

    Otherwise whoever may edit a monitor, but not read its secret, could have it sent to a host of their own.
    """
    moved = parse_http_url(check.url).origin != parse_http_url(stored.url).origin
    if (moved or (stored.verify_tls and not check.verify_tls)) and keeps_secret(stored, patch):
        refuse(
            "CREDENTIAL_RESUPPLY_REQUIRED",
            "the host, scheme, port or TLS mode changes: send the credential again, or null to remove it",
            f"{pointer}/url" if moved else f"{pointer}/verify_tls",
        )


def keeps_secret(stored: HttpCheck, patch: Mapping[str, object]) -> bool:
    """Whether the patch leaves a stored secret as it is."""
    if any(getattr(stored, field) is not None and field not in patch for field in ("basic_auth", "bearer_token")):
        return True
    given = patch.get("headers", {})
    names = (
        {str(name).lower() for name in given} if isinstance(given, dict) else {name.lower() for name in stored.headers}
    )
    return any(is_secret_header(name) and name.lower() not in names for name in stored.headers)


RULES = KindRules(
    fields=FIELDS,
    required=("url",),
    target=("url",),
    refuse_blocked=refuse_blocked,
    nullable=frozenset({"cert_warn_days"}),
    secret_fields=("basic_auth", "bearer_token", "headers"),
    merged_by_name=("headers", "expected_headers"),
    refuse_conflicts=refuse_conflicts,
    refuse_exfiltration=refuse_exfiltration,
)
