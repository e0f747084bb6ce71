"""What a badge says of a monitor, from the same figures as everything else."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.badge import Badge
from control_plane.domain.pages.badge_words import (
    PERIODS,
    BadgeKind,
    Period,
    certificate_badge,
    end_in,
    latency_badge,
    status_badge,
    uptime_badge,
)
from control_plane.errors import NotFound
from control_plane.services.pages.keep_share import find_share
from control_plane.services.uptime.read_availability import Horizon, read_uptimes
from control_plane.services.uptime.read_latency import read_latency
from control_plane.settings import RetentionSettings
from control_plane.store import public_monitors, uptime_reads
from control_plane.store.pool import Connection, Database
from control_plane.store.public_monitors import PublicState
from shared.ids import TenantId


class BadgeOf(Struct, frozen=True):
    """Whose badge may be shown, and what the public calls it; without a name, what its tenant does."""

    tenant_id: TenantId
    monitor_id: UUID
    name: str | None = None
    expires_at: datetime | None = None
    """Of the share that it was found by."""


class Wanted(Struct, frozen=True):
    """Which badge. `label` None is the kind's own."""

    kind: BadgeKind
    period: Period
    label: str | None = None


async def find_badge(database: Database, monitor_id: UUID, *, token: str | None, pepper: bytes) -> BadgeOf:
    """Whose badge that is. Raises NotFound MONITOR_NOT_FOUND alike for what is not there and what is not shown.

    It is shown where the token is a share of this monitor, or where a published page without a password has it.
    """
    if token is not None:
        share = await find_share(database, token, pepper=pepper)
        if share is not None and share.monitor_id == monitor_id:
            return BadgeOf(TenantId(share.tenant_id), monitor_id, expires_at=share.expires_at)
    async with database.app() as conn:
        found = await public_monitors.find_published(conn, monitor_id=monitor_id)
    if found is None:
        raise unknown_monitor()
    return BadgeOf(TenantId(found.tenant_id), monitor_id, found.name)


async def read_badge(database: Database, of: BadgeOf, wanted: Wanted, *, kept: RetentionSettings) -> Badge:
    """The badge as it is now, by the database's clock. Raises NotFound for a monitor that was deleted just now."""
    async with database.tenant(of.tenant_id) as conn:
        state = await public_monitors.public_state(conn, tenant_id=of.tenant_id, monitor_id=of.monitor_id)
        if state is None:
            raise unknown_monitor()
        name = of.name or state.name
        match wanted.kind:
            case "status":
                return status_badge(state.shown, name=name, label=wanted.label)
            case "uptime":
                pct = await _uptime(conn, of, wanted.period, state, kept=kept)
                return uptime_badge(pct, wanted.period, name=name, label=wanted.label)
            case "latency":
                p50 = await _latency(conn, of, wanted.period, state, kept=kept)
                return latency_badge(p50, wanted.period, name=name, label=wanted.label)
            case "certificate":
                expires_s = await _expiry(conn, of)
                now_s = int(state.at.timestamp())
                label = "domain" if wanted.label is None and state.kind == "domain_expiry" else wanted.label
                return certificate_badge(expires_s, now_s=now_s, name=name, label=label)


async def _uptime(
    conn: Connection, of: BadgeOf, period: Period, state: PublicState, *, kept: RetentionSettings
) -> float | None:
    monitors = await uptime_reads.uptime_monitors(conn, tenant_id=of.tenant_id, monitor_ids=[of.monitor_id])
    found = await read_uptimes(
        conn,
        monitors,
        tenant_id=of.tenant_id,
        start=state.at - PERIODS[period],
        end=state.at,
        horizon=Horizon(state.at, timedelta(days=kept.transitions_days)),
    )
    return found[of.monitor_id].uptime_pct if found else None


async def _latency(
    conn: Connection, of: BadgeOf, period: Period, state: PublicState, *, kept: RetentionSettings
) -> float | None:
    chart = await read_latency(
        conn,
        tenant_id=of.tenant_id,
        monitor_id=of.monitor_id,
        start=state.at - PERIODS[period],
        end=state.at,
        now=state.at,
        kept=kept,
    )
    return chart.series[0].whole.p50


async def _expiry(conn: Connection, of: BadgeOf) -> int | None:
    """The earliest end that any region saw, in Unix seconds."""
    details = await public_monitors.newest_details(conn, tenant_id=of.tenant_id, monitor_id=of.monitor_id)
    ends = [end for detail in details if (end := end_in(detail)) is not None]
    return min(ends, default=None)


def unknown_monitor() -> NotFound:
    return NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
