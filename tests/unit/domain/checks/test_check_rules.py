from __future__ import annotations

from typing import Any

import msgspec
import pytest

from control_plane.domain.checks import http_check_rules
from control_plane.domain.checks.check_rules import read_check
from control_plane.domain.checks.secrets_of_check import split
from control_plane.errors import BadRequest
from shared.checks import Check
from shared.checks.http import (
    ExactStatus,
    HttpCheck,
    JsonPathEquals,
    StatusBounds,
    StatusOneOf,
    StatusRange,
)

URL = "https://a.example.com/"
SECRET = HttpCheck(url=URL, basic_auth=("user", "pa55"), headers={"X-Api-Key": "k", "Accept": "text/html"})


def create(**fields: Any) -> HttpCheck:
    return http_check({"type": "http", "url": URL, **fields})


def patch(stored: HttpCheck, **fields: Any) -> HttpCheck:
    return http_check(fields, stored=stored)


def http_check(value: object, stored: Check | None = None) -> HttpCheck:
    check = read_check(value, stored=stored, policy_is_private=False)
    assert isinstance(check, HttpCheck)
    return check


def refusal(value: object, *, stored: HttpCheck | None = None, private: bool = False) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read_check(value, stored=stored, policy_is_private=private)
    return caught.value


def code_of(**fields: Any) -> tuple[str, str | None]:
    error = refusal({"type": "http", "url": URL, **fields})
    return error.code, error.field


def test_every_field_of_the_kind_has_a_reader() -> None:
    assert set(http_check_rules.FIELDS) == set(HttpCheck.__struct_fields__)


def test_a_url_alone_is_a_whole_check() -> None:
    assert read_check(URL, policy_is_private=False) == HttpCheck(url=URL)
    assert read_check({"type": "http", "url": URL}, policy_is_private=False) == HttpCheck(url=URL)
    assert read_check({"url": URL}, policy_is_private=False) == HttpCheck(url=URL)


def test_a_check_with_everything_reads_back_as_it_was_sent() -> None:
    everything = {
        "type": "http",
        "url": URL,
        "method": "POST",
        "headers": {"Accept": "application/json"},
        "body": "{}",
        "timeout": 5000,
        "follow_redirects": False,
        "max_redirects": 0,
        "expected_status": {"kind": "one_of", "value": [200, 204]},
        "expected_body_contains": "ok",
        "expected_body_not_contains": "error",
        "expected_json": {"path": "$.a.b[0].c", "value": None},
        "expected_headers": {"Content-Type": "application/json"},
        "body_regex": "^ok(,ok)*$",
        "degraded_above_ms": 800,
        "cert_warn_days": None,
        "verify_tls": True,
        "basic_auth": ["user", "pass:word"],
        "bearer_token": None,
    }
    check = read_check(everything, policy_is_private=False)
    assert msgspec.json.decode(msgspec.json.encode(check)) == everything
    assert msgspec.json.decode(msgspec.json.encode(check), type=HttpCheck) == check


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (200, ExactStatus(200)),
        ("2xx", StatusRange(StatusBounds(200, 299))),
        ("5XX", StatusRange(StatusBounds(500, 599))),
        ({"kind": "exact", "value": 404}, ExactStatus(404)),
        ({"kind": "range", "value": {"min": 100, "max": 599}}, StatusRange(StatusBounds(100, 599))),
        ({"kind": "one_of", "value": [204, 200, 204]}, StatusOneOf((204, 200))),
        (None, ExactStatus(200)),
    ],
)
def test_plain_statuses_become_the_full_form(given: object, read: object) -> None:
    assert create(expected_status=given).expected_status == read


