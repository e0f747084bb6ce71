"""What a tenant's feed tells: incidents as entries, maintenance as events. Neither URLs nor what targets said."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from control_plane.domain.maintenance import maintenance
from control_plane.domain.pages.calendar import Event
from control_plane.domain.pages.syndication import Entry, Feed
from control_plane.services.maintenance.maintenance_rows import schedule_of
from control_plane.store import feeds, maintenance_advance
from control_plane.store import maintenance as windows
from control_plane.store.feeds import FeedIncident, OpenFeed
from control_plane.store.maintenance import WindowRow
from control_plane.store.pool import Database
from shared.ids import TenantId

MAX_ENTRIES = 50
MAX_WINDOWS = 200
OCCURRENCES = 10
"""Of a recurring window."""
LOOKS_BACK = timedelta(days=30)

_WORDS = {"down": "is down", "degraded": "is degraded", "flapping": "is unstable"}


async def read_feed(database: Database, found: OpenFeed, *, here: str | None, site: str | None) -> Feed:
    """The newest incidents. `here` is the feed's own URL, `site` the dashboard's, where the installation knows them."""
    tenant_id = TenantId(found.tenant_id)
    async with database.tenant(tenant_id) as conn:
        rows = await feeds.feed_incidents(conn, tenant_id=tenant_id, limit=MAX_ENTRIES)
    return Feed(
        id=f"urn:uuid:{found.feed_id}",
        title=f"Incidents of {found.tenant_name}",
        subtitle=f"What went wrong and what is well again, by the feed “{found.name}”",
        author=found.tenant_name,
        entries=[_entry(row, site) for row in rows],
        here=here,
        site=site,
    )


def _entry(row: FeedIncident, site: str | None) -> Entry:
    what = f"{row.name} {_WORDS.get(row.type, 'is down')}"
    ended = row.resolved_at is not None
    return Entry(
        id=f"urn:uuid:{row.id}",
        title=f"Resolved: {what}" if ended else what,
        text=_text(row),
        published=row.opened_at,
        updated=row.updated_at,
        link=f"{site}/incidents/{row.id}" if site else None,
        category="resolved" if ended else row.severity,
    )


def _text(row: FeedIncident) -> str:
    lines = [f"Incident {row.number}, severity {row.severity}, {row.state}."]
    lines.append(f"Began {row.started_at:%Y-%m-%d %H:%M} UTC.")
    if row.resolved_at is not None:
        lines.append(f"Ended {row.resolved_at:%Y-%m-%d %H:%M} UTC.")
    if row.regions_down:
        lines.append(f"Down from: {', '.join(row.regions_down)}.")
    if row.regions_up:
        lines.append(f"Up from: {', '.join(row.regions_up)}.")
    return "\n".join(lines)


async def read_calendar(database: Database, found: OpenFeed) -> list[Event]:
    """Maintenance of the tenant, what has ended of the last 30 days included; of what recurs, the next ten times."""
    tenant_id = TenantId(found.tenant_id)
    async with database.tenant(tenant_id) as conn:
        now = await maintenance_advance.clock(conn)
        wanted = windows.Wanted(since=now - LOOKS_BACK)
        rows, _ = await windows.windows(conn, tenant_id=tenant_id, wanted=wanted, limit=MAX_WINDOWS, offset=0)
    return [event for row in rows for event in _events(row, now - LOOKS_BACK if row.duration_s is None else now)]


def _events(row: WindowRow, after: datetime) -> list[Event]:
    found = islice(maintenance.occurrences(schedule_of(row), after=after), OCCURRENCES)
    return [
        Event(
            uid=f"{row.id}-{one.starts_at:%Y%m%dT%H%M%SZ}",
            title=row.title,
            text=row.description,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            changed_at=row.updated_at,
            sequence=row.revision - 1,
        )
        for one in found
    ]
