"""What an answer must be: pure judgement of a response against the check's expectations."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agent.checks import json_path
from agent.checks.http_protocol import BODY_LIMIT, Response
from shared.checks.http import ExactStatus, ExpectedStatus, HttpCheck, StatusOneOf, StatusRange
from shared.results import Outcome, Reason

_CHARSET = re.compile(
    rb"charset=[\"']?((?:utf-?(?:8|16|32)|iso-?8859|latin|windows-?125|cp\d|us-ascii|koi8|shift_jis|euc-|gb|big5|tis-)"
    rb"[A-Za-z0-9_-]{0,12})",
    re.IGNORECASE,
)
"""Charsets worth knowing; Python has others (punycode) that take quadratic time."""
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    outcome: Outcome
    reason: Reason
    message: str


class Undecodable(Exception):
    """The body is not what its Content-Encoding says."""


def judge(check: HttpCheck, response: Response) -> Finding | None:
    """The first broken expectation, or None when the target is as it should be."""
    return (
        _judge_status(check.expected_status, response)
        or _judge_headers(check, response)
        or _judge_body(check, response)
    )


def needs_body(check: HttpCheck) -> bool:
    return not (
        check.expected_body_contains is None
        and check.expected_body_not_contains is None
        and check.expected_json is None
        and check.body_regex is None
    )


def judge_margins(check: HttpCheck, *, total_ms: float, cert_expires_at: int | None, now_s: float) -> Finding | None:
    """What is right but only just: a certificate near its end, an answer above the tenant's threshold."""
    if cert_expires_at is not None and check.cert_warn_days is not None:
        days = (cert_expires_at - now_s) / 86_400
        if days < 0:
            return _degraded(Reason.EXPIRING, f"The certificate expired {-days:.1f} days ago")
        if days < check.cert_warn_days:
            return _degraded(Reason.EXPIRING, f"The certificate expires in {days:.1f} days")
    limit = check.degraded_above_ms
    if limit is not None and total_ms > limit:
        return _degraded(Reason.SLOW, f"It took {total_ms:.0f} ms, more than {limit} ms")
    return None


def _judge_status(expected: ExpectedStatus, response: Response) -> Finding | None:
    status = response.status
    if _is_expected(expected, status):
        return None
    retry_after = response.header(b"retry-after")
    if status == 429 or (status == 503 and retry_after is not None):
        wait = f", Retry-After {_text(retry_after)}" if retry_after is not None else ""
        return _degraded(Reason.RATE_LIMITED, f"HTTP {status}{wait}")
    return _down(Reason.STATUS, f"HTTP {status}, expected {_expectation(expected)}")


def _is_expected(expected: ExpectedStatus, status: int) -> bool:
    match expected:
        case ExactStatus(value=value):
            return status == value
        case StatusRange(value=bounds):
            return bounds.min <= status <= bounds.max
        case StatusOneOf(value=values):
            return status in values


def _expectation(expected: ExpectedStatus) -> str:
    match expected:
        case ExactStatus(value=value):
            return str(value)
        case StatusRange(value=bounds):
            return f"{bounds.min} to {bounds.max}"
        case StatusOneOf(value=values):
            return " or ".join(map(str, values))


def _judge_headers(check: HttpCheck, response: Response) -> Finding | None:
    for name, expected in check.expected_headers.items():
        actual = response.header(name.lower().encode())
        if actual is None:
            return _down(Reason.ASSERTION, f"The response has no header {_shown(name)}")
        if _text(actual).strip() != expected.strip():
            return _down(
                Reason.ASSERTION, f"Header {_shown(name)} is {_shown(_text(actual))}, expected {_shown(expected)}"
            )
    return None


def _judge_body(check: HttpCheck, response: Response) -> Finding | None:
    if not needs_body(check):
        return None
    try:
        body = decoded_body(response)
    except Undecodable as error:
        return _down(Reason.PROTOCOL, str(error))
    return _judge_text(check, _decode(response, body)) or _judge_json(check, body)


def _judge_text(check: HttpCheck, text: str) -> Finding | None:
    wanted, unwanted = check.expected_body_contains, check.expected_body_not_contains
    if wanted is not None and wanted not in text:
        return _down(Reason.ASSERTION, f"The body does not contain {_shown(wanted)}")
    if unwanted is not None and unwanted in text:
        return _down(Reason.ASSERTION, f"The body contains {_shown(unwanted)}")
    if check.body_regex is not None:
        return _judge_regex(check.body_regex, text)
    return None


def _judge_regex(pattern: str, text: str) -> Finding | None:
    compiled = _compiled(pattern)
    if compiled is None:
        return Finding(Outcome.ERROR, Reason.INTERNAL, f"RE2 does not accept the pattern {_shown(pattern)}")
    if compiled.search(text) is None:
        return _down(Reason.ASSERTION, f"The body does not match {_shown(pattern)}")
    return None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415 (its load time is paid only by agents that have such a check)

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


def _judge_json(check: HttpCheck, body: bytes) -> Finding | None:
    expected = check.expected_json
    if expected is None:
        return None
    try:
        actual = json_path.find(expected.path, body)
    except json_path.PathFailed as error:
        return _down(Reason.ASSERTION, f"JSON: {_shown(str(error), 160)}")
    if json_path.same(expected.value, actual):
        return None
    return _down(
        Reason.ASSERTION, f"{_shown(expected.path)} is {_shown(repr(actual))}, expected {expected.value!r:.80}"
    )


def decoded_body(response: Response, *, limit: int = BODY_LIMIT) -> bytes:
    """The body without its content coding (RFC 9110 section 8.4), at most `limit` bytes. Raises Undecodable."""
    coding = (response.header(b"content-encoding") or b"identity").strip().lower()
    if coding in (b"identity", b""):
        return response.body[:limit]
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        raise Undecodable(f"The content coding {_shown(_text(coding))} was not asked for")
    if not response.body:
        return b""
    try:
        return _inflate(response.body, coding, limit)
    except zlib.error as error:
        raise Undecodable(f"The body is not valid {_text(coding)}: {_shown(str(error))}") from None


def _inflate(body: bytes, coding: bytes, limit: int) -> bytes:
    if coding == b"deflate" and body[0] & 0x0F != 8:  # no zlib header: the raw form that some servers send
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, limit)
    return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, limit)


def _decode(response: Response, body: bytes) -> str:
    """The body as text: by its charset if Python knows it, else UTF-8; what does not fit is replaced."""
    match = _CHARSET.search(response.header(b"content-type") or b"")
    charset = match[1].decode() if match else "utf-8"
    try:
        return body.decode(charset, "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def _down(reason: Reason, message: str) -> Finding:
    return Finding(Outcome.DOWN, reason, message)


def _degraded(reason: Reason, message: str) -> Finding:
    return Finding(Outcome.DEGRADED, reason, message)


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _shown(text: str, limit: int = _SHOWN) -> str:
    """A stranger's text in a message: one line, printable, short."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: limit + 1])
    return clean if len(clean) <= limit else clean[:limit] + "…"
