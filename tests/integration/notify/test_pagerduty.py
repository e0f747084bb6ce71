"""PagerDuty against a server that enforces what PagerDuty documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from control_plane.errors import BadRequest
from control_plane.notify.pagerduty import HOSTS, PagerDuty, PagerDutyTransport
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from tests.support.messages import INCIDENT, MESSAGE, a_body, a_message, tools
from tests.support.vendor_pagerduty import KEY, PagerDutyJudge
from tests.support.vendors import Reply, VendorServer, vendor_server

CONFIG = PagerDuty(routing_key=KEY)


@pytest.fixture
def judge() -> PagerDutyJudge:
    return PagerDutyJudge()


@pytest.fixture
async def server(judge: PagerDutyJudge) -> AsyncIterator[VendorServer]:
    async with vendor_server(judge, *HOSTS.values()) as running:
        yield running


async def send(server: VendorServer, message: Message, config: PagerDuty = CONFIG) -> Sent:
    return await PagerDutyTransport(tools(server.http())).send(config, message)


async def failure(server: VendorServer, message: Message, config: PagerDuty = CONFIG) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(server, message, config)
    return failed.value


def of_event(event: str, **over: Any) -> Message:
    """An event that a channel subscribes to."""
    return msgspec.structs.replace(a_message(a_body(event, **over), notice="event"), notice="event")


def a_test() -> Message:
    return msgspec.structs.replace(a_message(a_body("channel.test"), notice="test"), notice="test", incident_id=None)


async def test_an_opening_triggers_an_alert_with_all_that_is_known(server: VendorServer, judge: PagerDutyJudge) -> None:
    message = a_message(a_body(severity="critical"))
    sent = await send(server, message)
    (event,) = judge.events
    payload = event["payload"]
    assert sent.http_status == 202
    assert (event["dedup_key"], event["event_action"], event["client"]) == (str(INCIDENT), "trigger", "Farwatch")
    assert payload["summary"] == message.words.title
    assert (payload["severity"], payload["source"], payload["component"]) == (
        "critical",
        "Checkout API",
        "Checkout API",
    )
    assert payload["class"] == "down"
    assert payload["custom_details"]["incident"]["regions_down"] == ["eu-west", "us-east"]
    assert event["client_url"] == f"https://farwatch.example/app/incidents/{INCIDENT}" == event["links"][0]["href"]


@pytest.mark.parametrize(("severity", "theirs"), [("critical", "critical"), ("major", "error"), ("minor", "warning")])
async def test_severities_are_named_as_pagerduty_does(
    server: VendorServer, judge: PagerDutyJudge, severity: str, theirs: str
) -> None:
    await send(server, a_message(a_body(severity=severity)))
    assert judge.events[0]["payload"]["severity"] == theirs


async def test_one_incident_is_one_alert_from_its_opening_to_its_end(
    server: VendorServer, judge: PagerDutyJudge
) -> None:
    await send(server, a_message(a_body()))
    for notice in ("reminder", "escalated"):
        await send(server, a_message(a_body(), notice=notice))
    await send(server, a_message(a_body("incident.updated")))
    await send(server, of_event("incident.acknowledged"))
    assert judge.open == {str(INCIDENT): "acknowledged"}
    await send(server, a_message(a_body("incident.resolved"), notice="resolved"))
    assert judge.open == {}
    assert [event["event_action"] for event in judge.events] == ["trigger"] * 4 + ["acknowledge", "resolve"]


async def test_an_event_that_is_no_incidents_pages_nobody(server: VendorServer, judge: PagerDutyJudge) -> None:
    message = msgspec.structs.replace(
        of_event("x"),
        body=b'{"event":"maintenance.started","occurred_at":"2026-01-01T00:00:00Z"}',
        incident_id=None,
    )
    await send(server, message)
    assert judge.open == {}
    assert len(judge.changes) == 1


async def test_a_body_of_another_shape_is_told_all_the_same(server: VendorServer, judge: PagerDutyJudge) -> None:
    await send(server, msgspec.structs.replace(a_message(), body=b'{"event":7}'))
    assert judge.open == {str(INCIDENT): "triggered"}


async def test_a_long_name_is_cut_and_too_long_a_story_left_out(server: VendorServer, judge: PagerDutyJudge) -> None:
    message = a_message(a_body(name="é" * 3000, reason="x" * 700_000))
    await send(server, message)
    (event,) = judge.events
    assert len(event["payload"]["summary"]) == 1024
    assert "custom_details" not in event["payload"]


async def test_europe_has_a_host_of_its_own(server: VendorServer) -> None:
    await send(server, a_message(), PagerDuty(routing_key=KEY, region="eu"))
    assert [request.host for request in server.requests] == ["events.eu.pagerduty.com"]


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (413, True), (302, True), (403, False), (429, False), (500, False)]
)
async def test_what_is_refused_once_is_refused_always_and_the_rest_is_tried_again(
    server: VendorServer, judge: PagerDutyJudge, status: int, permanent: bool
) -> None:
    judge.later.append(Reply(status, b'{"errors":["Invalid routing key"]}', {"Retry-After": "30"}))
    failed = await failure(server, a_message())
    assert (failed.http_status, failed.permanent, failed.gone) == (status, permanent, False)
    assert failed.retry_after is not None


async def test_pagerdutys_own_words_are_told_without_the_key(server: VendorServer, judge: PagerDutyJudge) -> None:
    judge.later.append(Reply(400, b'{"errors":["Invalid routing key ' + KEY.encode() + b'"]}'))
    failed = await failure(server, a_message())
    assert failed.message == "PagerDuty answered 400: Invalid routing key ***"
    assert KEY not in (failed.response or "")


async def test_a_test_opens_and_resolves_an_alert_of_its_own(server: VendorServer, judge: PagerDutyJudge) -> None:
    await send(server, a_test())
    assert judge.open == {}
    assert [event["event_action"] for event in judge.events] == ["trigger", "resolve"]
    keys = {event["dedup_key"] for event in judge.events}
    assert keys == {f"farwatch-test-{MESSAGE}"}
    assert UUID(next(iter(keys)).removeprefix("farwatch-test-")) != INCIDENT


async def test_a_test_resolves_again_until_it_is_taken(server: VendorServer, judge: PagerDutyJudge) -> None:
    judge.later.extend([None, Reply(500), Reply(429), None])
    await send(server, a_test())
    assert judge.open == {}
    assert len(server.requests) == 4


async def test_a_test_that_cannot_be_resolved_says_which_alert_is_open(
    server: VendorServer, judge: PagerDutyJudge
) -> None:
    judge.later.extend([None, Reply(500), Reply(500), Reply(500)])
    failed = await failure(server, a_test())
    assert f"resolve the alert farwatch-test-{MESSAGE} in PagerDuty" in failed.message
    assert len(server.requests) == 4


async def test_a_trigger_of_unknown_end_is_resolved_all_the_same(server: VendorServer, judge: PagerDutyJudge) -> None:
    judge.later.append(Reply(502))
    failed = await failure(server, a_test())
    assert failed.http_status == 502
    assert [event["event_action"] for event in judge.events] == ["resolve"]


async def test_a_test_that_is_refused_leaves_nothing_to_resolve(server: VendorServer) -> None:
    failed = await failure(server, a_test(), PagerDuty(routing_key="x" * 32))
    assert (failed.http_status, len(server.requests)) == (400, 1)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (PagerDuty(routing_key="short"), "routing_key"),
        (PagerDuty(routing_key="é" * 32), "routing_key"),
        (PagerDuty(routing_key=KEY + "\n"), "routing_key"),
        (PagerDuty(routing_key=KEY, region="mars"), "region"),
    ],
)
def test_a_configuration_that_pagerduty_has_not_is_refused_at_its_field(config: PagerDuty, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        PagerDutyTransport(tools()).prepared(config, entropy=bytes(32))
    assert (refused.value.code, refused.value.field) == ("INVALID_CHANNEL_CONFIG", f"/config/{field}")


def test_the_key_is_sealed_and_comes_back() -> None:
    transport = PagerDutyTransport(tools())
    parts = transport.parts(PagerDuty(routing_key=KEY, region="eu"))
    assert KEY not in str(parts.shown)
    assert parts.host == "events.eu.pagerduty.com"
    assert transport.whole(shown=parts.shown, secrets=parts.secrets) == PagerDuty(routing_key=KEY, region="eu")
