"""The watch over whole regions, on a real database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from prometheus_client import REGISTRY

from control_plane.notify import transports
from control_plane.services.alerting.create_operator_channel import create_operator_channel
from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.services.installation.identity import new_id
from control_plane.store import fleet_regions
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.outbox import SEALER, WHOLE
from tests.support.reporting import now_ms

RELEASE = "1.0.0"
WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""
WATCHED_AGAIN = """
UPDATE installation SET value = jsonb_build_object('since', now(), 'last', now()) WHERE name = 'fleet_watch'
"""
ENDED = """
UPDATE agents a SET lease_until = now() - make_interval(secs => $2)
FROM regions r WHERE r.id = a.region_id AND r.slug = $1
"""
BACK = """
UPDATE agents a SET lease_until = now() + interval '1 hour'
FROM regions r WHERE r.id = a.region_id AND r.slug = $1
"""
UNWELL = """
UPDATE agents a SET healthy = false, health_since = now() - interval '31 seconds', health_reason = 'No resolver answers'
FROM regions r WHERE r.id = a.region_id AND r.slug = $1
"""
JUDGED = "UPDATE monitor_states SET verdict = 'up'"
SKEWED = "UPDATE agents SET skewed = true, skewed_since = now() - interval '1 minute' WHERE region_id = $1"
EARLIER = """
UPDATE installation i SET value = (
    SELECT jsonb_object_agg(key, one || jsonb_build_object('since', (one->>'since')::timestamptz - $1::interval))
    FROM jsonb_each(i.value) AS each (key, one))
