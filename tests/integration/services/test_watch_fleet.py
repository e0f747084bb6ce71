"""The watch over the fleet, on a real database."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest
from prometheus_client import REGISTRY

from control_plane.notify import transports
from control_plane.services.alerting.create_operator_channel import create_operator_channel
from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from control_plane.services.fleet.observe_agent import observe_agent
from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.services.installation.identity import new_id
from control_plane.store import leases, tenants
from control_plane.store.pool import Database
from control_plane.store.tenants import OPERATOR, TenantFilter
from shared.ids import AgentId, TenantId
from shared.protocol import Observations
from tests.support import seed
from tests.support.outbox import SEALER, WHOLE
from tests.support.reporting import now_ms

RELEASE = "1.0.0"
GONE = "UPDATE agents SET lease_until = now() - interval '31 seconds' WHERE id = $1"
BACK = "UPDATE agents SET lease_until = now() + interval '1 hour' WHERE id = $1"
LASTING = """
UPDATE agents SET health_since = health_since - interval '1 minute', skewed_since = skewed_since - interval '1 minute',
    strained_since = strained_since - interval '2 minutes'
WHERE id = $1
"""
WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""
UNWATCHED = """
UPDATE installation SET value = value || jsonb_build_object('last', now() - interval '1 minute')
WHERE name = 'fleet_watch'
"""
WATCHED_FOR_31_S = """
UPDATE installation SET value = value || jsonb_build_object('since', now() - interval '31 seconds')
WHERE name = 'fleet_watch'
"""
LONG_GONE = """
UPDATE agents SET lease_until = now() - make_interval(secs => $2), left_at = now() - make_interval(secs => $2)
WHERE id = $1
"""
INCIDENTS = "SELECT * FROM operator_incidents ORDER BY number"
OWED = "SELECT * FROM deliveries ORDER BY number"


@pytest.fixture(autouse=True)
async def watched(database: Database) -> None:
    """There has been a watch for an hour."""
    await rows(database, WATCHED)


async def rows(database: Database, statement: str, *args: Any) -> list[dict[str, Any]]:
    async with database.app() as conn:
        return [dict(row) for row in await conn.fetch(statement, *args)]


async def an_agent(database: Database, tenant_id: TenantId | None = None) -> AgentId:
    async with database.app_transaction() as conn:
        agent_id, _ = await seed.an_agent(conn, await seed.a_region(conn, "eu", tenant_id))
    return agent_id


async def a_channel(database: Database, name: str = "On call") -> UUID:
    row, _ = await create_operator_channel(
        database,
        sealer=SEALER,
        transports=transports(WHOLE),
        channel_id=new_id(),
        name=name,
        config={"type": "webhook", "url": "http://127.0.0.1:9/hook"},
        enabled=True,
    )
    return row.id


async def observed(database: Database, agent_id: AgentId, **over: Any) -> None:
    """A report that has been so for long enough."""
    said = Observations(**{"sent_at": now_ms(), "healthy": True, **over})
    await observe_agent(database, agent_id=agent_id, said=said)
    await rows(database, LASTING, agent_id)


async def test_a_lost_agent_is_one_incident_told_once_and_its_end_as_well(database: Database) -> None:
    agent_id, channel_id = await an_agent(database), await a_channel(database)
    assert await watch_fleet(database, release=RELEASE) == []
    await rows(database, GONE, agent_id)
    for _ in range(3):
        await watch_fleet(database, release=RELEASE)

    (incident,) = await rows(database, INCIDENTS)
    assert (incident["kind"], incident["subject"], incident["state"]) == ("agent_offline", str(agent_id), "triggered")
    (owed,) = await rows(database, OWED)
    assert (owed["tenant_id"], owed["channel_id"], owed["incident_id"]) == (OPERATOR, channel_id, incident["id"])
    body = msgspec.json.decode(owed["body"])
    assert (body["event"], body["tenant_id"], body["monitor"]) == ("operator.incident.opened", None, None)
    assert (body["incident"]["type"], body["incident"]["state"]) == ("agent_offline", "triggered")
    assert (body["agent"]["id"], body["region"]["id"]) == (str(agent_id), "eu")
    assert body["delivery_id"] == str(owed["id"])

    await rows(database, BACK, agent_id)
    await watch_fleet(database, release=RELEASE)
    (incident,) = await rows(database, INCIDENTS)
    assert (incident["state"], incident["resolution"]) == ("resolved", "recovered")
    opened, resolved = await rows(database, OWED)
    assert (opened["notice"], resolved["notice"], resolved["number"]) == ("opened", "resolved", opened["number"] + 1)
    body = msgspec.json.decode(resolved["body"])
    assert (body["event"], body["incident"]["state"]) == ("operator.incident.resolved", "resolved")
    assert body["incident"]["number"] == incident["number"]


async def test_many_control_planes_open_one_incident(database: Database) -> None:
    await a_channel(database)
    await rows(database, GONE, await an_agent(database))
    await asyncio.gather(*(watch_fleet(database, release=RELEASE) for _ in range(8)))
    assert len(await rows(database, INCIDENTS)) == len(await rows(database, OWED)) == 1


async def test_a_control_plane_that_was_away_holds_no_silence_against_agents(database: Database) -> None:
    await rows(database, GONE, await an_agent(database))
    await rows(database, UNWATCHED)
    for _ in range(2):
        assert await watch_fleet(database, release=RELEASE) == []
    await rows(database, WATCHED_FOR_31_S)
    assert len(await watch_fleet(database, release=RELEASE)) == 1


async def test_an_agent_that_said_goodbye_is_not_offline_for_ten_minutes(database: Database) -> None:
    agent_id = await an_agent(database)
    async with database.app_transaction() as conn:
        await leases.leave(conn, agent_id=agent_id)
    await rows(database, LONG_GONE, agent_id, 599)
    assert await watch_fleet(database, release=RELEASE) == []
    await rows(database, LONG_GONE, agent_id, 601)
    (change,) = await watch_fleet(database, release=RELEASE)
    assert change.reason.startswith("It was stopped and has not come back since")


async def test_a_restart_does_not_pass_for_a_cure(database: Database) -> None:
    agent_id = await an_agent(database)
    await observed(database, agent_id, healthy=False, reason="No resolver answers")
    await watch_fleet(database, release=RELEASE)
    async with database.app_transaction() as conn:
        await leases.greet(conn, agent_id=agent_id, boot_id=new_id(), version=RELEASE, capabilities=(), lease_s=3600)
    assert await watch_fleet(database, release=RELEASE) == []
    await rows(database, LASTING, agent_id)
    (change,) = await watch_fleet(database, release=RELEASE)
    assert change.resolution == "recovered"


async def test_a_trouble_of_several_kinds_is_one_incident(database: Database) -> None:
    agent_id = await an_agent(database)
    trouble = {"healthy": False, "reason": "No resolver answers", "clock_offset": 50_000.0, "saturation": 1.0}
    await observed(database, agent_id, **trouble)
    await watch_fleet(database, release=RELEASE)
    (incident,) = await rows(database, INCIDENTS)
    assert (incident["kind"], incident["reason"]) == ("agent_offline", "Its self-test fails: No resolver answers")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"clock_offset": 50_000.0}, "agent_skewed"),
        ({"clock_offset": -50_000.0}, "agent_skewed"),
        ({"saturation": 1.0}, "agent_saturated"),
        ({"lag": 9_000.0}, "agent_saturated"),
    ],
)
async def test_what_an_agent_says_of_itself_opens_and_ends_an_incident(
    database: Database, said: dict[str, Any], kind: str
) -> None:
    agent_id = await an_agent(database)
    await observed(database, agent_id, **said)
    await watch_fleet(database, release=RELEASE)
    assert [row["kind"] for row in await rows(database, INCIDENTS)] == [kind]
    await observed(database, agent_id)
    await watch_fleet(database, release=RELEASE)
    assert [row["state"] for row in await rows(database, INCIDENTS)] == ["resolved"]


async def test_a_batch_dated_too_far_off_is_skew(database: Database) -> None:
    agent_id = await an_agent(database)
    (agent,) = await rows(database, "SELECT number, region_id FROM agents")
    reporter = Reporter(agent_id, agent["number"], agent["region_id"])
    await ingest_results(database, reporter, sent_at=now_ms() - 40_000, items=[])
    await rows(database, LASTING, agent_id)
    await watch_fleet(database, release=RELEASE)
    (incident,) = await rows(database, INCIDENTS)
    assert incident["kind"] == "agent_skewed"
    assert incident["reason"] == "What it sends is dated 40 s behind the server's clock"


async def test_an_outdated_agent_is_told_of_until_it_is_updated(database: Database) -> None:
    agent_id = await an_agent(database)
    await rows(database, "UPDATE agents SET version = '0.9.4' WHERE id = $1", agent_id)
    await watch_fleet(database, release=RELEASE)
    await watch_fleet(database, release="0.9.0")  # an older control plane, not yet exchanged
    assert [row["state"] for row in await rows(database, INCIDENTS)] == ["triggered"]
    await rows(database, "UPDATE agents SET version = '1.0.3' WHERE id = $1", agent_id)
    await watch_fleet(database, release=RELEASE)
    assert [row["state"] for row in await rows(database, INCIDENTS)] == ["resolved"]


async def test_of_a_private_region_its_tenant_hears_by_events_and_the_operators_channels_nothing(
    database: Database,
) -> None:
    await a_channel(database)
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
    agent_id = await an_agent(database, tenant_id)
    await rows(database, GONE, agent_id)
    await watch_fleet(database, release=RELEASE)
    await rows(database, BACK, agent_id)
    await watch_fleet(database, release=RELEASE)
    events = await rows(
        database, "SELECT event, data, number FROM events WHERE tenant_id = $1 ORDER BY number", tenant_id
    )
    assert [event["event"] for event in events] == ["agent.offline", "agent.recovered"]
    assert msgspec.json.decode(events[0]["data"])["agent"]["id"] == str(agent_id)
    assert len(await rows(database, INCIDENTS)) == 1
    assert await rows(database, OWED) == []


@pytest.mark.parametrize(
    ("statement", "resolution"),
    [
        ("DELETE FROM agents WHERE id = $1", "removed"),
        ("UPDATE agents SET enabled = false WHERE id = $1", "disabled"),
        ("UPDATE regions SET enabled = false FROM agents a WHERE a.id = $1", "disabled"),
    ],
)
async def test_nobody_waits_for_an_agent_that_is_not_wanted_any_more(
    database: Database, statement: str, resolution: str
) -> None:
    await a_channel(database)
    agent_id = await an_agent(database)
    await rows(database, GONE, agent_id)
    await watch_fleet(database, release=RELEASE)
    await rows(database, statement, agent_id)
    await watch_fleet(database, release=RELEASE)
    (incident,) = await rows(database, INCIDENTS)
    assert (incident["state"], incident["resolution"]) == ("resolved", resolution)
    told = [msgspec.json.decode(row["body"]) for row in await rows(database, OWED)]
    assert [(body["event"], body["agent"]["id"]) for body in told] == [
        ("operator.incident.opened", str(agent_id)),
        ("operator.incident.resolved", str(agent_id)),
    ]


async def test_a_channel_made_after_the_opening_hears_nothing_of_the_end(database: Database) -> None:
    agent_id = await an_agent(database)
    await rows(database, GONE, agent_id)
    await watch_fleet(database, release=RELEASE)
    await a_channel(database)
    await rows(database, BACK, agent_id)
    await watch_fleet(database, release=RELEASE)
    assert await rows(database, OWED) == []


async def test_the_number_of_open_incidents_is_a_metric(database: Database) -> None:
    agent_id = await an_agent(database)

    def shown() -> float | None:
        return REGISTRY.get_sample_value("farwatch_operator_incidents_open", {"kind": "agent_offline"})

    await rows(database, GONE, agent_id)
    await watch_fleet(database, release=RELEASE)
    assert shown() == 1
    await rows(database, BACK, agent_id)
    await watch_fleet(database, release=RELEASE)
    assert shown() == 0


async def test_the_operators_own_rows_are_no_tenant(database: Database) -> None:
    await a_channel(database)
    async with database.app() as conn:
        assert not await tenants.exist(conn)
        assert await tenants.get(conn, tenant_id=OPERATOR) is None
        assert await tenants.list_all(conn, wanted=TenantFilter(), limit=10, offset=0) == ([], 0)
