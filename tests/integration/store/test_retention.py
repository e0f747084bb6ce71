from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from control_plane.store import retention
from control_plane.store.pool import Connection, Database
from tests.support.seed import a_monitor, a_region, a_tenant, new_id

Forget = Callable[..., Awaitable[int]]


async def _events(connection: Connection, age: str, count: int) -> None:
    tenant_id = await a_tenant(connection)
    await connection.execute(
        "INSERT INTO events (tenant_id, number, at, event, data)"
        f" SELECT $1, n, now() - interval '{age}', 'verdict.changed', '{{}}' FROM generate_series(1, $2) AS n",
        tenant_id, count,
    )  # fmt: skip


async def _replies(connection: Connection, age: str, count: int) -> None:
    tenant_id = await a_tenant(connection)
    await connection.execute(
        "INSERT INTO idempotency_keys (tenant_id, route, key, body_digest, created_at)"
        f" SELECT $1, 'POST /x', n::text, '', now() - interval '{age}' FROM generate_series(1, $2) AS n",
        tenant_id, count,
    )  # fmt: skip


async def _dispatches(connection: Connection, age: str, count: int) -> None:
    region_id = await a_region(connection, f"r-{new_id().hex[-12:]}")
    await connection.execute(
        "INSERT INTO dispatches (id, region_id, tenant_id, kind, slot, expires_at)"
        f" SELECT gen_random_uuid(), $1, $2, 'test', 1, now() - interval '{age}' FROM generate_series(1, $3)",
        region_id, new_id(), count,
    )  # fmt: skip


async def _tombstones(connection: Connection, age: str, count: int) -> None:
    region_id = await a_region(connection, f"r-{new_id().hex[-12:]}")
    await connection.execute(
        "INSERT INTO assignments (region_id, monitor_id, tenant_id, check_version, window_ms, phase_ms, removed_at)"
        f" SELECT $1, gen_random_uuid(), $2, 1, 1, 1, now() - interval '{age}' FROM generate_series(1, $3)",
        region_id, new_id(), count,
    )  # fmt: skip


async def _deliveries(connection: Connection, age: str, count: int) -> None:
    tenant_id = await a_tenant(connection)
    await connection.execute(
        "INSERT INTO deliveries"
        " (tenant_id, id, number, channel_name, channel_kind, event, notice, body, state, due_at, finished_at)"
        " SELECT $1, gen_random_uuid(), n, 'c', 'webhook', 'incident.opened', 'opened', '{}', 'delivered', now(),"
        f" now() - interval '{age}' FROM generate_series(1, $2) AS n",
        tenant_id, count,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO delivery_attempts"
        " SELECT tenant_id, id, 1, now(), 5, 'delivered' FROM deliveries WHERE tenant_id = $1",
        tenant_id,
    )


async def _incidents(connection: Connection, age: str, count: int) -> None:
    tenant_id = await a_tenant(connection)
    await connection.execute(
        "INSERT INTO incidents (tenant_id, id, number, severity, cause, state, started_at, opened_at, resolved_at)"
        " SELECT $1, gen_random_uuid(), n, 'major', 'Down', 'resolved', now(), now(),"
        f" now() - interval '{age}' FROM generate_series(1, $2) AS n",
        tenant_id, count,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO incident_events (tenant_id, incident_id, id, kind, at)"
        " SELECT tenant_id, id, gen_random_uuid(), 'opened', now() FROM incidents WHERE tenant_id = $1",
        tenant_id,
    )


async def _transitions(connection: Connection, age: str, count: int) -> None:
    tenant_id = await a_tenant(connection)
    monitor_id = await a_monitor(connection, tenant_id, [])
    await connection.execute(
        "INSERT INTO transitions (tenant_id, monitor_id, at, number, previous, verdict, reason)"
        f" SELECT $1, $2, now() - interval '{age}', n, 'up', 'down', 'x' FROM generate_series(1, $3) AS n",
        tenant_id, monitor_id, count,
    )  # fmt: skip


