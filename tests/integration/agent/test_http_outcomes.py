"""What the http check makes of targets: each outcome and reason, against real servers on loopback."""

from __future__ import annotations

import gzip
import socket
import zlib
from typing import Any

import pytest

from shared.checks.http import ExactStatus, JsonPathEquals, StatusBounds, StatusOneOf, StatusRange
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import context, probe
from tests.support.targets import serving

JSON = b'{"status": {"db": [{"up": true}, {"lag": 3}]}, "name": "a"}'

ASSERTIONS = [
    ({}, Outcome.UP, Reason.NONE),
    ({"expected_body_contains": '"lag"'}, Outcome.UP, Reason.NONE),
    ({"expected_body_contains": "absent"}, Outcome.DOWN, Reason.ASSERTION),
    ({"expected_body_not_contains": "absent"}, Outcome.UP, Reason.NONE),
    ({"expected_body_not_contains": "lag"}, Outcome.DOWN, Reason.ASSERTION),
    ({"body_regex": r'"lag":\s+\d+'}, Outcome.UP, Reason.NONE),
    ({"body_regex": "^absent$"}, Outcome.DOWN, Reason.ASSERTION),
    ({"body_regex": "(?=lookahead)"}, Outcome.ERROR, Reason.INTERNAL),
    ({"expected_json": JsonPathEquals("$.status.db[1].lag", 3)}, Outcome.UP, Reason.NONE),
    ({"expected_json": JsonPathEquals("$.status.db[0].up", 1)}, Outcome.DOWN, Reason.ASSERTION),
    ({"expected_json": JsonPathEquals("$.status.none", None)}, Outcome.DOWN, Reason.ASSERTION),
    ({"expected_headers": {"x-app": "one"}}, Outcome.UP, Reason.NONE),
    ({"expected_headers": {"x-app": "two"}}, Outcome.DOWN, Reason.ASSERTION),
    ({"expected_headers": {"x-none": "one"}}, Outcome.DOWN, Reason.ASSERTION),
    ({"expected_status": StatusRange(StatusBounds(200, 299))}, Outcome.UP, Reason.NONE),
    ({"expected_status": StatusOneOf((201, 204))}, Outcome.DOWN, Reason.STATUS),
    ({"degraded_above_ms": 2500}, Outcome.UP, Reason.NONE),
]


@pytest.mark.parametrize(("options", "outcome", "reason"), ASSERTIONS)
async def test_an_answer_is_judged_by_what_is_expected_of_it(
    options: dict[str, Any], outcome: Outcome, reason: Reason
) -> None:
    async with serving(targets.ok(JSON, headers={"X-App": "one"})) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", **options)
    assert (seen.outcome, seen.reason) == (outcome, reason), seen.detail.message
    assert seen.http_status == 200


STATUSES = [
    ("200 OK", {}, Outcome.UP, Reason.NONE),
    ("204 No Content", {}, Outcome.DOWN, Reason.STATUS),
    ("500 Oops", {}, Outcome.DOWN, Reason.STATUS),
    ("404 Not Found", {}, Outcome.DOWN, Reason.STATUS),
    ("429 Too Many", {}, Outcome.DEGRADED, Reason.RATE_LIMITED),
    ("503 Busy", {"Retry-After": "120"}, Outcome.DEGRADED, Reason.RATE_LIMITED),
    ("503 Busy", {}, Outcome.DOWN, Reason.STATUS),
    ("999 Request denied", {}, Outcome.DOWN, Reason.STATUS),
    ("000 Nothing", {}, Outcome.DOWN, Reason.PROTOCOL),
    ("300 Choose", {"Location": "/elsewhere"}, Outcome.DOWN, Reason.STATUS),
]


@pytest.mark.parametrize(("status", "headers", "outcome", "reason"), STATUSES)
async def test_a_status_means_what_the_rule_says(
    status: Any, headers: dict[str, str], outcome: Outcome, reason: Reason
) -> None:
    async with serving(targets.ok(b"", status=status, headers=headers)) as port:
        seen = await probe(f"http://127.0.0.1:{port}/")
    assert (seen.outcome, seen.reason) == (outcome, reason), seen.detail.message


async def test_a_rate_limit_that_is_expected_is_up_and_its_wait_is_in_the_message() -> None:
    async with serving(targets.ok(b"", status="429 Slow down", headers={"Retry-After": "7"})) as port:
        expected = await probe(f"http://127.0.0.1:{port}/", expected_status=ExactStatus(429))
        unexpected = await probe(f"http://127.0.0.1:{port}/")
    assert expected.outcome is Outcome.UP
    assert "Retry-After 7" in (unexpected.detail.message or "")


