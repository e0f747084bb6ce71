"""A served control plane with published pages, for tests of what the public is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from control_plane.settings import Settings
from control_plane.store.pool import Database
from tests.support.pages import a_component, a_page, a_past
from tests.support.seed import a_monitor, a_region, new_id
from tests.support.serving import SETTINGS, ControlPlane, control_plane

INCIDENT = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, origin, severity, state, phase, cause, started_at,
    opened_at, resolved_at, title, public_title, public_description)
VALUES ($1, $2, (SELECT count(*) + 1 FROM incidents), $3, 'monitor', $4, $5, $6, 'secret cause', $7, $7, $8,
    'inner title', $9, $10)
"""
UPDATE = """
INSERT INTO incident_updates (tenant_id, incident_id, id, phase, text, at, actor) VALUES ($1, $2, $3, $4, $5, $6, 'Ann')
"""
WINDOW = """
INSERT INTO maintenance_windows (tenant_id, id, number, title, description, public, monitors, starts_at, ends_at,
    next_starts_at, next_ends_at, write_source)
VALUES ($1, $2, (SELECT count(*) + 1 FROM maintenance_windows), $3, $4, true, $5, $6, $7, $6, $7, 'api')
"""
HELD = "INSERT INTO maintenance_occurrences (tenant_id, window_id, starts_at, ends_at) VALUES ($1, $2, $3, $4)"
COVERED = """
INSERT INTO monitor_periods (tenant_id, window_id, starts_at, ends_at, monitor_id, kind)
VALUES ($1, $2, $3, $4, $5, 'maintenance')
"""
ENDED = """
UPDATE maintenance_windows SET ended_at = $3, public = $4, next_starts_at = NULL, next_ends_at = NULL
WHERE tenant_id = $1 AND id = $2
"""
JUDGED = "UPDATE monitor_states SET verdict = $3, since = now() WHERE tenant_id = $1 AND monitor_id = $2"
SECRET_URL = "https://internal.example/secret"


@dataclass(frozen=True, slots=True)
class Line:
    """A component, and the monitor behind it."""

    id: UUID
    monitor_id: UUID


@dataclass(frozen=True, slots=True)
class Stage:
    """The control plane, its database, and a region of its first tenant."""

    served: ControlPlane
    database: Database
    region: int

    async def page(self, slug: str = "acme", **over: Any) -> UUID:
        async with self.database.app() as conn:
            return await a_page(conn, self.served.home.tenant_id, slug, **over)

    async def component(self, page_id: UUID, name: str, verdict: str = "up", **over: Any) -> Line:
        """A component whose monitor has been as it is for ten days."""
        tenant_id = self.served.home.tenant_id
        check = {"type": "http", "url": SECRET_URL, "headers": {"x-token": "sesame"}, "timeout": 10_000}
        since = datetime.now(UTC) - timedelta(days=10)
        async with self.database.app() as conn:
            monitor_id = await a_monitor(conn, tenant_id, [self.region], check=check, name="inner name")
            await a_past(conn, tenant_id, monitor_id, (since, verdict))
            return Line(await a_component(conn, tenant_id, page_id, monitor_id, name, **over), monitor_id)

    async def judge(self, line: Line, verdict: str) -> None:
        async with self.database.app() as conn:
            await conn.execute(JUDGED, self.served.home.tenant_id, line.monitor_id, verdict)

    async def incident(
        self,
        line: Line,
        title: str | None = None,
        *,
        text: str = "",
        ago: timedelta = timedelta(hours=1),
        lasted: timedelta | None = None,
        severity: str = "major",
    ) -> UUID:
        """An incident of the component's monitor; one that lasted is over."""
        incident_id, started = new_id(), datetime.now(UTC) - ago
        state = "triggered" if lasted is None else "resolved"
        phase = "investigating" if lasted is None else "resolved"
        async with self.database.app() as conn:
            await conn.execute(
                INCIDENT, self.served.home.tenant_id, incident_id, line.monitor_id, severity, state, phase, started,
                None if lasted is None else started + lasted, title, text or None,
            )  # fmt: skip
        return incident_id

    async def update(self, incident_id: UUID, text: str, *, phase: str = "identified") -> None:
        tenant_id = self.served.home.tenant_id
        async with self.database.app() as conn:
            await conn.execute(UPDATE, tenant_id, incident_id, new_id(), phase, text, datetime.now(UTC))

    async def held(self, line: Line, title: str, *, ago: timedelta = timedelta(hours=4), public: bool = True) -> UUID:
        """Maintenance of the component that held for two hours, and is over."""
        window_id = await self.window(line, title, ahead=-ago)
        starts = datetime.now(UTC).replace(microsecond=0) - ago
        async with self.database.app() as conn:
            given = (self.served.home.tenant_id, window_id, starts, starts + timedelta(hours=2))
            await conn.execute(HELD, *given)
            await conn.execute(COVERED, *given, line.monitor_id)
            await conn.execute(ENDED, *given[:2], given[3], public)
        return window_id

    async def window(self, line: Line, title: str, *, text: str = "", ahead: timedelta = timedelta(days=1)) -> UUID:
        """Public maintenance of the component, for two hours."""
        window_id, starts = new_id(), datetime.now(UTC).replace(microsecond=0) + ahead
        async with self.database.app() as conn:
            await conn.execute(
                WINDOW, self.served.home.tenant_id, window_id, title, text, [line.monitor_id], starts,
                starts + timedelta(hours=2),
            )  # fmt: skip
        return window_id


@asynccontextmanager
async def a_stage(database: Database, settings: Settings = SETTINGS) -> AsyncIterator[Stage]:
    """Serve, with a region."""
    async with control_plane(database, settings) as served:
        async with database.app() as conn:
            region = await a_region(conn, "eu")
        yield Stage(served, database, region)