@pytest.mark.parametrize(
    "given",
    [
        "200", "6xx", "0xx", "2x", "", 99, 600, True, 200.0, [], [200], {}, {"kind": "exact"},
        {"kind": "exact", "value": True}, {"kind": "exact", "value": 200, "x": 1},
        {"kind": "range", "value": [200, 299]},
        {"kind": "range", "value": {"min": 200, "max": 299, "step": 1}}, {"kind": "one_of", "value": [200, "204"]},
        {"kind": "one_of", "value": list(range(100, 200))}, {"kind": "one_of", "value": "200"},
        {"kind": None, "value": 1},
    ],
)  # fmt: skip
def test_a_status_of_another_shape_is_refused(given: object) -> None:
    assert code_of(expected_status=given) == ("INVALID_STATUS_RANGE", "/check/expected_status")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("method", "TRACE", "INVALID_METHOD"),
        ("method", "GET ", "INVALID_METHOD"),
        ("method", "ſet", "INVALID_METHOD"),
        ("timeout", 999, "INVALID_TIMEOUT"),
        ("timeout", True, "INVALID_TYPE"),
        ("timeout", 10_000.0, "INVALID_TYPE"),
        ("timeout", "10000", "INVALID_TYPE"),
        ("max_redirects", 11, "INVALID_MAX_REDIRECTS"),
        ("max_redirects", -1, "INVALID_MAX_REDIRECTS"),
        ("follow_redirects", "yes", "INVALID_TYPE"),
        ("verify_tls", 0, "INVALID_TYPE"),
        ("degraded_above_ms", 0, "INVALID_DEGRADED_ABOVE"),
        ("cert_warn_days", 0, "INVALID_TLS_CERT_PARAMS"),
        ("body", "ü" * 32_769, "INVALID_BODY"),
        ("body", "a\0b", "INVALID_STRING"),
        ("body", {"a": 1}, "INVALID_TYPE"),
        ("expected_body_contains", "", "INVALID_BODY_MATCH"),
        ("expected_body_not_contains", "a" * 1025, "INVALID_BODY_MATCH"),
        ("body_regex", "(", "INVALID_BODY_MATCH"),
        ("body_regex", r"(a)\1", "INVALID_BODY_MATCH"),
        ("body_regex", "((a{100}){100}){100}", "INVALID_BODY_MATCH"),
        ("body_regex", "(?=a)", "INVALID_BODY_MATCH"),
        ("expected_json", {"path": "$"}, "INVALID_BODY_MATCH"),
        ("expected_json", {"path": "a.b", "value": 1}, "INVALID_BODY_MATCH"),
        ("expected_json", {"path": "$..a", "value": 1}, "INVALID_BODY_MATCH"),
        ("expected_json", {"path": "$.a[?(@.b)]", "value": 1}, "INVALID_BODY_MATCH"),
        ("expected_json", {"path": "$.a", "value": {"b": 1}}, "INVALID_BODY_MATCH"),
        ("expected_json", {"path": "$.a", "value": 10**30}, "INVALID_BODY_MATCH"),
        ("expected_json", {"path": "$.a", "value": 1, "x": 1}, "INVALID_BODY_MATCH"),
        ("expected_json", [], "INVALID_TYPE"),
        ("expected_headers", {"a b": "x"}, "INVALID_HEADER"),
        ("headers", {"": "x"}, "INVALID_HEADER"),
        ("headers", {"X:": "x"}, "INVALID_HEADER"),
        ("headers", {"Ü": "x"}, "INVALID_HEADER"),
        ("headers", {"X": "ü"}, "INVALID_HEADER"),
        ("headers", {"X": 1}, "INVALID_TYPE"),
        ("headers", {"X": "1", "x": "2"}, "INVALID_HEADER"),
        ("headers", {f"X-{n}": "" for n in range(51)}, "INVALID_HEADER"),
        ("headers", {"Transfer-Encoding": "chunked"}, "INVALID_HEADER"),
        ("headers", {"metadata-flavor": "Google"}, "INVALID_HEADER"),
        ("headers", {"X-Forwarded-Host": "a"}, "INVALID_HEADER"),
        ("headers", {"X-AWS-EC2-Metadata-Token": "a"}, "INVALID_HEADER"),
        ("headers", {"Authorization": "Bearer ***"}, "REDACTION_SENTINEL"),
        ("basic_auth", "user:pass", "INVALID_TYPE"),
        ("basic_auth", {"user": "a", "password": "b"}, "INVALID_TYPE"),
        ("basic_auth", ["a", "b", "c"], "INVALID_TYPE"),
        ("basic_auth", ["a", 1], "INVALID_TYPE"),
        ("basic_auth", ["", "b"], "INVALID_CREDENTIAL"),
        ("basic_auth", ["a\n", "b"], "INVALID_CREDENTIAL"),
        ("basic_auth", ["a", "***"], "REDACTION_SENTINEL"),
        ("bearer_token", "a b", "INVALID_CREDENTIAL"),
        ("bearer_token", "tökn", "INVALID_CREDENTIAL"),
        ("bearer_token", "a\r\nX: y", "INVALID_CREDENTIAL"),
        ("bearer_token", "***", "REDACTION_SENTINEL"),
        ("bearer_token", 5, "INVALID_TYPE"),
        ("url", None, "MISSING_FIELD"),
        ("url", ["https://a.example.com/"], "INVALID_TYPE"),
        ("url", "https://a.example.com/\0", "INVALID_STRING"),
        ("url", "https://a.example.com/\udc80", "INVALID_STRING"),
        ("url", "http://10.0.0.1/", "SSRF_BLOCKED"),
        ("url", "http://localhost/", "SSRF_BLOCKED"),
        ("url", "http://a.example.com:6379/", "PORT_BLOCKED"),
        ("__proto__", {}, "UNKNOWN_FIELD"),
        ("Timeout", 5000, "UNKNOWN_FIELD"),
    ],
)
def test_a_bad_field_is_refused_by_name_and_code(field: str, value: object, code: str) -> None:
    got, pointer = code_of(**{field: value})
    assert got == code
    assert pointer is not None
    assert pointer.startswith(f"/check/{field}")


