"""Read a published status page as the public sees it: in a few statements, however many components it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.pages.page_colours import branding_of
from control_plane.domain.pages.page_rules import PageConfig
from control_plane.domain.pages.public_page import (
    PublicComponent,
    PublicDay,
    PublicGroup,
    PublicIncident,
    PublicMaintenance,
    PublicNotice,
    PublicPage,
)
from control_plane.domain.pages.public_state import component_state, day_state, page_state, worst
from control_plane.domain.uptime import availability
from control_plane.domain.uptime.availability import Durations
from control_plane.services.fleet.read_notice import read_notice
from control_plane.services.pages.public_incidents import incidents_of, open_declared, touched
from control_plane.services.pages.public_maintenance import held_of, maintenance_of
from control_plane.services.uptime.read_availability import Day, Horizon, day_start, read_days_of
from control_plane.services.uptime.read_day_p95 import read_day_p95s
from control_plane.store import page_reads
from control_plane.store.page_reads import FacedComponent, PageFace
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId

_TYPED = tuple(name for name in PageConfig.__struct_fields__ if name in PageFace.__struct_fields__)


class _Watched(Struct, frozen=True):
    id: UUID
    created_at: datetime


async def page_gate(database: Database, slug: str) -> PageFace | None:
    """The published page of that slug, with the digest of its password for whoever keeps the gate; None: no such page.

    A draft, an unknown slug and the page of a suspended tenant are one and the same.
    """
    async with database.app() as conn:
        return await page_reads.face_by_slug(conn, slug=slug)


async def page_gate_of_domain(database: Database, domain: str) -> PageFace | None:
    """The published page that is reached by this host name, as long as its tenant's proof of the domain stands."""
    async with database.app() as conn:
        return await page_reads.face_by_domain(conn, domain=domain.lower().rstrip("."))


async def preview_page(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    horizon: Horizon,
    days: int | None = None,
    typed: PageConfig | None = None,
) -> PublicPage | None:
    """A page as its readers would see it, though it may be a draft: for its tenant's own people. None: no such page.

    `typed`: what it would be like if it were saved like this.
    """
    async with database.tenant(tenant_id) as conn:
        face = await page_reads.face_of_page(conn, tenant_id=tenant_id, page_id=page_id)
    if face is None:
        return None
    if typed is not None:
        face = structs.replace(face, **{name: getattr(typed, name) for name in _TYPED})
    return await read_faced_page(database, face, horizon=horizon, days=days)


async def read_public_page(
    database: Database, slug: str, *, horizon: Horizon, days: int | None = None
) -> PublicPage | None:
    """The page with its last `days` days, by default and at most as many as it shows. None: no such page.

    Who may read it is the caller's to ask before (`page_gate`): a password is not looked at here.
    """
    face = await page_gate(database, slug)
    return None if face is None else await read_faced_page(database, face, horizon=horizon, days=days)


async def read_faced_page(
    database: Database, face: PageFace, *, horizon: Horizon, days: int | None = None
) -> PublicPage:
    """The same for a page whose gate was passed."""
    shown_days = max(1, min(days or face.history_days, face.history_days))
    notice = await read_notice(database)
    async with database.tenant(face.tenant_id) as conn:
        rows = await page_reads.components_of_face(conn, tenant_id=face.tenant_id, page_id=face.id)
        groups = await _groups(conn, face, rows, days=shown_days, horizon=horizon)
        since = _first_day(horizon.now, shown_days)
        found = await touched(conn, face, rows, since=since)
        incidents = await incidents_of(conn, face, rows, found)
        maintenance = await maintenance_of(conn, face, rows, now=horizon.now)
        held = await held_of(conn, face, rows, since=since)
    return _page(
        face,
        groups,
        incidents=incidents,
        declared=open_declared(found),
        maintenance=maintenance,
        held=held,
        notice=None if notice is None else PublicNotice(message=notice.message, since=notice.since),
        now=horizon.now,
    )


def _page(
    face: PageFace,
    groups: Sequence[PublicGroup],
    *,
    incidents: Sequence[PublicIncident],
    declared: Sequence[str],
    maintenance: Sequence[PublicMaintenance],
    held: Sequence[PublicMaintenance],
    notice: PublicNotice | None,
    now: datetime,
) -> PublicPage:
    return PublicPage(
        slug=face.slug,
        title=face.title,
        description=face.description,
        language=face.language,
        header_text=face.header_text,
        footer_text=face.footer_text,
        listed=face.listed,
        protected=face.password_digest is not None,
        branding=branding_of(face.branding),
        logo=face.logo_digest,
        show_uptime=face.show_uptime,
        show_latency=face.show_latency,
        history_days=face.history_days,
        state=page_state((one.state for group in groups for one in group.components), declared=declared),
        groups=groups,
        incidents=incidents,
        maintenance=maintenance,
        held=held,
        notice=notice,
        as_of=now,
    )


async def _groups(
    conn: Connection, face: PageFace, rows: Sequence[FacedComponent], *, days: int, horizon: Horizon
) -> list[PublicGroup]:
    """Components by heading: headings in the order of their first component."""
    lived = await _days(conn, face, rows, days=days, horizon=horizon)
    slow = await _latencies(conn, face, rows, now=horizon.now)
    order: dict[str | None, list[FacedComponent]] = {}
    for row in rows:
        order.setdefault(row.group, []).append(row)
    told = {
        name: [_component(row, lived.get(row.monitor_id, ()), slow.get(row.monitor_id)) for row in under]
        for name, under in order.items()
    }
    return [
        PublicGroup(name=name, state=worst(one.state for one in under), components=under)
        for name, under in told.items()
    ]


def _component(row: FacedComponent, days: Sequence[Day], latency_ms: float | None) -> PublicComponent:
    whole = sum((day.availability.durations for day in days), Durations())
    return PublicComponent(
        id=row.id,
        name=row.name,
        description=row.description,
        state=component_state(shown=row.shown, regions_up=row.regions_up),
        since=row.since,
        uptime=availability.uptime_pct(whole),
        days=[_day(day) for day in days],
        latency_ms=latency_ms,
    )


def _day(day: Day) -> PublicDay:
    of, seconds = day.availability.durations, day.availability.seconds
    return PublicDay(
        day=day.day,
        state=day_state(of),
        uptime=availability.uptime_pct(of),
        down_s=seconds.down,
        degraded_s=seconds.degraded,
        maintenance_s=seconds.maintenance,
    )


async def _days(
    conn: Connection, face: PageFace, rows: Sequence[FacedComponent], *, days: int, horizon: Horizon
) -> Mapping[UUID, Sequence[Day]]:
    """By monitor; of those that show uptime."""
    wanted = [_Watched(row.monitor_id, row.created_at) for row in rows if face.show_uptime and row.show_uptime]
    if not wanted:
        return {}
    return await read_days_of(
        conn, wanted, tenant_id=face.tenant_id, zone=UTC, last=horizon.now.astimezone(UTC).date(), days=days,
        horizon=horizon,
    )  # fmt: skip


async def _latencies(
    conn: Connection, face: PageFace, rows: Sequence[FacedComponent], *, now: datetime
) -> Mapping[UUID, float]:
    """The p95 of the last 24 hours by monitor, in ms; of those that show latency."""
    wanted = [row.monitor_id for row in rows if face.show_latency and row.show_latency]
    return await read_day_p95s(conn, wanted, tenant_id=face.tenant_id, now=now) if wanted else {}


def _first_day(now: datetime, days: int) -> datetime:
    return day_start(now.astimezone(UTC).date() - timedelta(days=days - 1), UTC)
