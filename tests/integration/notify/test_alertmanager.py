"""Alertmanager against a server that enforces its API, and against itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from control_plane.errors import BadRequest
from control_plane.notify.alertmanager import OPEN_FOR, Alertmanager, AlertmanagerTransport
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import SHARED
from tests.bench.programs import find, free_port, listening, program
from tests.support.alertmanager_server import AlertmanagerServer, an_alertmanager, basic
from tests.support.messages import INCIDENT, NOW, a_body, a_message, tools
from tests.support.plain_http import NO_TLS
from tests.support.receiver import answer

PROGRAM = "prometheus-alertmanager"
CAN_ASK = find(PROGRAM) is not None or os.environ.get("TEST_FARWATCH_PEERS") == "required"
AFTER = NOW + timedelta(seconds=1)


@pytest.fixture
async def server() -> AsyncIterator[AlertmanagerServer]:
    async with an_alertmanager() as running:
        yield running


async def send(url: str, message: Message, **config: str) -> Sent:
    return await AlertmanagerTransport(tools()).send(Alertmanager(url=url, **config), message)


async def failure(url: str, message: Message, **config: str) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(url, message, **config)
    return failed.value


def the_test() -> Message:
    return msgspec.structs.replace(a_message(a_body("channel.test"), notice="test"), incident_id=None)


def life(**over: Any) -> tuple[Message, Message]:
    """The opening and the end of one incident."""
    return a_message(a_body(**over)), a_message(a_body("incident.resolved", **over), notice="resolved")


async def test_an_opening_is_one_alert_with_labels_to_route_by(server: AlertmanagerServer) -> None:
    message = a_message(a_body(tags=("prod", "env:eu")))
    sent = await send(server.url, message)
    (alert,) = server.alerts.values()
    labels = alert["labels"]
    assert (labels["alertname"], labels["incident"], labels["severity"]) == ("FarwatchIncident", str(INCIDENT), "major")
    assert (labels["monitor"], labels["type"]) == ("Checkout API", "down")
    assert (labels["tag_prod"], labels["tag_env"]) == ("true", "eu")
    assert alert["annotations"]["summary"] == message.words.title
    assert alert["generatorURL"] == message.words.url
    assert datetime.fromisoformat(alert["endsAt"]) == NOW + OPEN_FOR
    assert sent.receipt is not None


async def test_an_incident_is_one_alert_whatever_becomes_of_its_monitor(server: AlertmanagerServer) -> None:
    receipt = (await send(server.url, a_message(a_body(name="Old", tags=("a",))))).receipt
    renamed = {"name": "New", "tags": ("b",)}
    for event, notice in (("incident.opened", "reminder"), ("incident.resolved", "resolved")):
        sent = await send(server.url, a_message(a_body(event, **renamed), notice=notice, receipt=receipt))
        assert sent.receipt is None
    assert len(server.alerts) == 1
    assert server.firing(AFTER) == []


async def test_a_severity_that_changes_ends_the_alert_of_the_former(server: AlertmanagerServer) -> None:
    receipt = (await send(server.url, a_message(a_body(severity="minor")))).receipt
    worse = a_message(a_body("incident.updated", severity="critical"), notice="updated", receipt=receipt)
    await send(server.url, worse)
    assert [labels["severity"] for labels in server.firing(AFTER)] == ["critical"]
    await send(
        server.url, a_message(a_body("incident.resolved", severity="critical"), notice="resolved", receipt=receipt)
    )
    assert server.firing(AFTER) == []


async def test_a_severity_that_stays_leaves_no_trace_of_another(server: AlertmanagerServer) -> None:
    opened, resolved = life()
    receipt = (await send(server.url, opened)).receipt
    await send(server.url, msgspec.structs.replace(resolved, receipt=receipt))
    assert len(server.alerts) == 1


async def test_a_test_ends_by_itself(server: AlertmanagerServer) -> None:
    await send(server.url, the_test())
    ((labels,), (alert,)) = server.firing(AFTER), server.alerts.values()
    assert labels["alertname"] == "FarwatchTest"
    assert datetime.fromisoformat(alert["endsAt"]) == NOW + timedelta(minutes=5)


async def test_an_event_that_is_no_incidents_ends_by_itself(server: AlertmanagerServer) -> None:
    body = b'{"event":"maintenance.started","occurred_at":"2026-01-01T00:00:00Z"}'
    await send(server.url, msgspec.structs.replace(a_message(), body=body, incident_id=None, notice="event"))
    assert [labels["event"] for labels in server.firing(AFTER)] == ["maintenance.started"]
    assert server.firing(NOW + timedelta(minutes=6)) == []


@pytest.mark.parametrize(
    ("config", "demanded"),
    [
        ({"access_token": "tok"}, "Bearer tok"),
        ({"username": "ops", "password": "pass:word"}, basic("ops", "pass:word")),
    ],
)
async def test_credentials_and_a_route_prefix_are_used(config: dict[str, str], demanded: str) -> None:
    async with an_alertmanager(prefix="/am", authorization=demanded) as server:
        await send(server.url, a_message(), **config)
        assert len(server.alerts) == 1
        failed = await failure(server.url, a_message())
    assert (failed.http_status, failed.permanent) == (401, False)


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (307, True), (403, False), (429, False), (503, False)])
async def test_a_malformed_alert_is_given_up_and_the_rest_is_tried_again(
    server: AlertmanagerServer, status: int, permanent: bool
) -> None:
    server.later.append(answer(status, b'"invalid label set"', Location=server.url, Retry_After="60"))
    failed = await failure(server.url, a_message())
    assert (failed.permanent, failed.retry_after) == (permanent, timedelta(seconds=60))
    assert ("invalid label set" in failed.message) == (status == 400)


async def test_an_answer_that_repeats_the_credential_is_masked(server: AlertmanagerServer) -> None:
    server.later.append(answer(400, b"no: tok-sekrit"))
    failed = await failure(server.url, a_message(), access_token="tok-sekrit")
    assert (failed.message, failed.response) == ("The Alertmanager answered 400: no: ***", "no: ***")


@pytest.mark.parametrize(
    ("config", "code", "field"),
    [
        (Alertmanager(url="http://am.example.com"), "INVALID_CHANNEL_CONFIG", "url"),
        (Alertmanager(url="https://am.example.com/?a=b"), "INVALID_CHANNEL_CONFIG", "url"),
        (Alertmanager(url="https://am.example.com/api/v2/alerts"), "INVALID_CHANNEL_CONFIG", "url"),
        (Alertmanager(url="https://u:p@am.example.com"), "INVALID_CHANNEL_CONFIG", "url"),
        (Alertmanager(url="https://10.0.0.7"), "SSRF_BLOCKED", "url"),
        (Alertmanager(url="https://alertmanager"), "SSRF_BLOCKED", "url"),
        (Alertmanager(url="https://am.example.com", username="u"), "INVALID_CHANNEL_CONFIG", "password"),
        (Alertmanager(url="https://am.example.com", access_token="a b"), "INVALID_CHANNEL_CONFIG", "access_token"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_at_its_field(config: Alertmanager, code: str, field: str) -> None:
    transport = AlertmanagerTransport(tools(GuardedHttp(SHARED, timeout=timedelta(seconds=5))))
    with pytest.raises(BadRequest) as refused:
        transport.prepared(config, entropy=bytes(32))
    assert (refused.value.code, refused.value.field) == (code, f"/config/{field}")


def test_what_is_secret_is_sealed_and_comes_back() -> None:
    transport = AlertmanagerTransport(tools())
    config = Alertmanager(url="https://am.example.com/sekrit", username="ops", password="pass word")
    parts = transport.parts(config)
    assert parts.shown == {"type": "alertmanager", "url": "***", "username": "ops", "password": "***"}
    assert transport.whole(shown=parts.shown, secrets=parts.secrets) == config


CONFIG = """
route: {receiver: none, group_wait: 1s}
receivers: [{name: none}]
global: {resolve_timeout: 1s}
"""


@pytest.mark.skipif(not CAN_ASK, reason=f"{PROGRAM} is not installed: Debian has a package of that name")
async def test_alertmanager_itself_shows_an_incident_until_it_is_resolved(tmp_path: Path) -> None:
    (tmp_path / "am.yml").write_text(CONFIG)
    port = free_port()
    command = (
        PROGRAM,
        f"--config.file={tmp_path / 'am.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    url = f"http://127.0.0.1:{port}"
    now = datetime.now(UTC)
    opened, resolved = life(severity="critical", tags=("env:prod", "größe"), started_at=now, resolved_at=None)
    async with program(*command, log=tmp_path / "am.log"):
        await listening(port)
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, verify=NO_TLS) as client:
            receipt = (await send(url, _at(now, opened))).receipt
            (alert,) = await shown(client, 1)
            assert alert["labels"]["incident"] == str(INCIDENT)
            assert (alert["labels"]["tag_env"], alert["labels"]["severity"]) == ("prod", "critical")
            assert datetime.fromisoformat(alert["endsAt"]) > now + OPEN_FOR / 2, "resolve_timeout must not end it"
            await send(url, _at(now, the_test()))
            await shown(client, 2)
            await send(url, msgspec.structs.replace(_at(now, resolved), receipt=receipt))
            (left,) = await shown(client, 1)
            assert left["labels"]["alertname"] == "FarwatchTest"


def _at(now: datetime, message: Message) -> Message:
    return msgspec.structs.replace(message, sent_at=now)


async def shown(client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    """What it shows as firing, once that is so many."""
    async with asyncio.timeout(20):
        while True:
            alerts: list[dict[str, Any]] = (await client.get("/api/v2/alerts?active=true")).json()
            if len(alerts) == count:
                return alerts
            await asyncio.sleep(0.05)