@pytest.mark.parametrize("value", [None, 5, True, [], [URL]])
def test_a_check_is_an_object_or_a_string(value: object) -> None:
    assert refusal(value).code == "INVALID_TYPE"


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        ({}, "MISSING_FIELD", "/check/type"),
        ({"type": "http"}, "MISSING_FIELD", "/check/url"),
        ({"type": "HTTP", "url": URL}, "INVALID_CHECK_TYPE", "/check/type"),
        ({"type": None, "url": URL}, "INVALID_TYPE", "/check/type"),
        ({"type": ["http"], "url": URL}, "INVALID_TYPE", "/check/type"),
        ("mailto://db.example.com:5432", "INVALID_URL_SCHEME", "/check"),
        ("gopher://a.example.com", "INVALID_URL_SCHEME", "/check"),
        ("a.example.com", "INVALID_URL_FORMAT", "/check"),
        ("", "INVALID_URL_FORMAT", "/check"),
        ("https://user:pass@a.example.com/", "INVALID_URL_FORMAT", "/check"),
        ("https://10.0.0.1/", "SSRF_BLOCKED", "/check"),
        ("https://a.example.com/\0", "INVALID_STRING", "/check"),
    ],
)
def test_what_is_no_check_is_refused_where_it_is_wrong(value: object, code: str, field: str) -> None:
    error = refusal(value)
    assert (error.code, error.field) == (code, field)


def test_one_answer_names_every_bad_field() -> None:
    error = refusal({"type": "http", "url": "ftp://x/", "timeout": 1, "nope": 1, "a/b~": 2})
    assert (error.code, error.field) == ("UNKNOWN_FIELD", "/check/nope")
    assert error.details is not None
    assert [(other["field"], other["code"]) for other in error.details["also"]] == [
        ("/check/a~1b~0", "UNKNOWN_FIELD"),
        ("/check/url", "INVALID_URL_SCHEME"),
        ("/check/timeout", "INVALID_TIMEOUT"),
    ]


def test_a_refusal_never_repeats_a_secret() -> None:
    error = refusal({"type": "http", "url": URL, "bearer_token": "hunter2 ", "basic_auth": ["hunter2:", "x"]})
    assert "hunter2" not in error.message
    assert "hunter2" not in str(error.details)


@pytest.mark.parametrize("url", ["http://127.0.0.1:2375/", "http://localhost:8080/", "http://nas/", "http://[::1]:22/"])
def test_agents_of_private_regions_judge_the_address_themselves(url: str) -> None:
    assert read_check(url, policy_is_private=True) == HttpCheck(url=url)
    assert refusal("http://127.1/", private=True).code == "INVALID_URL_FORMAT"


def test_a_patch_keeps_what_it_does_not_name_and_null_clears_to_the_default() -> None:
    stored = HttpCheck(url=URL, timeout=5000, method="POST", body="x", cert_warn_days=None)
    assert patch(stored) == stored
    assert patch(stored, timeout=None, body=None) == HttpCheck(url=URL, method="POST", cert_warn_days=None)
    assert patch(stored, cert_warn_days=30).cert_warn_days == 30
    assert patch(HttpCheck(url=URL), cert_warn_days=None).cert_warn_days is None


