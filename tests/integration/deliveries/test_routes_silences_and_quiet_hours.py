"""From results to a receiver by rules: routes bring a notice, silences cancel it, quiet hours delay it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.tenants.plan import NO_LIMITS
from control_plane.errors import NotFound
from control_plane.services.alerting.change_route import delete_route
from control_plane.services.alerting.create_route import create_route
from control_plane.services.alerting.keep_sendable import SLEPT_THROUGH
from control_plane.services.alerting.keep_silence import create_silence
from control_plane.services.incidents.declare_incident import Declaration, declare_incident
from control_plane.services.installation.identity import new_id
from control_plane.store.deliveries import NOT_TOLD
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.deciding import Stage
from tests.support.ntfy_server import NtfyServer, an_ntfy_server
from tests.support.outbox import Outbox, working
from tests.support.receiver import Receiver, answer

REGIONS = ("ap", "eu", "us")
BIND = "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id, events) VALUES ($1, $2, $3, $4)"
OWED = "SELECT notice, state, reason, rule, due_at > now() AS waits FROM deliveries ORDER BY number"
QUIET_CHANNEL = "UPDATE channels SET quiet_hours = $1"
QUIET_MONITOR = "UPDATE monitors SET quiet_hours = $1"


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=REGIONS, name="API", tags=["prod"], group="Web")


@pytest.fixture
async def server() -> AsyncIterator[NtfyServer]:
    async with an_ntfy_server() as running:
        yield running


@pytest.fixture
async def outbox(stage: Stage) -> Outbox:
    return Outbox(stage.database, stage.tenant_id)  # type: ignore[arg-type]


async def routed(stage: Stage, *channels: UUID, **body: Any) -> UUID:
    row = await create_route(
        stage.database,
        tenant_id=stage.tenant_id,  # type: ignore[arg-type]
        route_id=new_id(),
        terms=NO_LIMITS,
        body={"name": str(new_id()), "channel_ids": [str(one) for one in channels], **body},
        write_source="api",
    )
    return row.id


async def silenced(stage: Stage, **body: Any) -> UUID:
    end = datetime.now(UTC) + timedelta(hours=1)
    row = await create_silence(
        stage.database,
        tenant_id=stage.tenant_id,  # type: ignore[arg-type]
        silence_id=new_id(),
        terms=NO_LIMITS,
        body={"name": "Upgrade", "ends_at": end, **body},
        created_by="Vera",
        write_source="api",
    )
    return row.id


def quiet_now(**over: Any) -> dict[str, Any]:
    """Quiet hours that hold from an hour ago, for some hours."""
    now = datetime.now(UTC)
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-1, 4))
    return {"start": start, "end": end, "time_zone": "UTC", **over}


async def report(stage: Stage, outcome: str, *, begin: int) -> None:
    for at in (begin, begin + 2):
        for region in REGIONS[:2]:
            await stage.report(region, outcome, at=at)


async def owed(stage: Stage) -> list[tuple[str, str, str | None]]:
    return [(row["notice"], row["state"], row["reason"]) for row in await stage.rows(OWED)]


async def test_a_route_tells_a_channel_that_nothing_is_bound_to(
    stage: Stage, outbox: Outbox, receiver: Receiver
) -> None:
    channel_id = await outbox.channel(receiver.url())
    match = {"severities": ["major"], "tags": ["other", "prod"], "groups": ["Web"], "kinds": ["http"]}
    await routed(stage, channel_id, match=match)
    async with working(stage.database):
        await report(stage, "down", begin=1)
        await report(stage, "up", begin=6)
        await outbox.emptied()
    assert await owed(stage) == [("opened", "delivered", None), ("resolved", "delivered", None)]
    assert len(receiver.received) == 2


async def test_a_channel_that_a_binding_and_routes_name_is_told_once(stage: Stage, outbox: Outbox) -> None:
    channel_id = await outbox.channel("https://ops.example.com/in")
    await outbox.execute(BIND, stage.tenant_id, stage.monitor_id, channel_id, None)
    await routed(stage, channel_id)
    await routed(stage, channel_id, match={"monitor_ids": [str(stage.monitor_id)]})
    await report(stage, "down", begin=1)
    assert await owed(stage) == [("opened", "pending", None)]


@pytest.mark.parametrize(
    "body",
    [
        {"match": {"severities": ["critical", "minor"]}},
        {"match": {"tags": ["Prod"]}},
        {"match": {"groups": ["web"]}},
        {"match": {"kinds": ["tcp", "heartbeat"]}},
        {"match": {"tags": ["prod"], "kinds": ["tcp"]}},
        {"enabled": False},
        {"events": ["incident.resolved"]},
    ],
    ids=["severity", "tag", "group", "kind", "one of two", "disabled", "other events"],
)
async def test_a_route_about_something_else_tells_nobody(stage: Stage, outbox: Outbox, body: dict[str, Any]) -> None:
    await routed(stage, await outbox.channel("https://ops.example.com/in"), **body)
    await report(stage, "down", begin=1)
    assert await owed(stage) == []


@pytest.mark.parametrize(
    ("bound", "led", "told"),
    [
        (None, ["incident.opened"], False),
        (["incident.opened"], None, False),
        (["incident.opened"], ["incident.opened", "incident.resolved"], True),
        (["incident.resolved"], ["incident.opened"], True),
    ],
)
async def test_the_end_is_told_where_the_binding_or_the_route_wants_it(
    stage: Stage, outbox: Outbox, bound: list[str] | None, led: list[str] | None, told: bool
) -> None:
    channel_id = await outbox.channel("https://ops.example.com/in")
    if bound is not None:
        await outbox.execute(BIND, stage.tenant_id, stage.monitor_id, channel_id, bound)
    if led is not None:
        await routed(stage, channel_id, events=led, match={"severities": ["major"]})
    await report(stage, "down", begin=1)
    await report(stage, "up", begin=6)
    notices = [notice for notice, _, _ in await owed(stage)]
    assert notices == (["opened", "resolved"] if told else ["opened"])


async def test_what_a_deleted_route_began_is_told_to_its_end(stage: Stage, outbox: Outbox) -> None:
    route_id = await routed(stage, await outbox.channel("https://ops.example.com/in"))
    await report(stage, "down", begin=1)
    await delete_route(stage.database, tenant_id=outbox.tenant_id, route_id=route_id, check_revision=lambda _: None)
    await report(stage, "up", begin=6)
    assert [notice for notice, _, _ in await owed(stage)] == ["opened", "resolved"]


async def test_a_declared_incident_without_monitors_goes_where_routes_name_none(stage: Stage, outbox: Outbox) -> None:
    everything = await outbox.channel("https://ops.example.com/in", name="All")
    prod = await outbox.channel("https://ops.example.com/in", name="Prod")
    critical = await outbox.channel("https://ops.example.com/in", name="Critical")
    await routed(stage, everything)
    await routed(stage, prod, match={"tags": ["prod"]})
    await routed(stage, critical, match={"severities": ["critical"]})
    for severity in ("major", "critical"):
        declared = Declaration(title="Payment provider", severity=severity)
        await declare_incident(stage.database, declared, tenant_id=outbox.tenant_id, incident_id=new_id(), actor="Vera")
    names = [row["channel_name"] for row in await stage.rows("SELECT channel_name FROM deliveries ORDER BY number")]
    assert names == ["All", "All", "Critical"]


async def test_a_silence_cancels_and_the_recovery_goes_to_nobody(stage: Stage, outbox: Outbox) -> None:
    await routed(stage, await outbox.channel("https://ops.example.com/in"))
    silence_id = await silenced(stage, match={"tags": ["prod"]})
    await report(stage, "down", begin=1)
    await outbox.execute("UPDATE silences SET ends_at = now()")
    await report(stage, "up", begin=6)
    first = (await stage.rows(OWED))[0]
    assert (first["state"], first["reason"]) == ("cancelled", "Silenced by Upgrade")
    assert first["rule"] | {"until": ""} == {"type": "silence", "id": str(silence_id), "name": "Upgrade", "until": ""}
    assert {state for _, state, _ in await owed(stage)} == {"cancelled"}


@pytest.mark.parametrize(
    "body",
    [
        {"match": {"tags": ["staging"]}},
        {"match": {"severities": ["critical"]}},
        {"match": {"monitor_ids": []}, "starts_at": datetime.now(UTC) + timedelta(minutes=30)},
    ],
    ids=["another tag", "another severity", "not yet"],
)
async def test_a_silence_about_something_else_cancels_nothing(
    stage: Stage, outbox: Outbox, body: dict[str, Any]
) -> None:
    await routed(stage, await outbox.channel("https://ops.example.com/in"))
    await silenced(stage, **body)
    await report(stage, "down", begin=1)
    assert await owed(stage) == [("opened", "pending", None)]


async def test_a_silence_may_mute_some_channels_only(stage: Stage, outbox: Outbox) -> None:
    loud = await outbox.channel("https://ops.example.com/in", name="Loud")
    mute = await outbox.channel("https://ops.example.com/in", name="Mute")
    await routed(stage, loud, mute)
    await silenced(stage, match={"channel_ids": [str(mute)]})
    await report(stage, "down", begin=1)
    rows = await stage.rows("SELECT channel_name, state FROM deliveries ORDER BY number")
    assert [tuple(row.values()) for row in rows] == [("Loud", "pending"), ("Mute", "cancelled")]


async def test_what_waits_for_another_attempt_is_cancelled_by_a_silence_that_came_since(
    stage: Stage, outbox: Outbox, receiver: Receiver
) -> None:
    receiver.script.append(answer(503))
    await routed(stage, await outbox.channel(receiver.url()))
    async with working(stage.database):
        await report(stage, "down", begin=1)
        await receiver.wait_for(1)
        delivery_id = await outbox.value("SELECT id FROM deliveries")
        await outbox.attempted(delivery_id, 1)
        await silenced(stage)
        await outbox.fall_due()
        view = await outbox.ended(delivery_id)
    assert (view.state, view.reason) == ("cancelled", "Silenced by Upgrade")
    assert view.rule is not None
    assert view.rule["type"] == "silence"
    assert len(receiver.received) == 1


@pytest.mark.parametrize(("statement", "of"), [(QUIET_CHANNEL, "channel"), (QUIET_MONITOR, "monitor")])
async def test_quiet_hours_delay_what_is_not_resolved_to_their_end(
    stage: Stage, outbox: Outbox, receiver: Receiver, statement: str, of: str
) -> None:
    await routed(stage, await outbox.channel(receiver.url()))
    await outbox.execute(statement, quiet_now())
    async with working(stage.database):
        await report(stage, "down", begin=1)
        (waiting,) = await stage.rows(OWED)
        assert (waiting["state"], waiting["waits"]) == ("pending", True)
        assert (waiting["rule"]["type"], waiting["rule"]["of"]) == ("quiet_hours", of)
        assert receiver.received == []
        await outbox.fall_due()
        await outbox.emptied()
    assert await owed(stage) == [("opened", "delivered", None)]
    assert len(receiver.received) == 1


@pytest.mark.parametrize("digests", [False, True], ids=["singly", "in digests"])
async def test_what_is_resolved_by_the_end_of_quiet_hours_is_never_told(
    stage: Stage, outbox: Outbox, receiver: Receiver, server: NtfyServer, digests: bool
) -> None:
    channel = outbox.ntfy_channel(server.url) if digests else outbox.channel(receiver.url())
    await routed(stage, await channel)
    await outbox.execute(QUIET_CHANNEL, quiet_now())
    await report(stage, "down", begin=1)
    await report(stage, "up", begin=6)
    assert await owed(stage) == [("opened", "pending", None), ("resolved", "pending", None)]
    async with working(stage.database):
        await outbox.fall_due()
        await outbox.emptied()
    assert await owed(stage) == [("opened", "cancelled", SLEPT_THROUGH), ("resolved", "cancelled", NOT_TOLD)]
    assert receiver.received == []
    assert server.published == []


async def test_openings_and_ends_of_one_digest_go_together(stage: Stage, outbox: Outbox, server: NtfyServer) -> None:
    """More than a channel tells singly, all resolved in quiet hours: their recoveries are in the digest with them."""
    channel_id = await outbox.ntfy_channel(server.url)
    incidents = [await outbox.incident() for _ in range(9)]
    openings = await outbox.owe_words(channel_id, incidents)
    await outbox.owe_words(channel_id, incidents, "resolved")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    rule = {"type": "quiet_hours", "of": "channel", "until": until}
    await outbox.execute("UPDATE deliveries SET rule = $1 WHERE id = ANY($2::uuid[])", rule, openings)
    async with working(stage.database):
        async with asyncio.timeout(20):
            while await outbox.value("SELECT count(*) FROM deliveries WHERE state = 'pending'"):
                await outbox.a_minute_passes()
                await asyncio.sleep(0.05)
    found = await stage.rows("SELECT notice, state, reason FROM deliveries")
    assert {(row["notice"], row["state"], row["reason"]) for row in found} == {
        ("opened", "cancelled", SLEPT_THROUGH),
        ("resolved", "cancelled", NOT_TOLD),
    }
    assert server.published == []


async def test_a_severity_that_is_excepted_is_told_at_night(stage: Stage, outbox: Outbox) -> None:
    await routed(stage, await outbox.channel("https://ops.example.com/in"))
    await outbox.execute(QUIET_MONITOR, quiet_now(except_severities=["major"]))
    await report(stage, "down", begin=1)
    (row,) = await stage.rows(OWED)
    assert (row["waits"], row["rule"]) == (False, None)


async def test_routes_come_and_go_while_incidents_open(stage: Stage, outbox: Outbox) -> None:
    """Whoever opens incidents and whoever deletes routes or channels never wait for each other in a circle."""
    channels = [await outbox.channel("https://ops.example.com/in", name=f"C{number}") for number in range(4)]
    routes = [await routed(stage, *channels) for _ in range(6)]

    async def open_some() -> None:
        for number in range(8):
            declared = Declaration(title=f"Number {number}", monitor_ids=[stage.monitor_id])
            await declare_incident(
                stage.database, declared, tenant_id=outbox.tenant_id, incident_id=new_id(), actor="Vera"
            )

    async def drop_routes() -> None:
        for route_id in routes:
            await delete_route(
                stage.database, tenant_id=outbox.tenant_id, route_id=route_id, check_revision=lambda _: None
            )

    async def drop_channels() -> None:
        for channel_id in reversed(channels[1:]):
            await outbox.execute("DELETE FROM channels WHERE id = $1", channel_id)

    await asyncio.gather(open_some(), open_some(), drop_routes(), drop_channels())
    assert await outbox.value("SELECT count(*) FROM routes") == 0
    assert await outbox.value("SELECT count(*) FROM incidents") == 16
    twice = "SELECT count(*) FROM (SELECT 1 FROM deliveries GROUP BY incident_id, channel_name HAVING count(*) > 1) t"
    assert await outbox.value(twice) == 0
    with pytest.raises(NotFound):
        await delete_route(
            stage.database, tenant_id=outbox.tenant_id, route_id=routes[0], check_revision=lambda _: None
        )


@pytest.mark.parametrize("all_of_them", [True, False], ids=["all are meant", "one is not"])
async def test_all_monitors_of_an_incident_decide(stage: Stage, outbox: Outbox, all_of_them: bool) -> None:
    async with stage.database.app_transaction() as conn:
        tags = ["prod"] if all_of_them else ["staging"]
        other = await seed.a_monitor(conn, outbox.tenant_id, [], number=2, name="Other", tags=tags)
    await routed(stage, await outbox.channel("https://ops.example.com/in"))
    await silenced(stage, match={"tags": ["prod"]})
    declared = Declaration(title="Both", monitor_ids=[stage.monitor_id, other])
    await declare_incident(stage.database, declared, tenant_id=outbox.tenant_id, incident_id=new_id(), actor="Vera")
    assert [state for _, state, _ in await owed(stage)] == ["cancelled" if all_of_them else "pending"]
