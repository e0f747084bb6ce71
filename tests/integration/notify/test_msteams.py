"""Teams' workflows against a server that enforces what Microsoft documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from control_plane.errors import BadRequest
from control_plane.notify.msteams import MsTeams, MsTeamsTransport
from control_plane.notify.render import Surroundings
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from tests.support.messages import NOW, a_body, a_message, tools
from tests.support.vendor_msteams import HOST, SIGNATURE, URL, MsTeamsJudge, error
from tests.support.vendors import Reply, VendorServer, vendor_server

CONFIG = MsTeams(webhook_url=URL.replace(":443", ""))


@pytest.fixture
def judge() -> MsTeamsJudge:
    return MsTeamsJudge()


@pytest.fixture
async def server(judge: MsTeamsJudge) -> AsyncIterator[VendorServer]:
    async with vendor_server(judge, HOST) as running:
        yield running


async def send(server: VendorServer, message: Message) -> Sent:
    return await MsTeamsTransport(tools(server.http())).send(CONFIG, message)


async def failure(server: VendorServer, message: Message) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(server, message)
    return failed.value


def texts(card: dict[str, Any]) -> list[str]:
    blocks = [*card["body"][0]["items"], *card["body"][1:]]
    return ["".join(run["text"] for run in block["inlines"]) for block in blocks]


async def test_an_opening_is_a_card_with_its_facts_and_ways_on(server: VendorServer, judge: MsTeamsJudge) -> None:
    around = Surroundings(now=NOW, acknowledge_url="https://farwatch.example/a/x")
    message = a_message(around=around)
    sent = await send(server, message)
    (card,) = judge.posted
    facts = [f"{fact.label}: {fact.value}" for fact in message.words.facts]
    assert (sent.http_status, sent.receipt) == (202, None)
    assert texts(card) == [f"🔴 {message.words.title}", message.words.summary, *facts]
    assert card["body"][0]["style"] == "attention"
    assert [action["title"] for action in card["actions"]] == ["Open the incident", "Acknowledge"]


async def test_a_recovery_is_a_card_of_its_own(server: VendorServer, judge: MsTeamsJudge) -> None:
    await send(server, a_message(a_body("incident.resolved"), notice="resolved"))
    assert judge.posted[0]["body"][0]["style"] == "good"


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (error(404, "WorkflowNotFound"), (True, True)),
        (error(401, "DirectApiAuthorizationRequired"), (True, False)),
        (error(400, "TriggerInputSchemaMismatch"), (True, False)),
        (error(413, "RequestEntityTooLarge"), (True, False)),
        (error(400, "WorkflowTriggerIsNotEnabled"), (False, False)),
        (error(502, "NoResponse"), (False, False)),
        (Reply(404, b"<html>"), (False, False)),
        (Reply(404, b'{"error":"gone"}'), (False, False)),
        (Reply(301, b""), (True, False)),
    ],
    ids=range(9),
)
async def test_what_can_help_is_told_by_the_status_and_the_code(
    server: VendorServer, judge: MsTeamsJudge, answer: Reply, ended: tuple[bool, bool]
) -> None:
    judge.later.append(answer)
    failed = await failure(server, a_message())
    assert ((failed.permanent, failed.gone), failed.http_status) == (ended, answer.status)


async def test_the_wait_that_teams_asks_for_is_kept(server: VendorServer, judge: MsTeamsJudge) -> None:
    judge.later.append(Reply(429, error(429, "TooManyRequests").body, {"Retry-After": "33"}))
    failed = await failure(server, a_message())
    assert (failed.permanent, failed.retry_after) == (False, timedelta(seconds=33))


async def test_a_digest_is_one_card(server: VendorServer, judge: MsTeamsJudge) -> None:
    await send(server, a_message(others=[a_body(name=f"API {n}") for n in range(2000)]))
    assert len(judge.posted) == 1


async def test_an_answer_shows_nothing_of_the_url(server: VendorServer, judge: MsTeamsJudge) -> None:
    judge.later.append(Reply(500, f"bad {SIGNATURE} {CONFIG.webhook_url}".encode()))
    assert (await failure(server, a_message())).response == "bad *** ***"


def test_the_url_is_masked_and_sealed() -> None:
    transport = MsTeamsTransport(tools())
    config = transport.prepared(msgspec.convert({"webhook_url": URL}, MsTeams), entropy=b"")
    parts = transport.parts(config)
    assert (parts.shown, parts.host) == ({"type": "msteams", "webhook_url": "***"}, HOST)
    assert transport.whole(shown=parts.shown, secrets=parts.secrets) == config == CONFIG


def test_a_retired_connector_is_refused() -> None:
    with pytest.raises(BadRequest) as refused:
        MsTeamsTransport(tools()).prepared(
            MsTeams(webhook_url="https://acme.webhook.office.com/webhookb2/x"), entropy=b""
        )
    assert "retired" in refused.value.message
