"""ntfy against a server that enforces what ntfy documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

import msgspec
import pytest

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body
from control_plane.errors import BadRequest
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.ntfy import MESSAGE_LIMIT, Ntfy, NtfyTransport
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import SHARED, Policy
from tests.support.messages import a_message, tools
from tests.support.ntfy_server import NtfyServer, an_ntfy_server
from tests.support.receiver import answer

LOOPBACK = Policy(allow_cidrs=(ip_network("127.0.0.0/8"),))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE_ID = UUID("0197a2f0-0000-7000-8000-000000000001")


def body(number: int = 1, *, event: str = "incident.opened", severity: str = "major", text: str = "Refused") -> bytes:
    incident = IncidentFacts(
        id=UUID(int=number),
        number=number,
        type="down",
        severity=severity,
        state="triggered",
        started_at=NOW,
        resolved_at=None,
        cause=text,
        regions_down=("eu",),
        regions_up=(),
        url=f"https://fw.example/app/incidents/{number}",
    )
    monitor = MonitorFacts(id=UUID(int=number), number=number, name=f"Zürich {number}", kind="http")
    notice = NoticeBody(
        event=event,
        delivery_id=MESSAGE_ID,
        occurred_at=NOW,
        tenant_id=UUID(int=2),
        monitor=monitor,
        incident=incident,
        reason=text,
    )
    return notice_body(notice).encode()


def message(first: bytes, *others: bytes) -> Message:
    return a_message(first, others=others, message_id=MESSAGE_ID)


def transport(policy: Policy = LOOPBACK) -> NtfyTransport:
    return NtfyTransport(tools(GuardedHttp(policy, timeout=timedelta(seconds=5))))


@pytest.fixture
async def server() -> AsyncIterator[NtfyServer]:
    async with an_ntfy_server() as running:
        yield running


async def send(server: NtfyServer, told: Message, **config: str) -> Sent:
    return await transport().send(Ntfy(topic="alerts", server_url=server.url + "/", **config), told)


async def failure(server: NtfyServer, told: Message, **config: str) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(server, told, **config)
    return failed.value


async def test_an_opening_is_published_to_the_root_loudly_with_its_incident_to_click(server: NtfyServer) -> None:
    sent = await send(server, message(body()))
    assert sent.http_status == 200
    assert server.published == [
        {
            "topic": "alerts",
            "title": "Zürich 1 is down",
            "message": "Refused\nSince: 1 January 2026, 00:00 UTC\nDown from: eu\nSeverity: major\nIncident: #1",
            "priority": 4,
            "tags": ["rotating_light"],
            "sequence_id": MESSAGE_ID.hex,
            "click": "https://fw.example/app/incidents/1",
        }
    ]


async def test_a_button_leads_to_the_acknowledgement_where_there_is_one(server: NtfyServer) -> None:
    told = message(body())
    words = msgspec.structs.replace(told.words, acknowledge_url="https://fw.example/ack/x")
    await send(server, msgspec.structs.replace(told, words=words))
    button = {"action": "view", "label": "Acknowledge", "url": "https://fw.example/ack/x", "clear": True}
    assert server.published[0]["actions"] == [button]


async def test_a_test_says_in_its_first_line_that_nothing_is_wrong(server: NtfyServer) -> None:
    await send(server, message(body(event="channel.test", severity="minor")))
    (published,) = server.published
    assert (published["title"], published["tags"]) == ("Farwatch test: nothing is wrong", ["test_tube"])


@pytest.mark.parametrize(
    ("event", "severity", "priority", "tag"),
    [
        ("incident.opened", "critical", 4, "rotating_light"),
        ("incident.opened", "minor", 3, "rotating_light"),
        ("incident.updated", "major", 4, "rotating_light"),
        ("incident.resolved", "critical", 3, "white_check_mark"),
    ],
)
async def test_priority_and_tag_follow_the_notice(
    server: NtfyServer, event: str, severity: str, priority: int, tag: str
) -> None:
    await send(server, message(body(event=event, severity=severity)))
    (published,) = server.published
    assert (published["priority"], published["tags"]) == (priority, [tag])


async def test_a_digest_is_one_message(server: NtfyServer) -> None:
    await send(server, message(*(body(n) for n in range(1, 2001))))
    (published,) = server.published
    assert published["title"] == "Farwatch: 2 000 opened"
    assert "and 1 995 more" in published["message"]


async def test_long_texts_are_cut_to_what_ntfy_takes(server: NtfyServer) -> None:
    await send(server, message(*(body(n, text=f"{n} " + "☃" * 5000) for n in range(1, 40))))
    (published,) = server.published
    assert len(published["message"].encode()) <= MESSAGE_LIMIT


async def test_a_message_that_is_sent_twice_shows_once(server: NtfyServer) -> None:
    for _ in range(2):
        await send(server, message(body()))
    assert len(server.published) == 2
    assert len(server.shown()) == 1


async def test_a_token_or_a_login_proves_who_we_are() -> None:
    async with an_ntfy_server(token="tk_secret") as server:
        await send(server, message(body()), access_token="tk_secret")
        assert len(server.published) == 1
    async with an_ntfy_server(login=("phil", "mypäss")) as server:
        await send(server, message(body()), username="phil", password="mypäss")
        assert len(server.published) == 1


async def test_a_wrong_token_is_tried_again_because_it_may_be_set_meanwhile() -> None:
    async with an_ntfy_server(token="tk_secret") as server:
        for config, status in (({}, 403), ({"access_token": "tk_other"}, 401)):
            failed = await failure(server, message(body()), **config)
            assert (failed.permanent, failed.http_status) == (False, status)


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (413, True), (302, True), (429, False), (500, False), (507, False)]
)
async def test_what_can_help_is_told_by_the_status(server: NtfyServer, status: int, permanent: bool) -> None:
    server.later.append(answer(status, b"no", Retry_After="90"))
    failed = await failure(server, message(body()))
    assert (failed.permanent, failed.http_status) == (permanent, status)
    assert failed.retry_after == timedelta(seconds=90)


async def test_an_answer_that_echoes_the_token_shows_none_of_it(server: NtfyServer) -> None:
    server.later.append(answer(500, b"bad token tk_secret"))
    failed = await failure(server, message(body()), access_token="tk_secret")
    assert failed.response == "bad token ***"


def prepared(**config: str) -> Ntfy:
    given = {"topic": "alerts", **config}
    return transport(SHARED).prepared(Ntfy(**given), entropy=b"")


def test_the_public_server_is_the_default_and_only_secrets_are_masked() -> None:
    config = prepared(access_token="tk_secret")
    parts = transport().parts(config)
    assert parts.shown == {
        "type": "ntfy",
        "topic": "alerts",
        "server_url": "https://ntfy.sh/",
        "access_token": "***",
    }
    assert (parts.secrets, parts.host) == ({"access_token": "tk_secret"}, "ntfy.sh")
    assert transport().whole(shown=parts.shown, secrets=parts.secrets) == config


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"topic": ""}, "/config/topic"),
        ({"topic": "a/b"}, "/config/topic"),
        ({"topic": "x" * 65}, "/config/topic"),
        ({"server_url": "https://ntfy.sh/alerts"}, "/config/server_url"),
        ({"server_url": "https://ntfy.sh/?a=b"}, "/config/server_url"),
        ({"server_url": "http://ntfy.sh"}, "/config/server_url"),
        ({"server_url": "ftp://ntfy.sh"}, "/config/server_url"),
        ({"server_url": "https://127.0.0.1"}, "/config/server_url"),
        ({"access_token": "tk secret"}, "/config/access_token"),
        ({"access_token": "tk_x", "username": "a", "password": "b"}, "/config/access_token"),
        ({"username": "phil"}, "/config/password"),
        ({"password": "x"}, "/config/username"),
        ({"username": "a:b", "password": "x"}, "/config/username"),
        ({"username": "a", "password": "x\n"}, "/config/password"),
    ],
)
def test_a_configuration_that_ntfy_would_not_take_is_refused_at_its_field(config: dict[str, str], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        prepared(**config)
    assert refused.value.field == field
