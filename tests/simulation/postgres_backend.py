"""The real store under the virtual clock: the same world on PostgreSQL, to hold the store in memory to it.

A schema `sim` goes before pg_catalog in the search path, so that the clock that statements ask is the world's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from control_plane.store import cases, holds, partitions
from control_plane.store.pool import Connection, Database
from shared.clock import from_unix_ms
from shared.ids import TenantId
from tests.simulation.memory_store import Committed, StoreFault
from tests.simulation.observed import Write, observe
from tests.simulation.plan import Plan, PlannedMonitor

T = TypeVar("T")

FAR_MS = 1 << 50
CLOCK = (
    "CREATE SCHEMA sim",
    "CREATE TABLE sim.clock (now_ms bigint NOT NULL)",
    *(
        f"CREATE FUNCTION sim.{name}() RETURNS timestamptz LANGUAGE sql STABLE AS"
        " $$ SELECT pg_catalog.to_timestamp(now_ms / 1000.0) FROM sim.clock $$"
        for name in ("clock_timestamp", "now", "statement_timestamp")
    ),
    "GRANT USAGE ON SCHEMA sim TO farwatch_app, farwatch_tenant",
    "GRANT SELECT ON sim.clock TO farwatch_app, farwatch_tenant",
)


class Recording:
    """A connection in a transaction that notes what it wrote, as the store in memory does."""

    def __init__(self, connection: Connection) -> None:
        self.writes: list[Write] = []
        self._connection = connection

    async def fetch(self, text: str, *args: Any) -> Any:
        observe(self.writes, text, args)
        return await self._connection.fetch(text, *args)

    async def fetchrow(self, text: str, *args: Any) -> Any:
        return await self._connection.fetchrow(text, *args)

    async def fetchval(self, text: str, *args: Any) -> Any:
        return await self._connection.fetchval(text, *args)

    async def execute(self, text: str, *args: Any) -> Any:
        observe(self.writes, text, args)
        return await self._connection.execute(text, *args)

    async def executemany(self, text: str, rows: Any) -> None:
        rows = list(rows)
        await self._connection.executemany(text, rows)
        self.writes.append((text, rows))


class RecordingDatabase:
    def __init__(self, database: Database) -> None:
        self.on_commit: Callable[[Committed], None] = lambda _session: None
        self._database = database

    @asynccontextmanager
    async def app_transaction(self) -> AsyncIterator[Recording]:
        async with self._database.app_transaction() as connection:
            recording = Recording(connection)
            yield recording
        self.on_commit(recording)

    @asynccontextmanager
    async def tenant_transaction(self, tenant_id: TenantId) -> AsyncIterator[Recording]:
        async with self._database.tenant_transaction(tenant_id) as connection:
            recording = Recording(connection)
            yield recording
        self.on_commit(recording)

    app = app_transaction

    def lane(self, region_id: int) -> AbstractAsyncContextManager[None]:
        return self._database.lane(region_id)


class PostgresBackend:
    """`dsn`: an empty migrated database of one's own, whose owner the login is. Close it."""

    def __init__(self, dsn: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._dsn = dsn
        self._now = 0
        self._told = 0
        self._real: Database
        self.database: RecordingDatabase

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._now != self._told:
            self._told = self._now
            self._loop.run_until_complete(self._execute("UPDATE sim.clock SET now_ms = $1", self._now))
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self._loop.run_until_complete(self._owner.close())
        self._loop.run_until_complete(self._real.close())
        self._loop.close()

    async def _execute(self, text: str, *args: Any) -> None:
        await self._owner.execute(text, *args)

    async def _fetch(self, text: str, *args: Any) -> list[Any]:
        rows: list[Any] = await self._owner.fetch(text, *args)
        return rows

    def _ask(self, text: str, *args: Any) -> list[Any]:
        return self.run(self._fetch(text, *args))

    # -- the world's own questions

    def on_commit(self, call: Callable[[Committed], None]) -> None:
        self.database.on_commit = call

    def fail_next(self, fault: StoreFault | None) -> None:
        assert fault is None, "the real store does not fail on demand"

    def set_clock(self, now_ms: int) -> None:
        self._now = now_ms

    def may_be_stale(self, now_ms: int) -> bool:
        async def ask() -> bool:
            found = await cases.stale_cases(self._owner, now_ms=now_ms, limit=1)
            found += await cases.due_cases(self._owner, now_ms=now_ms, limit=1)
            found += await holds.stale_holds(self._owner, now_ms=now_ms, limit=1)
            return bool(found)

        return self.run(ask())

    def may_hand_out(self, region_id: int) -> bool:
        return bool(
            self._ask(
                "SELECT FROM dispatches WHERE region_id = $1 AND claimed_at IS NULL AND expires_at > sim.now() LIMIT 1",
                region_id,
            )
        )

    def cadences(self, region_id: int) -> dict[UUID, int]:
        rows = self._ask(
            "SELECT monitor_id, cadence_s FROM assignments WHERE region_id = $1 AND cadence_s IS NOT NULL", region_id
        )
        return {row["monitor_id"]: row["cadence_s"] for row in rows}

    def set_agent(self, agent_id: UUID, *, lease_until: int | None = None, healthy: bool | None = None) -> None:
        until = None if lease_until is None else from_unix_ms(min(lease_until, FAR_MS // 16))
        self._ask(
            "UPDATE agents SET lease_until = coalesce($2, lease_until), healthy = coalesce($3, healthy) WHERE id = $1",
            agent_id,
            until,
            healthy,
        )

    def live_agents(self, region_id: int) -> list[UUID]:
        rows = self._ask(
            "SELECT id FROM agents WHERE region_id = $1 AND enabled AND healthy AND lease_until > sim.now()"
            " ORDER BY number",
            region_id,
        )
        return [row["id"] for row in rows]

    def outcomes(self) -> dict[tuple[UUID, int, int], int]:
        rows = self._ask("SELECT monitor_id, region_id, slot, outcome FROM results")
        return {(row["monitor_id"], row["region_id"], row["slot"]): row["outcome"] for row in rows}

    def notices_missing(self) -> list[tuple[str, str]]:
        rows = self._ask(
            "SELECT wanted.notice, i.number FROM incidents i"
            " JOIN (VALUES ('opened'), ('resolved')) AS wanted (notice)"
            "   ON wanted.notice = 'opened' OR i.resolution = 'recovered'"
            " JOIN monitor_channels b ON b.tenant_id = i.tenant_id AND b.monitor_id = i.monitor_id"
            " WHERE NOT EXISTS (SELECT FROM deliveries d WHERE d.incident_id = i.id AND d.channel_id = b.channel_id"
            "                     AND d.notice = wanted.notice)"
        )
        return [(row["notice"], f"incident {row['number']}") for row in rows]

    def purge(self, now_ms: int) -> None:
        self._ask("DELETE FROM dispatches WHERE expires_at < $1", from_unix_ms(now_ms - 600_000))

    # -- setting up

    def install(self, plan: Plan) -> None:
        self._loop.run_until_complete(self._install(plan))

    async def _install(self, plan: Plan) -> None:
        owner = await asyncpg.connect(self._dsn)
        for text in CLOCK:
            await owner.execute(text)
        await owner.execute("INSERT INTO sim.clock VALUES ($1)", plan.start)
        name = await owner.fetchval("SELECT current_database()")
        await owner.execute(f"ALTER DATABASE {name} SET search_path = sim, public, pg_catalog")
        await owner.close()
        self._owner = await asyncpg.connect(self._dsn)
        await partitions.make_partitions(self._owner, now_ms=plan.start)
        await self._fill(plan)
        self._real = await Database.connect(self._dsn, max_size=2)
        self.database = RecordingDatabase(self._real)

    async def _fill(self, plan: Plan) -> None:
        run = self._owner.execute
        for n, tenant_id in enumerate(plan.tenants):
            await run("INSERT INTO tenants (id, name, plan) VALUES ($1, $2, 'unlimited')", tenant_id, f"tenant {n}")
            await run("INSERT INTO tenant_counters (tenant_id) VALUES ($1)", tenant_id)
            await run(
                "INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)"
                " VALUES ($1, $1, 1, 'ops', 'webhook', '{}', 'api')",
                tenant_id,
            )
        for region_id, slug in plan.regions.items():
            made = await self._owner.fetchval("INSERT INTO regions (slug, name) VALUES ($1, $1) RETURNING id", slug)
            assert made == region_id
        for agent in plan.agents:
            number = await self._owner.fetchval(
                "INSERT INTO agents (id, region_id, name, key_digest) VALUES ($1, $2, $3, $4) RETURNING number",
                agent.id,
                agent.region_id,
                agent.name,
                agent.id.bytes,
            )
            assert number == agent.number
        for monitor in plan.monitors:
            await self._add(plan, monitor)
        for monitor in plan.monitors:
            for upstream in monitor.depends_on:
                await run(
                    "INSERT INTO monitor_dependencies (tenant_id, monitor_id, depends_on) VALUES ($1, $2, $3)",
                    monitor.tenant_id,
                    monitor.id,
                    upstream,
                )

    async def _add(self, plan: Plan, monitor: PlannedMonitor) -> None:
        run = self._owner.execute
        await run(
            'INSERT INTO monitors (tenant_id, id, number, name, kind, "check", check_version, first_slot, interval_s,'
            " regions, confirmations, region_policy, region_policy_count, alert_on, notify_recovery, backoff_when_down,"
            " write_source) VALUES ($1, $2, $3, $4, 'http', jsonb_build_object('type', 'http', 'url', $5::text,"
            " 'timeout', $6::int), 1, $7, $8, $9, $10, $11, $12, $13, true, $14, 'api')",
            *(monitor.tenant_id, monitor.id, monitor.number, monitor.name, monitor.url, monitor.timeout),
            *(monitor.first_slot, monitor.interval_s, list(monitor.regions), monitor.confirmations),
            *(monitor.policy.name, monitor.policy.k, monitor.alert_on, monitor.backs_off),
        )
        for region_id in monitor.regions:
            await run(
                "INSERT INTO assignments (region_id, monitor_id, tenant_id, check_version, window_ms, phase_ms)"
                " VALUES ($1, $2, $3, 1, $4, $5)",
                *(region_id, monitor.id, monitor.tenant_id, monitor.window_ms, monitor.phase(region_id)),
            )
        await run(
            "INSERT INTO monitor_states (tenant_id, monitor_id, assigned, since, judged_at)"
            " VALUES ($1, $2, $3, $4, $4)",
            *(monitor.tenant_id, monitor.id, len(monitor.regions), from_unix_ms(plan.start)),
        )
        await run(
            "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id) VALUES ($1, $2, $1)",
            *(monitor.tenant_id, monitor.id),
        )