def test_a_patch_merges_headers_by_name_whatever_their_case() -> None:
    stored = HttpCheck(url=URL, headers={"Accept": "a", "X-Trace": "t", "X-B": "b"})
    check = patch(stored, headers={"accept": "z", "x-trace": None, "X-New": "n"})
    assert check.headers == {"X-B": "b", "accept": "z", "X-New": "n"}
    assert patch(stored, headers=None).headers == {}


def test_a_patch_replaces_a_status_and_a_json_match_whole() -> None:
    stored = HttpCheck(
        url=URL, expected_status=StatusRange(StatusBounds(200, 299)), expected_json=JsonPathEquals("$.a", "x")
    )
    assert patch(stored, expected_status=204).expected_status == ExactStatus(204)
    assert patch(stored, expected_json={"path": "$.b", "value": 1}).expected_json == JsonPathEquals("$.b", 1)


def test_a_patch_with_a_string_replaces_the_whole_check() -> None:
    assert read_check("https://b.example.com/", stored=SECRET, policy_is_private=False) == HttpCheck(
        url="https://b.example.com/"
    )


def test_the_kind_of_a_check_stays() -> None:
    assert refusal({"type": "tcp", "host": "a"}, stored=SECRET).code == "CHECK_KIND_IMMUTABLE"
    assert patch(SECRET, type="http") == SECRET


@pytest.mark.parametrize("stored", [SECRET, split(SECRET)[0]], ids=["opened", "masked"])
def test_a_kept_secret_comes_back_as_it_was_stored(stored: HttpCheck) -> None:
    check = patch(stored, timeout=2000, url="https://a.example.com/other")
    assert (check.basic_auth, check.headers) == (stored.basic_auth, stored.headers)


@pytest.mark.parametrize("url", ["https://evil.example.org/", "http://a.example.com/", "https://a.example.com:8443/"])
def test_a_kept_secret_never_moves_to_another_origin(url: str) -> None:
    error = refusal({"url": url}, stored=SECRET)
    assert (error.code, error.field) == ("CREDENTIAL_RESUPPLY_REQUIRED", "/check/url")


@pytest.mark.parametrize(
    "more",
    [
        {"basic_auth": ["u", "new"]},
        {"headers": {"x-api-key": "new"}},
        {"headers": None},
        {"basic_auth": None},
    ],
)
def test_every_kept_secret_has_to_be_sent_again(more: dict[str, object]) -> None:
    assert refusal({"url": "https://b.example.com/", **more}, stored=SECRET).code == "CREDENTIAL_RESUPPLY_REQUIRED"


@pytest.mark.parametrize(
    "more",
    [
        {"basic_auth": ["u", "new"], "headers": {"X-API-KEY": "new"}},
        {"basic_auth": None, "headers": None},
        {"basic_auth": None, "headers": {"X-Api-Key": None}},
    ],
)
def test_a_check_moves_when_its_secrets_are_sent_again_or_dropped(more: dict[str, object]) -> None:
    assert patch(SECRET, url="https://b.example.com/", **more).url == "https://b.example.com/"


@pytest.mark.parametrize(
    "credential",
    [
        {"basic_auth": ["a", "b"]},
        {"bearer_token": "t"},
        {"headers": {"Cookie": "a=b"}},
        {"headers": {"X-API-Key": "k"}},
    ],
)
def test_a_credential_over_unverified_tls_is_refused(credential: dict[str, object]) -> None:
    assert code_of(verify_tls=False, **credential) == ("INVALID_TLS_CRED_COMBO", "/check/verify_tls")
    assert create(url="http://a.example.com/", verify_tls=False, **credential).verify_tls is False


def test_verification_cannot_be_turned_off_under_a_stored_credential() -> None:
    assert refusal({"verify_tls": False}, stored=SECRET).code == "INVALID_TLS_CRED_COMBO"
    assert patch(SECRET, verify_tls=False, basic_auth=None, headers=None).verify_tls is False
    plain = HttpCheck(url="http://a.example.com/", bearer_token="t")
    assert refusal({"verify_tls": False}, stored=plain).code == "CREDENTIAL_RESUPPLY_REQUIRED"


def test_two_credentials_for_one_header_are_refused() -> None:
    assert code_of(basic_auth=["a", "b"], bearer_token="t")[0] == "INVALID_CREDENTIAL"
    assert code_of(headers={"authorization": "Basic x"}, bearer_token="t")[0] == "INVALID_CREDENTIAL"
    assert refusal({"bearer_token": "t"}, stored=SECRET).code == "INVALID_CREDENTIAL"
