"""/app: what is wrong first, then every monitor, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.charts.charts import STRIP_BARS, median_latency
from control_plane.dashboard.incidents.incident_views import IncidentRow, incident_row
from control_plane.dashboard.monitors.bulk import bulk, bulk_words
from control_plane.dashboard.monitors.form_offers import read_offer
from control_plane.dashboard.monitors.monitor_views import STATES, monitor_row
from control_plane.dashboard.monitors.overview_views import (
    PAGE_SIZE,
    SORTS,
    Choice,
    Group,
    OverviewRow,
    Wanted,
    choices,
    group_names,
    groups_of,
    heading,
    overview_row,
    read_wanted,
    tally_of,
    verdict,
)
from control_plane.dashboard.visit import Visit, form, page, show
from control_plane.domain.checks.kinds import SPECS
from control_plane.errors import NotFound
from control_plane.services.monitors.find_incapable import find_lacking
from control_plane.services.uptime.read_availability import Horizon
from control_plane.services.uptime.read_glance import Glance, read_glances
from control_plane.store import channels, events_read, incidents_read, monitor_lists, overview_read
from control_plane.store.incidents_read import IncidentFilter
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.overview_read import GroupCount
from control_plane.store.pool import Connection
from control_plane.web.routes import Route
from shared.clock import to_unix_ms

LOOKS_BACK = timedelta(days=1)
"""How far recent results reach."""

AHEAD = timedelta(minutes=5)
"""Results may be this far ahead of our clock."""

_INCIDENTS = 20
_RESOLVED = 5


class Overview(Struct, frozen=True, kw_only=True):
    """All that the page shows. `after`: the newest event before it was read, so that it is told of all that follow."""

    after: int
    heading: str
    tally: str
    """Beside a heading that names what is down: how many there are of what."""
    state: str
    groups: Sequence[Group]
    shown: int
    total: int
    first: int
    choices: Sequence[Choice]
    wanted: Wanted
    names: Sequence[str]
    previous: str | None
    next: str | None
    open: Sequence[IncidentRow]
    resolved: Sequence[IncidentRow]
    sees_incidents: bool
    may_acknowledge: bool
    may_change: bool
    no_agent: bool
    no_channel: bool
    is_empty: bool

    @property
    def sorts(self) -> list[tuple[str, str]]:
        return list(SORTS.items())

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [("", "Any kind"), *((kind, kind.replace("_", " ")) for kind in SPECS)]


async def overview(visit: Visit) -> web.StreamResponse:
    return show(visit, "overview.html", {"page": await read_overview(visit), "said": _said(visit)})


SAID: Mapping[str, str] = {"deleted": "The monitor was deleted. Its incidents stay."}


def _said(visit: Visit) -> str:
    return SAID.get(visit.query("said"), "") or bulk_words(visit.query("said"))


class _Read(Struct, frozen=True):
    """What the database says of the page's monitors."""

    total: int
    views: list[MonitorView]
    glances: Mapping[UUID, Glance]
    latency: Mapping[UUID, str | None]


async def read_overview(visit: Visit) -> Overview:
    wanted, now = read_wanted(visit.query), visit.deps.now()
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        known = await events_read.kept(conn, tenant_id=visit.tenant_id)
        counts = await overview_read.count_by_group(conn, tenant_id=visit.tenant_id)
        read = await _monitors(conn, visit, wanted, counts)
        opened, resolved = await _incidents(conn, visit, now)
        no_channel = await _has_no_channel(conn, visit)
    views = await find_lacking(visit.deps.database, read.views)
    rows = [(view.group, _row(view, read, now)) for view in views]
    tally, offer = tally_of(counts), await read_offer(visit)
    is_empty, last = not tally, wanted.page * PAGE_SIZE
    said = verdict(tally, _named_down(opened))
    return Overview(
        after=known.newest,
        heading=said,
        tally="" if said == heading(tally) else heading(tally),
        state=next((state for state in STATES if tally.get(state)), "unknown"),
        groups=groups_of(rows, counts, wanted),
        shown=len(rows),
        total=read.total,
        first=last - PAGE_SIZE + 1,
        choices=choices(wanted, tally),
        wanted=wanted,
        names=group_names(counts),
        previous=wanted.href(page=wanted.page - 1) if wanted.page > 1 else None,
        next=wanted.href(page=wanted.page + 1) if last < read.total else None,
        open=opened,
        resolved=resolved,
        sees_incidents=visit.may("incidents:read"),
        may_acknowledge=visit.may("incidents:write"),
        may_change=visit.may("monitors:write"),
        no_agent=not any(region.live for region in offer.regions),
        no_channel=no_channel,
        is_empty=is_empty,
    )