WHERE name = 'fleet_regions'
"""
CLEARED = """
UPDATE operator_incidents
SET details = details || jsonb_build_object('clear_since', (details->>'clear_since')::timestamptz - interval '61 s')
"""
INCIDENTS = "SELECT * FROM operator_incidents ORDER BY number"
OWED = "SELECT * FROM deliveries ORDER BY number"
INSERT_VOTES = """
INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms, newest_slot, vote)
SELECT a.monitor_id, a.region_id, a.tenant_id, a.check_version, a.window_ms, $1, 'up' FROM assignments a
"""


async def rows(database: Database, statement: str, *args: Any) -> list[dict[str, Any]]:
    async with database.app() as conn:
        return [dict(row) for row in await conn.fetch(statement, *args)]


class Fleet:
    """Regions with two agents each, and monitors that have just been heard from all of theirs."""

    def __init__(self, database: Database, tenant_id: TenantId, regions: dict[str, int]) -> None:
        self.database, self.tenant_id, self.regions = database, tenant_id, regions

    async def watch(self) -> list[tuple[str, str | None]]:
        changes = await watch_fleet(self.database, release=RELEASE)
        return [(change.kind, change.resolution) for change in changes]

    async def monitors(self, count: int, *regions: str) -> list[UUID]:
        async with self.database.app_transaction() as conn:
            ids = [self.regions[slug] for slug in regions]
            return [await seed.a_monitor(conn, self.tenant_id, ids) for _ in range(count)]

    async def lose(self, *regions: str, seconds: float = 31) -> None:
        for slug in regions:
            await rows(self.database, ENDED, slug, seconds)

    async def find(self, *regions: str) -> None:
        """They are back, and have been for longer than it takes to be believed."""
        for slug in regions:
            await rows(self.database, BACK, slug)
        await self.watch()
        await rows(self.database, EARLIER, _seconds(31))

    async def open_kinds(self) -> list[tuple[str, str]]:
        found = await rows(self.database, INCIDENTS)
        return [(row["kind"], row["subject"]) for row in found if row["state"] != "resolved"]

    def of(self, slug: str) -> str:
        return str(self.regions[slug])


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


async def a_fleet(database: Database, slugs: Sequence[str] = ("eu", "us", "ap"), *, private: bool = False) -> Fleet:
    """Everything is well and has been for a while."""
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        regions = {slug: await seed.a_region(conn, slug, tenant_id if private else None) for slug in slugs}
        for region_id in regions.values():
            for _ in range(2):
                await seed.an_agent(conn, region_id)
    await rows(database, WATCHED)
    await create_operator_channel(
        database,
        sealer=SEALER,
        transports=transports(WHOLE),
        channel_id=new_id(),
        name="On call",
        config={"type": "webhook", "url": "http://127.0.0.1:9/hook"},
        enabled=True,
    )
    fleet = Fleet(database, tenant_id, regions)
    await fleet.watch()
    await rows(database, EARLIER, _seconds(3600))
    return fleet


async def test_a_silent_region_is_one_incident_in_place_of_one_for_each_agent(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(2, "eu")
    await fleet.lose("eu", seconds=29)
    assert await fleet.watch() == []
    await fleet.lose("eu", seconds=31)
    await rows(database, EARLIER, _seconds(3))
    for _ in range(3):
        await fleet.watch()

    (incident,) = await rows(database, INCIDENTS)
    assert (incident["kind"], incident["subject"]) == ("region_silent", fleet.of("eu"))
    assert (incident["severity"], incident["agent_id"]) == ("major", None)
    (owed,) = await rows(database, OWED)
    body = msgspec.json.decode(owed["body"])
    assert (body["incident"]["type"], body["agent"], body["region"]["id"]) == ("region_silent", None, "eu")
    assert body["incident"]["cause"].startswith("Region eu is silent. No agent of it has been live and well since ")
    assert await rows(database, "SELECT * FROM incidents") == []

    await rows(database, BACK, "eu")
    assert await fleet.watch() == []
    await rows(database, EARLIER, _seconds(31))
    assert await fleet.watch() == [("region_silent", "recovered")]
    assert [row["notice"] for row in await rows(database, OWED)] == ["opened", "resolved"]


async def test_a_region_all_of_whose_agents_are_unwell_is_silent(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(1, "eu", "us", "ap")
    await rows(database, UNWELL, "eu")
    assert await fleet.watch() == [("region_silent", None)]


async def test_one_lost_agent_of_two_is_the_agents_own_incident_and_stays_it(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(1, "eu", "us", "ap")
    first, *_ = await rows(database, "SELECT id FROM agents WHERE region_id = $1 ORDER BY id", fleet.regions["eu"])
    await rows(database, "UPDATE agents SET lease_until = now() - interval '40 s' WHERE id = $1", first["id"])
    assert await fleet.watch() == [("agent_offline", None)]
    await fleet.lose("eu", seconds=35)
    assert await fleet.watch() == [("region_silent", None)]
    assert await fleet.open_kinds() == [("agent_offline", str(first["id"])), ("region_silent", fleet.of("eu"))]


async def test_nobody_waits_for_a_region_without_monitors(database: Database) -> None:
    fleet = await a_fleet(database, ("eu",))
    await fleet.lose("eu")
    assert await fleet.watch() == [("agent_offline", None)] * 2


async def test_several_silent_regions_are_one_incident_each(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(1, "eu")
    await fleet.monitors(1, "us")
    await fleet.monitors(4, "eu", "us", "ap")
    await fleet.monitors(30, "us", "ap")
    await rows(database, "UPDATE monitors SET region_policy = 'any'")
    await fleet.lose("eu", "us")
    assert await fleet.watch() == [("region_silent", None)] * 2


async def test_more_than_a_quarter_of_the_monitors_is_one_incident_for_all(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(3, "eu", "us", "ap")
    await fleet.monitors(6, "eu")
    await fleet.lose("eu", "us")
    assert await fleet.watch() == [("monitors_silent", None)]
    assert await fleet.watch() == []
    assert await fleet.open_kinds() == [("monitors_silent", "installation")]
    async with database.app() as conn:
        notice = await fleet_regions.find_open(conn, kind="monitors_silent")
    assert notice is not None
    assert notice.reason == "3 of 3 monitors with several regions cannot be judged (100%)"

    await fleet.find("us")
    assert await fleet.watch() == []
    await rows(database, CLEARED)
    # The larger trouble is over; what is left of it is a region's.
    assert sorted(await fleet.watch()) == [("monitors_silent", "recovered"), ("region_silent", None)]


async def test_a_quarter_exactly_is_not_more(database: Database) -> None:
    fleet = await a_fleet(database, ("eu", "us", "ap", "sa"))
    await fleet.monitors(1, "eu", "us")
    await fleet.monitors(3, "ap", "sa")
    await fleet.lose("eu", "us")
    assert await fleet.watch() == [("region_silent", None)] * 2


async def test_regions_that_are_lost_together_are_told_of_together(database: Database) -> None:
    """Leases end one after another; the first regions wait for those that make them one incident, within 90 s."""
    fleet = await a_fleet(database)
    await fleet.monitors(3, "eu", "us", "ap")
    await fleet.lose("eu", seconds=35)
    await fleet.lose("us", seconds=20)
    assert await fleet.watch() == []
    await rows(database, EARLIER, _seconds(12))
    assert await fleet.watch() == [("monitors_silent", None)]


async def test_a_region_that_was_told_of_long_ago_does_not_keep_later_ones_from_being_told_together(
    database: Database,
) -> None:
    fleet = await a_fleet(database, ("eu", "us", "ap", "sa", "af"))
    await fleet.monitors(3, *fleet.regions)
    await fleet.lose("eu", seconds=3000)
    assert await fleet.watch() == [("region_silent", None)]
    await fleet.lose("us", seconds=35)
    await fleet.lose("ap", seconds=20)
    assert await fleet.watch() == []
    await rows(database, EARLIER, _seconds(12))
    assert await fleet.watch() == [("monitors_silent", None)]
    assert await fleet.open_kinds() == [("region_silent", fleet.of("eu")), ("monitors_silent", "installation")]


async def test_no_region_waits_for_others_without_end(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(3, "eu", "us", "ap")
    await fleet.lose("eu", seconds=61)
    await fleet.lose("us", seconds=20)
    assert await fleet.watch() == [("region_silent", None)]


async def test_verdicts_that_all_run_out_are_a_silence_too(database: Database) -> None:
    fleet = await a_fleet(database)
    monitors = await fleet.monitors(4, "eu", "us", "ap")
    await rows(database, INSERT_VOTES, now_ms())
    await rows(database, JUDGED)
    assert await fleet.watch() == []
    await rows(database, "UPDATE monitor_states SET verdict = 'unknown' WHERE monitor_id = ANY($1)", monitors[:2])
    assert await fleet.watch() == [], "votes that have not run out make a monitor new, not lost"
    await rows(
        database, "UPDATE votes SET newest_slot = $2 WHERE monitor_id = ANY($1)", monitors[:2], now_ms() - 500_000
    )
    await rows(database, WATCHED_AGAIN)
    assert await fleet.watch() == [], "after an outage of ours, agents are given time to send what they have"
    await rows(database, "DELETE FROM installation WHERE name = 'fleet_watch'")
    await rows(database, WATCHED)
    assert await fleet.watch() == [("monitors_silent", None)], "and nothing of each region besides"


async def test_new_monitors_are_not_silent(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(4, "eu", "us", "ap")
    assert await fleet.watch() == []


async def test_votes_that_run_out_in_a_live_region_are_one_incident_of_it(database: Database) -> None:
    fleet = await a_fleet(database)
    monitors = await fleet.monitors(3, "eu", "us", "ap")
    await rows(database, INSERT_VOTES, now_ms())
    await rows(database, JUDGED)
    late = "UPDATE votes SET newest_slot = $3::bigint - window_ms WHERE monitor_id = ANY($1) AND region_id = $2"
    await rows(database, late, monitors[:2], fleet.regions["eu"], now_ms() - 50_000)
    assert await fleet.watch() == []
    await rows(database, late, monitors[:2], fleet.regions["eu"], now_ms() - 61_000)
    assert await fleet.watch() == [("coverage_lost", None)]
    (incident,) = await rows(database, INCIDENTS)
    assert (incident["subject"], incident["severity"]) == (fleet.of("eu"), "minor")
    assert incident["reason"] == "Its agents are live, but votes of 2 of its 3 monitors have expired"
    labels = {"region": "eu"}
    assert REGISTRY.get_sample_value("farwatch_region_votes_expired", labels) == 2
    assert REGISTRY.get_sample_value("farwatch_region_monitors", labels) == 3
    assert REGISTRY.get_sample_value("farwatch_region_live_agents", labels) == 2

    await rows(database, late, monitors[:2], fleet.regions["eu"], now_ms() + 60_000)
    assert await fleet.watch() == []
    await rows(database, late, monitors[:1], fleet.regions["eu"], now_ms() - 61_000)
    assert await fleet.watch() == []
    (incident,) = await rows(database, INCIDENTS)
    assert incident["details"]["clear_since"] is None, "a relapse is the same incident"
    await rows(database, late, monitors[:1], fleet.regions["eu"], now_ms() + 60_000)
    await fleet.watch()
    await rows(database, CLEARED)
    assert await fleet.watch() == [("coverage_lost", "recovered")]


async def test_a_region_that_is_back_has_a_whole_window_to_renew_its_votes(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(1, "eu")
    await rows(database, INSERT_VOTES, now_ms() - 3_600_000)
    await fleet.lose("eu", seconds=600)
    assert await fleet.watch() == [("region_silent", None)]
    await fleet.find("eu")
    assert await fleet.watch() == [("region_silent", "recovered")]
    await rows(database, EARLIER, _seconds(120))
    assert await fleet.watch() == []
    await rows(database, EARLIER, _seconds(120))
    assert await fleet.watch() == [("coverage_lost", None)]


async def test_an_agent_that_is_skewed_explains_votes_that_run_out(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(1, "eu", "us", "ap")
    await rows(database, JUDGED)
    await rows(database, SKEWED, fleet.regions["eu"])
    await fleet.watch()
    await rows(database, INSERT_VOTES, now_ms())
    await rows(database, "UPDATE votes SET newest_slot = 1 WHERE region_id = $1", fleet.regions["eu"])
    await fleet.watch()
    assert {kind for kind, _ in await fleet.open_kinds()} == {"agent_skewed"}


@pytest.mark.parametrize(
    ("statement", "resolution"),
    [
        ("UPDATE regions SET enabled = false", "disabled"),
        ("UPDATE monitors SET enabled = false", "unassigned"),
        ("UPDATE tenants SET suspended_at = now()", "unassigned"),
        ("DELETE FROM regions", "removed"),
    ],
)
async def test_nobody_waits_for_a_region_that_is_not_wanted_any_more(
    database: Database, statement: str, resolution: str
) -> None:
    fleet = await a_fleet(database, ("eu",))
    await fleet.monitors(1, "eu")
    await fleet.lose("eu")
    assert await fleet.watch() == [("region_silent", None)]
    await rows(database, statement)
    assert ("region_silent", resolution) in await fleet.watch()


async def test_of_a_private_region_its_tenant_hears_by_events_and_the_operators_channels_nothing(
    database: Database,
) -> None:
    fleet = await a_fleet(database, private=True)
    await fleet.monitors(2, "eu", "us", "ap")
    await fleet.lose("eu", "us", "ap")
    assert await fleet.watch() == [("region_silent", None)] * 3
    await fleet.find("eu", "us", "ap")
    await fleet.watch()
    events = await rows(
        database, "SELECT event, data FROM events WHERE tenant_id = $1 ORDER BY number", fleet.tenant_id
    )
    assert [event["event"] for event in events] == ["region.silent"] * 3 + ["region.recovered"] * 3
    assert msgspec.json.decode(events[0]["data"])["region"]["id"] == "eu"
    assert await rows(database, OWED) == []


async def test_the_health_of_the_regions_is_read_at_a_glance(database: Database) -> None:
    fleet = await a_fleet(database)
    await fleet.monitors(4, "eu", "us")
    await rows(database, INSERT_VOTES, now_ms())
    await fleet.lose("us", seconds=40)
    await fleet.watch()
    await rows(database, "UPDATE agents SET saturation = 0.5, lag_ms = 7")
    await rows(database, "UPDATE votes SET newest_slot = 1 WHERE region_id = $1", fleet.regions["us"])
    async with database.app() as conn:
        found, total = await fleet_regions.health(conn, now_ms=now_ms(), limit=10, offset=0)
    assert total == 3
    ap, eu, us = found
    assert (ap.state, ap.assignments, ap.share_without_vote) == ("ok", 0, None)
    assert (eu.state, eu.live, eu.without_vote, eu.saturation, eu.lag_ms, eu.alerts) == ("ok", 2, 0, 0.5, 7, [])
    assert (us.state, us.live, us.share_without_vote, us.saturation) == ("silent", 0, 1.0, None)
    assert us.silent_since is not None