async def _certificates(connection: Connection, age: str, count: int) -> None:
    tenant_id = await a_tenant(connection)
    monitor_id = await a_monitor(connection, tenant_id, [])
    await connection.execute(
        "INSERT INTO certificates (tenant_id, monitor_id, fingerprint, first_seen, last_seen, region)"
        f" SELECT $1, $2, n::text, now() - interval '500 days', now() - interval '{age}', 'eu'"
        " FROM generate_series(1, $3) AS n",
        tenant_id, monitor_id, count,
    )  # fmt: skip


class Case(NamedTuple):
    table: str
    fill: Callable[[Connection, str, int], Awaitable[None]]
    forget: Forget
    old: str
    young: str


async def _windows(connection: Connection, age: str, count: int) -> None:
    await _held(connection, age, count, ended=True)


async def _occurrences(connection: Connection, age: str, count: int) -> None:
    await _held(connection, age, count, ended=False)


async def _held(connection: Connection, age: str, count: int, *, ended: bool) -> None:
    """Maintenance windows that held so long ago, once each; not `ended`: they may hold again."""
    tenant_id = await a_tenant(connection)
    await connection.execute(
        "INSERT INTO maintenance_windows"
        " (tenant_id, id, number, title, starts_at, cron, duration_s, ended_at, write_source)"
        " SELECT $1, gen_random_uuid(), n, 'w', now() - interval '500 days', '0 0 * * *', 60,"
        f" CASE WHEN $3 THEN now() - interval '{age}' END, 'api' FROM generate_series(1, $2) AS n",
        tenant_id, count, ended,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO maintenance_occurrences (tenant_id, window_id, starts_at, ends_at)"
        f" SELECT tenant_id, id, starts_at, now() - interval '{age}' FROM maintenance_windows WHERE tenant_id = $1",
        tenant_id,
    )


async def _silences(connection: Connection, age: str, count: int) -> None:
    tenant_id = await a_tenant(connection)
    await connection.execute(
        "INSERT INTO silences (tenant_id, id, name, starts_at, ends_at, created_by, write_source)"
        f" SELECT $1, gen_random_uuid(), 's', now() - interval '500 days', now() - interval '{age}', 'x', 'api'"
        " FROM generate_series(1, $2)",
        tenant_id, count,
    )  # fmt: skip


async def _spells(connection: Connection, age: str, count: int) -> None:
    await connection.execute(
        "INSERT INTO ping_door_spells (id, opened_at, seen_at) SELECT gen_random_uuid(), now() - interval '500 days',"
        f" now() - interval '{age}' FROM generate_series(1, $1)",
        count,
    )


async def _refusals(connection: Connection, age: str, count: int) -> None:
    await connection.execute(
        "INSERT INTO ping_door_refusals (from_at, until_at, pings) SELECT now() - interval '500 days',"
        f" now() - interval '{age}', 1 FROM generate_series(1, $1)",
        count,
    )


CASES = [
    Case("events", _events, retention.forget_events, "25 hours", "23 hours"),
    Case("idempotency_keys", _replies, retention.forget_replies, "25 hours", "23 hours"),
    Case("dispatches", _dispatches, retention.forget_dispatches, "6 minutes", "1 minute"),
    Case("assignments", _tombstones, retention.forget_assignments, "25 hours", "23 hours"),
    Case("deliveries", _deliveries, retention.forget_deliveries, "91 days", "89 days"),
    Case("incidents", _incidents, retention.forget_incidents, "401 days", "399 days"),
    Case("maintenance_windows", _windows, retention.forget_windows, "401 days", "399 days"),
    Case("maintenance_occurrences", _occurrences, retention.forget_occurrences, "401 days", "399 days"),
    Case("silences", _silences, retention.forget_silences, "401 days", "399 days"),
    Case("ping_door_spells", _spells, retention.forget_spells, "401 days", "399 days"),
    Case("ping_door_refusals", _refusals, retention.forget_refusals, "401 days", "399 days"),
    Case("certificates", _certificates, retention.forget_certificates, "401 days", "399 days"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.table for case in CASES])
