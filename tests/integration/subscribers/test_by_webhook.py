"""Webhook subscribers of a status page: asked by a challenge, told in signed events, in order."""

from __future__ import annotations

import json
from asyncio import StreamWriter

import pytest

from tests.support.receiver import Behaviour, Received, answer
from tests.support.subscribers import FALL_DUE, SubscriberStage, ago

STATES = "SELECT count(*) FILTER (WHERE confirmed_at IS NOT NULL) AS yes, count(*) AS all FROM page_subscribers"


@pytest.fixture
async def subscribed(stage: SubscriberStage) -> str:
    """A receiver that has said yes; its secret."""
    secret, asked = await _ask(stage)
    await _challenge(stage, asked)
    return secret


async def _challenge(stage: SubscriberStage, body: dict[str, str]) -> None:
    """As a receiver whose operator passes the challenge on."""
    path = body["confirm_url"].removeprefix("https://farwatch.example")
    assert (await stage.public.post(path)).status_code == 200
    await stage.look()


async def _ask(stage: SubscriberStage) -> tuple[str, dict[str, str]]:
    asked = await stage.ask({"type": "webhook", "url": stage.hooks.url()})
    assert asked.status_code == 202, asked.text
    secret = asked.json()["secret"]
    await stage.tell()
    request = stage.hooks.received[-1]
    request.verify(secret)
    body: dict[str, str] = json.loads(request.body)
    assert body["event"] == "subscription.confirm"
    return secret, body


async def test_events_come_signed_in_order_and_without_what_is_inside(stage: SubscriberStage, subscribed: str) -> None:
    before = len(stage.hooks.received)
    incident = await stage.pages.incident(stage.api, "Checkout fails", ago=ago(1))
    await stage.news()
    await stage.pages.update(incident, "Found it.")
    await stage.look()
    await stage.resolve(incident)
    await stage.news()
    told = stage.hooks.received[before:]
    assert [_event(one) for one in told] == ["incident.opened", "incident.updated", "incident.resolved"]
    for one in told:
        one.verify(subscribed)
        assert b"secret" not in one.body
    body = json.loads(told[1].body)
    assert body["page"]["slug"] == "acme"
    assert body["incident"]["id"] == str(incident)
    assert body["incident"]["texts"] == ["Found it."]
    assert body["incident"]["components"] == ["API"]


async def test_what_fails_is_sent_again_as_it_was_and_later_news_wait_for_it(
    stage: SubscriberStage, subscribed: str
) -> None:
    before = len(stage.hooks.received)
    stage.hooks.script.append(answer(500))
    incident = await stage.pages.incident(stage.api, "Down", ago=ago(1))
    await stage.news()
    await stage.resolve(incident)
    await stage.news()
    assert [_event(one) for one in stage.hooks.received[before:]] == ["incident.opened"]
    await stage.execute(FALL_DUE)
    await stage.tell()
    first, again, resolved = stage.hooks.received[before:]
    assert (again.body, again.delivery_id, again.attempt) == (first.body, first.delivery_id, 2)
    assert _event(resolved) == "incident.resolved"
    again.verify(subscribed)


async def test_only_the_challenge_and_nothing_else_is_a_yes(stage: SubscriberStage) -> None:
    asked = {"type": "webhook", "url": stage.hooks.url()}
    stage.hooks.otherwise = answer(200, b"ok")
    await stage.ask(asked)
    await stage.tell()
    whole = stage.hooks.received[-1].body
    assert (await stage.rows(STATES))[0] == {"yes": 0, "all": 1}
    stage.hooks.otherwise = answer(200, whole)
    await stage.ask(asked)
    await stage.tell()
    assert (await stage.rows(STATES))[0] == {"yes": 0, "all": 1}, "who repeats what it was sent has understood nothing"
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    await stage.news()
    assert len(stage.hooks.received) == 2, "nobody is told who has not said yes"


async def test_a_receiver_that_answers_with_the_challenge_is_subscribed_at_once(stage: SubscriberStage) -> None:
    stage.hooks.paths["/hook"] = _echo(stage)
    await stage.ask({"type": "webhook", "url": stage.hooks.url()})
    await stage.tell()
    assert (await stage.rows(STATES))[0] == {"yes": 1, "all": 1}


def _echo(stage: SubscriberStage) -> Behaviour:
    async def behave(writer: StreamWriter) -> None:
        challenge = json.loads(stage.hooks.received[-1].body)["challenge"]
        await answer(200, json.dumps({"challenge": challenge}).encode())(writer)

    return behave


async def test_a_receiver_that_is_gone_is_taken_off_and_a_blocked_address_is_refused(
    stage: SubscriberStage, subscribed: str
) -> None:
    assert subscribed
    stage.hooks.otherwise = answer(410)
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    await stage.news()
    assert (await stage.rows(STATES))[0] == {"yes": 0, "all": 0}
    for url in (
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest",
        "ftp://a.example",
    ):
        refused = await stage.ask({"type": "webhook", "url": url})
        assert refused.json()["error"]["code"] in ("SSRF_BLOCKED", "INVALID_SUBSCRIPTION"), url


def _event(request: Received) -> str:
    event: str = json.loads(request.body)["event"]
    return event
