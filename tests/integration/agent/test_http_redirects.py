"""Redirects are followed by us (RFC 9110 section 15.4), and what is the tenant's stays within its origin."""

from __future__ import annotations

from typing import Any

import pytest

from shared.checks.http import ExactStatus
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import probe
from tests.support.targets import serving


async def test_credentials_and_tenant_headers_do_not_cross_origins() -> None:
    first: list[bytes] = []
    second: list[bytes] = []
    async with (
        serving(targets.ok(seen=second)) as there,
        serving(targets.redirect(f"http://127.0.0.1:{there}/x", seen=first)) as here,
    ):
        outcome = await probe(
            f"http://127.0.0.1:{here}/", bearer_token="tok-secret", headers={"X-Mine": "1", "Cookie": "c=1"}
        )
    assert outcome.outcome is Outcome.UP, outcome.detail.message
    assert b"tok-secret" in first[0]
    assert b"X-Mine" in first[0]
    for forbidden in (b"tok-secret", b"X-Mine", b"Cookie"):
        assert forbidden not in second[0]


async def test_within_an_origin_they_go_along() -> None:
    seen: list[bytes] = []

    async def target(reader: targets.Reader, writer: targets.Writer) -> None:
        head = await targets.request_of(reader)
        seen.append(head)
        again = b"HTTP/1.1 302 Found\r\nLocation: ../b?c#frag\r\nContent-Length: 0\r\n\r\n"
        writer.write(again if b"GET /a/x" in head else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with serving(target) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/a/x", basic_auth=("u", "p"), headers={"X-Mine": "1"})
    assert outcome.outcome is Outcome.UP, outcome.detail.message
    assert seen[1].startswith(b"GET /b?c HTTP/1.1")
    assert b"Authorization: Basic" in seen[1]
    assert b"X-Mine" in seen[1]


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (302, "PUT", "PUT"),
    ],
)
async def test_the_method_after_a_redirect_is_what_the_rfc_says(status: Any, method: str, becomes: str) -> None:
    seen: list[bytes] = []
    async with (
        serving(targets.ok(seen=seen)) as there,
        serving(targets.redirect(f"http://127.0.0.1:{there}/", status)) as here,
    ):
        outcome = await probe(f"http://127.0.0.1:{here}/", method=method, body="payload")
    assert outcome.outcome is Outcome.UP
    assert seen[0].decode().startswith(f"{becomes} / ")
    assert (b"Content-Length: 7" in seen[0]) is (becomes == method)


async def test_a_loop_ends_at_the_limit() -> None:
    seen: list[bytes] = []
    async with serving(targets.redirect("/again", seen=seen)) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/", max_redirects=3)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.REDIRECT)
    assert len(seen) == 4
    assert outcome.detail.evidence is not None
    assert len(outcome.detail.evidence.redirects) == 3


async def test_a_redirect_without_location_is_the_final_answer() -> None:
    async with serving(targets.ok(b"", status="302 Found")) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/", expected_status=ExactStatus(302))
    assert outcome.outcome is Outcome.UP


async def test_a_redirect_that_is_not_to_be_followed_is_the_final_answer() -> None:
    async with serving(targets.redirect("http://127.0.0.1:1/")) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/", follow_redirects=False, expected_status=ExactStatus(302))
    assert outcome.outcome is Outcome.UP


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://user:pw@127.0.0.1/", "http:\\\\10.0.0.1\\"])
async def test_a_redirect_of_a_form_that_we_refuse_is_the_targets_fault(location: str) -> None:
    async with serving(targets.redirect(location)) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/")
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.REDIRECT), outcome.detail.message


async def test_a_redirect_to_a_blocked_address_is_our_refusal() -> None:
    async with serving(targets.redirect("http://10.0.0.1/")) as port:
        outcome = await probe(f"http://127.0.0.1:{port}/")
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)
    assert outcome.http_status == 302


async def test_phases_add_up_over_hops() -> None:
    async with serving(targets.slow(0.1)) as there, serving(targets.redirect(f"http://127.0.0.1:{there}/")) as here:
        outcome = await probe(f"http://127.0.0.1:{here}/")
    assert outcome.ttfb is not None
    assert outcome.ttfb > 98
    assert outcome.total is not None
    assert outcome.total >= outcome.ttfb