async def test_old_rows_go_in_batches_and_young_ones_stay(case: Case, database: Database) -> None:
    async with database.app() as connection:
        await case.fill(connection, case.old, 5)
        await case.fill(connection, case.young, 3)
    async with database.owner() as connection:
        assert [await case.forget(connection, limit=2) for _ in range(4)] == [2, 2, 1, 0]
        assert await connection.fetchval(f"SELECT count(*) FROM {case.table}") == 3


async def test_the_last_transition_before_the_horizon_stays_since_it_says_what_holds(database: Database) -> None:
    async with database.app() as connection:
        await _transitions(connection, "401 days", 5)
        await _transitions(connection, "399 days", 3)
    async with database.owner() as connection:
        assert [await retention.forget_transitions(connection, limit=3) for _ in range(3)] == [3, 1, 0]
        assert await connection.fetchval("SELECT count(*) FROM transitions WHERE at < now() - interval '400 days'") == 1
        assert await connection.fetchval("SELECT count(*) FROM transitions") == 4


async def test_the_newest_spell_of_the_door_stays_since_it_says_when_it_closed(database: Database) -> None:
    async with database.app() as connection:
        await _spells(connection, "402 days", 2)
        await _spells(connection, "401 days", 1)
    async with database.owner() as connection:
        assert await retention.forget_spells(connection) == 2


async def test_attempts_go_with_their_delivery(database: Database) -> None:
    async with database.app() as connection:
        await _deliveries(connection, "91 days", 2)
    async with database.owner() as connection:
        await retention.forget_deliveries(connection)
        assert await connection.fetchval("SELECT count(*) FROM delivery_attempts") == 0


async def test_a_pending_delivery_is_never_forgotten(database: Database) -> None:
    async with database.app() as connection:
        await _deliveries(connection, "91 days", 1)
        await connection.execute("UPDATE deliveries SET state = 'pending'")
    async with database.owner() as connection:
        assert await retention.forget_deliveries(connection) == 0


async def test_the_timeline_goes_with_its_incident(database: Database) -> None:
    async with database.app() as connection:
        await _incidents(connection, "401 days", 2)
    async with database.owner() as connection:
        assert await retention.forget_incidents(connection) == 2
        assert await connection.fetchval("SELECT count(*) FROM incident_events") == 0


async def test_an_incident_that_is_open_or_still_owed_to_somebody_is_never_forgotten(database: Database) -> None:
    async with database.app() as connection:
        await _incidents(connection, "401 days", 2)
        await connection.execute("UPDATE incidents SET state = 'triggered' WHERE number = 1")
        await connection.execute(
            "INSERT INTO deliveries (tenant_id, id, number, channel_name, channel_kind, incident_id, event, notice,"
            " body, due_at) SELECT tenant_id, id, 1, 'c', 'webhook', id, 'incident.opened', 'opened', '{}', now()"
            " FROM incidents WHERE number = 2"
        )
    async with database.owner() as connection:
        assert await retention.forget_incidents(connection) == 0


async def test_a_tombstone_takes_its_vote_along_and_a_live_assignment_keeps_its_own(database: Database) -> None:
    async with database.app_transaction() as connection:
        tenant_id = await a_tenant(connection)
        regions = [await a_region(connection, slug) for slug in ("eu", "us")]
        await a_monitor(connection, tenant_id, regions)
        await connection.execute(
            "INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms)"
            " SELECT monitor_id, region_id, tenant_id, check_version, window_ms FROM assignments"
        )
        await connection.execute(
            "UPDATE assignments SET removed_at = now() - interval '2 days' WHERE region_id = $1", regions[0]
        )
    async with database.owner() as connection:
        assert await retention.forget_assignments(connection) == 1
        assert await connection.fetchval("SELECT array_agg(region_id) FROM votes") == [regions[1]]