def _named_down(opened: Sequence[IncidentRow]) -> list[str]:
    """The monitors that are down, each once, as far as open incidents name them."""
    return list(dict.fromkeys(one.monitor for one in opened if one.mark == "down" and one.monitor_id is not None))


def _row(view: MonitorView, read: _Read, now: datetime) -> OverviewRow:
    return overview_row(monitor_row(view, (), now=now), read.glances[view.id], latency=read.latency.get(view.id))


async def _monitors(conn: Connection, visit: Visit, wanted: Wanted, counts: Sequence[GroupCount]) -> _Read:
    narrowed, offset = wanted.filter(), (wanted.page - 1) * PAGE_SIZE
    tenant_id, sort = visit.tenant_id, wanted.sort or "group"
    if wanted.q or wanted.tag or wanted.kind:
        views, total = await monitor_lists.page_of_monitors(
            conn, tenant_id=tenant_id, wanted=narrowed, sort=sort, limit=PAGE_SIZE, offset=offset
        )
    else:
        views = await monitor_lists.list_monitors(
            conn, tenant_id=tenant_id, wanted=narrowed, sort=sort, limit=PAGE_SIZE, offset=offset
        )
        total = _counted(wanted, counts)
    if not views and wanted.page > 1:
        raise NotFound("The list has no such page")
    kept = timedelta(days=visit.deps.settings.retention.transitions_days)
    horizon = Horizon(visit.deps.now(), kept)
    glances = await read_glances(conn, views, tenant_id=visit.tenant_id, horizon=horizon)
    return _Read(total, views, glances, await _not_rolled_up(conn, visit, glances, horizon.now))


def _counted(wanted: Wanted, counts: Sequence[GroupCount]) -> int:
    """How many match by state and group alone: the counts of groups tell it."""
    return sum(
        each.monitors for each in counts if wanted.group in ("", each.group) and wanted.state in ("", each.shown)
    )


async def _not_rolled_up(
    conn: Connection, visit: Visit, glances: Mapping[UUID, Glance], now: datetime
) -> Mapping[UUID, str | None]:
    """The median of the newest results of monitors that are too young for rollups."""
    young = [each for each, glance in glances.items() if glance.p95_ms is None]
    if not young:
        return {}
    recent = await overview_read.recent_results(
        conn,
        tenant_id=visit.tenant_id,
        monitor_ids=young,
        start_ms=to_unix_ms(now - LOOKS_BACK),
        end_ms=to_unix_ms(now + AHEAD),
        limit=STRIP_BARS,
    )
    return {each: median_latency(results) for each, results in recent.items()}


async def _incidents(conn: Connection, visit: Visit, now: datetime) -> tuple[list[IncidentRow], list[IncidentRow]]:
    """Open ones, and a few of the resolved."""
    if not visit.may("incidents:read"):
        return [], []
    views, _ = await incidents_read.list_incidents(
        conn, tenant_id=visit.tenant_id, wanted=IncidentFilter(), limit=_INCIDENTS, offset=0
    )
    rows = [incident_row(view, now=now) for view in views]
    return [row for row in rows if row.is_open], [row for row in rows if not row.is_open][:_RESOLVED]


async def _has_no_channel(conn: Connection, visit: Visit) -> bool:
    if not visit.may("channels:read"):
        return False
    return not await channels.count_channels(conn, tenant_id=visit.tenant_id)


async def nothing_here(_visit: Visit) -> Any:
    raise NotFound("There is no such page in the dashboard")


ROUTES: tuple[Route, ...] = (
    page("/app", overview, operation="show_overview", summary="The overview", scope="monitors:read"),
    form("/app/bulk", bulk, operation="ask_bulk", summary="Act on several monitors", scope="monitors:write"),
    page("/app/{rest:.*}", nothing_here, operation="show_nothing", summary="What is not there"),
)