MISBEHAVIOURS = [
    (targets.silent, Reason.TIMEOUT),
    (targets.slow(5), Reason.TIMEOUT),
    (targets.drip, Reason.TIMEOUT),
    (targets.reset, Reason.CONNECT),
    (targets.hang_up, Reason.PROTOCOL),
    (targets.header_flood, Reason.PROTOCOL),
    (targets.endless_header, Reason.PROTOCOL),
    (targets.interim_storm, Reason.PROTOCOL),
    (targets.raw(b"SSH-2.0-OpenSSH_9.9\r\n"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 200 OK\r\nContent-Type: te"), Reason.PROTOCOL),
    (targets.raw(b"HTTP/1.1 20 OK\r\n\r\n"), Reason.PROTOCOL),
]


@pytest.mark.parametrize(("target", "reason"), MISBEHAVIOURS)
async def test_a_target_that_misbehaves_is_down_with_the_reason(target: targets.Target, reason: Reason) -> None:
    """That each ends in time is what test_hostile_targets shows."""
    timeout = 1000 if reason is Reason.TIMEOUT else 20_000
    async with serving(target) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", timeout=timeout)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, reason), seen.detail.message
    assert seen.detail.message


@pytest.mark.parametrize("target", [targets.endless, targets.endless_chunks])
async def test_an_endless_body_is_read_up_to_the_cap_and_judged_by_that(target: targets.Target) -> None:
    async with serving(target) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", expected_body_contains="x", timeout=10_000)
    assert seen.outcome is Outcome.UP
    assert seen.total is not None
    assert seen.total < 9000


async def test_a_gzip_bomb_is_inflated_to_the_cap_only() -> None:
    async with serving(targets.gzip_bomb) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", expected_body_not_contains="boom")
    assert seen.outcome is Outcome.UP


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"all is well", mtime=0)),
        ("deflate", zlib.compress(b"all is well")),
        ("deflate", zlib.compress(b"all is well")[2:-4]),
    ],
)
async def test_a_coded_body_is_judged_by_its_content(coding: str, body: bytes) -> None:
    async with serving(targets.ok(body, headers={"Content-Encoding": coding})) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", expected_body_contains="is well")
    assert seen.outcome is Outcome.UP, seen.detail.message


async def test_a_body_that_is_not_what_its_coding_says_breaks_the_protocol() -> None:
    async with serving(targets.ok(b"plain", headers={"Content-Encoding": "gzip"})) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", expected_body_contains="plain")
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.PROTOCOL)


async def test_a_body_without_length_ends_with_the_connection() -> None:
    async with serving(targets.raw(b"HTTP/1.0 200 OK\r\n\r\nthe end")) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", expected_body_contains="the end")
    assert seen.outcome is Outcome.UP
    assert seen.detail.http_version == "1.0"


async def test_an_answer_to_head_has_no_body_whatever_its_length_says() -> None:
    async with serving(targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", method="HEAD")
    assert seen.outcome is Outcome.UP


async def test_an_interim_response_comes_before_the_final_one() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with serving(targets.raw(answer)) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", expected_body_contains="ok")
    assert (seen.outcome, seen.http_status) == (Outcome.UP, 200)


async def test_a_closed_port_refuses_the_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        seen = await probe(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.CONNECT)
    assert seen.detail.message == "The connection was refused"
    assert seen.connect is None


async def test_phases_are_told_apart_and_add_up_to_the_total() -> None:
    async with serving(targets.slow(0.2)) as port:
        seen = await probe(f"http://127.0.0.1:{port}/")
    assert seen.dns is None
    assert seen.tls is None
    assert seen.ttfb is not None
    assert 199 < seen.ttfb < 230
    phases = [value for value in (seen.connect, seen.ttfb, seen.download) if value is not None]
    assert seen.total is not None
    assert seen.total - sum(phases) < 5


async def test_a_timeout_keeps_the_phases_that_ended_and_says_what_was_under_way() -> None:
    async with serving(targets.drip) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", timeout=1000)
    assert seen.connect is not None
    assert seen.ttfb is not None
    assert seen.download is None
    assert seen.detail.message == "Timed out after 1000 ms during reading the response"


async def test_an_answer_above_the_threshold_is_degraded_as_slow() -> None:
    async with serving(targets.slow(0.1)) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", degraded_above_ms=50)
    assert (seen.outcome, seen.reason) == (Outcome.DEGRADED, Reason.SLOW)


async def test_the_request_carries_what_the_tenant_gave_and_nothing_that_breaks_its_framing() -> None:
    seen: list[bytes] = []
    async with serving(targets.ok(seen=seen)) as port:
        await probe(
            f"http://127.0.0.1:{port}/a?b=c",
            method="POST",
            body="hello",
            headers={"X-Mine": "1", "Host": "evil", "Transfer-Encoding": "chunked", "User-Agent": "me"},
            basic_auth=("user", "pass"),
        )
    head = seen[0].decode()
    assert head.startswith("POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "X-Mine: 1" in head
    assert "User-Agent: me" in head
    assert "Authorization: Basic dXNlcjpwYXNz" in head
    assert "Content-Length: 5" in head
    assert "evil" not in head
    assert "chunked" not in head


async def test_a_header_that_would_break_out_is_never_sent() -> None:
    seen: list[bytes] = []
    async with serving(targets.ok(seen=seen)) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/", headers={"X": "a\r\nHost: b"})
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.INTERNAL)
    assert seen == []


async def test_evidence_of_a_failure_shows_the_answer_and_masks_every_secret() -> None:
    body = b"denied for token-12345678 and user:hunter2hunter2 " + b"z" * 5000
    headers = {"Set-Cookie": "session=abc", "Server": "nginx token-12345678", "X-Other": "1"}
    async with serving(targets.ok(body, status="403 No token-12345678", headers=headers)) as port:
        seen = await probe(
            f"http://127.0.0.1:{port}/", bearer_token="token-12345678", headers={"Cookie": "hunter2hunter2"}
        )
    evidence = seen.detail.evidence
    assert evidence is not None
    assert evidence.status_line == "HTTP/1.1 403 No ***"
    assert evidence.headers["set-cookie"] == "***"
    assert evidence.headers["server"] == "nginx ***"
    assert "x-other" not in evidence.headers
    assert evidence.body_excerpt is not None
    assert evidence.body_excerpt.startswith("denied for *** and user:***")
    assert len(evidence.body_excerpt.encode()) == 2048
    assert "12345678" not in repr(seen)
    assert "hunter2" not in repr(seen)


async def test_a_good_result_carries_no_evidence() -> None:
    async with serving(targets.ok()) as port:
        seen = await probe(f"http://127.0.0.1:{port}/", using=context())
    assert seen.detail.evidence is None
    assert seen.detail.message is None
    assert seen.detail.address == "127.0.0.1"
