"""The `http` check: one request, its redirects, and what is asserted of the answer."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class ExactStatus(Struct, frozen=True, tag_field="kind", tag="exact", forbid_unknown_fields=True):
    value: int


class StatusBounds(Struct, frozen=True, forbid_unknown_fields=True):
    """Inclusive."""

    min: int
    max: int


class StatusRange(Struct, frozen=True, tag_field="kind", tag="range", forbid_unknown_fields=True):
    value: StatusBounds


class StatusOneOf(Struct, frozen=True, tag_field="kind", tag="one_of", forbid_unknown_fields=True):
    value: tuple[int, ...]


ExpectedStatus = ExactStatus | StatusRange | StatusOneOf


class JsonPathEquals(Struct, frozen=True, forbid_unknown_fields=True):
    """`path` is the dotted subset of JSONPath: $.a.b[0].c. `value` is compared as JSON."""

    path: str
    value: str | int | float | bool | None


class HttpCheck(Struct, frozen=True, kw_only=True, tag_field="type", tag="http", forbid_unknown_fields=True, gc=False):
    """Parameters of an `http` check. `timeout` and `degraded_above_ms` in ms, `cert_warn_days` in days."""

    url: str
    method: Method = "GET"
    headers: dict[str, str] = {}
    body: str | None = None
    timeout: int = 10_000
    follow_redirects: bool = True
    max_redirects: int = 10
    expected_status: ExpectedStatus = ExactStatus(200)
    expected_body_contains: str | None = None
    expected_body_not_contains: str | None = None
    expected_json: JsonPathEquals | None = None
    expected_headers: dict[str, str] = {}
    body_regex: str | None = None
    degraded_above_ms: int | None = None
    cert_warn_days: int | None = 14
    verify_tls: bool = True
    basic_auth: tuple[str, str] | None = None
    bearer_token: str | None = None
