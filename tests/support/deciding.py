"""A stage for deciding: one tenant, one monitor, some regions, and short words for what they report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from msgspec import UNSET, UnsetType

from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from control_plane.services.installation.identity import new_id
from control_plane.store.pool import Database
from shared.results import CheckResult, Detail, Evidence, Outcome, Reason
from tests.support import seed


def now_ms() -> int:
    """The clock of this machine, which is also the test database's."""
    return time.time_ns() // 1_000_000


class Stage:
    """Slots are seconds relative to the stage's start, which lies 30 s in the past so that a few fit before now."""

    def __init__(self, database: Database, tenant_id: UUID, monitor_id: UUID, reporters: dict[str, Reporter]) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.monitor_id = monitor_id
        self.reporters = reporters
        self.start = now_ms() - 30_000

    @classmethod
    async def make(cls, database: Database, *, regions: Sequence[str], **monitor: Any) -> Self:
        async with database.app_transaction() as conn:
            tenant_id = await seed.a_tenant(conn)
            reporters, ids = {}, []
            for slug in regions:
                region_id = await seed.a_region(conn, slug)
                agent_id, _ = await seed.an_agent(conn, region_id)
                number = await conn.fetchval("SELECT number FROM agents WHERE id = $1", agent_id)
                reporters[slug] = Reporter(agent_id, number, region_id)
                ids.append(region_id)
            monitor_id = await seed.a_monitor(conn, tenant_id, ids, **monitor)
        return cls(database, tenant_id, monitor_id, reporters)

    def slot(self, at: float) -> int:
        return self.start + int(at * 1000)

    def item(
        self,
        outcome: str,
        *,
        at: float,
        check_version: int = 1,
        detail: Detail | None = None,
        dispatch_id: UUID | UnsetType = UNSET,
    ) -> CheckResult:
        bad = outcome in ("down", "degraded")
        told = detail or Detail(message="connection refused", evidence=Evidence(status_line="HTTP/1.1 500"))
        result = CheckResult(
            monitor_id=self.monitor_id,
            check_version=check_version,
            slot=self.slot(at),
            outcome=Outcome(outcome),
            reason=Reason.CONNECT if outcome == "down" else Reason.NONE,
            total=12.5,
            dispatch_id=dispatch_id,
        )
        if not bad:
            return result
        return CheckResult(**{name: getattr(result, name) for name in _PLAIN}, detail=told)

    async def send(
        self, region: str, items: Sequence[CheckResult | None], *, sent_at: int | None = None
    ) -> tuple[str, ...]:
        taken = await ingest_results(self.database, self.reporters[region], sent_at=sent_at or now_ms(), items=items)
        return taken.statuses

    async def report(self, region: str, outcome: str, *, at: float, sent_at: int | None = None) -> str:
        return (await self.send(region, [self.item(outcome, at=at)], sent_at=sent_at))[0]

    async def all_up(self) -> None:
        for region in self.reporters:
            await self.report(region, "up", at=-60)

    async def outage(self, *regions: str) -> None:
        await self.all_up()
        for region in regions:
            await self.report(region, "down", at=0)
            await self.report(region, "down", at=2)

    async def bind_channel(self, name: str = "ops") -> UUID:
        channel_id = new_id()
        async with self.database.app_transaction() as conn:
            await conn.execute(
                "INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)"
                " VALUES ($1, $2, 1, $3, 'webhook', '{}'::jsonb, 'api')",
                self.tenant_id,
                channel_id,
                name,
            )
            await conn.execute(
                "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id) VALUES ($1, $2, $3)",
                self.tenant_id,
                self.monitor_id,
                channel_id,
            )
        return channel_id

    async def age_votes(self, *, seconds: int) -> None:
        """Let all votes be older than they are: time goes by for them alone."""
        async with self.database.app() as conn:
            await conn.execute("UPDATE votes SET newest_slot = newest_slot - $1", seconds * 1000)
            await conn.execute("UPDATE monitor_states SET judged_at = judged_at - make_interval(secs => $1)", seconds)

    async def silence(self, region: str) -> None:
        """The region's agents are gone, and its vote has expired."""
        region_id = self.reporters[region].region_id
        async with self.database.app() as conn:
            await conn.execute(
                "UPDATE agents SET lease_until = now() - interval '1 minute' WHERE region_id = $1", region_id
            )
            await conn.execute("UPDATE votes SET newest_slot = newest_slot - 600000 WHERE region_id = $1", region_id)

    async def take_rechecks(self, *regions: str) -> None:
        """The agents of these regions claim all re-checks that wait for them."""
        ids = [self.reporters[region].region_id for region in regions]
        async with self.database.app() as conn:
            await conn.execute("UPDATE dispatches SET claimed_at = now() WHERE region_id = ANY($1)", ids)

    async def rows(self, statement: str, *args: Any) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *args)]

    async def state(self) -> dict[str, Any]:
        return (await self.rows("SELECT * FROM monitor_states WHERE monitor_id = $1", self.monitor_id))[0]

    async def vote(self, region: str, column: str) -> Any:
        found = await self.rows(
            "SELECT * FROM votes WHERE monitor_id = $1 AND region_id = $2",
            self.monitor_id,
            self.reporters[region].region_id,
        )
        return found[0][column] if found else None

    async def incidents(self) -> list[dict[str, Any]]:
        return await self.rows("SELECT * FROM incidents ORDER BY number")

    async def deliveries(self) -> list[dict[str, Any]]:
        return await self.rows("SELECT * FROM deliveries ORDER BY number")

    async def rechecks(self) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT d.*, r.slug FROM dispatches d JOIN regions r ON r.id = d.region_id WHERE claimed_at IS NULL"
        )

    async def event_names(self) -> list[str]:
        return [row["event"] for row in await self.rows("SELECT event FROM events ORDER BY number")]

    async def fingerprint(self) -> list[Any]:
        """Everything that a repeated batch could have changed."""
        tables = (
            "results",
            "votes",
            "monitor_states",
            "transitions",
            "incidents",
            "deliveries",
            "events",
            "dispatches",
            "certificates",
        )
        return [await self.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]


_PLAIN = ("monitor_id", "check_version", "slot", "outcome", "reason", "total", "dispatch_id")
