"""/app: what is wrong first, then every monitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.charts import STRIP_BARS
from control_plane.dashboard.incident_views import IncidentRow, incident_row
from control_plane.dashboard.monitor_form import Entered, Offer, blank, read_offer
from control_plane.dashboard.monitor_views import STATES, WORDS, MonitorRow, monitor_row
from control_plane.dashboard.visit import Visit, page, show
from control_plane.dashboard.words import count
from control_plane.errors import NotFound
from control_plane.services.monitors.find_incapable import find_lacking
from control_plane.store import channels, incidents_read, monitor_lists, overview_read
from control_plane.store.incidents_read import IncidentFilter
from control_plane.store.monitor_lists import MonitorFilter
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.overview_read import RecentResult
from control_plane.store.pool import Connection
from control_plane.web.routes import Route
from shared.clock import to_unix_ms

PAGE_SIZE = 100
LOOKS_BACK = timedelta(days=1)
"""How far the strips of recent results reach."""

AHEAD = timedelta(minutes=5)
"""Results may be this far ahead of our clock."""

_INCIDENTS = 20
_RESOLVED = 5


class Choice(Struct, frozen=True):
    """A way to narrow the list."""

    state: str
    word: str
    monitors: int
    href: str
    chosen: bool


class Overview(Struct, frozen=True, kw_only=True):
    """All that the page shows. `offer` and `entered` are the form of an installation without monitors."""

    heading: str
    state: str
    monitors: Sequence[MonitorRow]
    total: int
    first: int
    choices: Sequence[Choice]
    q: str
    chosen: str
    previous: str | None
    next: str | None
    open: Sequence[IncidentRow]
    resolved: Sequence[IncidentRow]
    sees_incidents: bool
    no_agent: bool
    no_channel: bool
    is_empty: bool
    offer: Offer | None
    entered: Entered


class Wanted(Struct, frozen=True):
    """What the URL asks for."""

    q: str
    state: str
    page: int

    def href(self, *, state: str | None = None, page: int = 1) -> str:
        """The same list otherwise narrowed, or another page of it."""
        chosen = self.state if state is None else state
        asked = {"q": self.q, "state": chosen, "page": str(page) if page > 1 else ""}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/app?{query}" if query else "/app"

    def filter(self) -> MonitorFilter:
        return MonitorFilter(q=self.q or None, state=self.state or None)


def wanted_of(visit: Visit) -> Wanted:
    """What the URL asks for; what it cannot mean is ignored."""
    state, number = visit.query("state"), visit.query("page")
    return Wanted(
        q=visit.query("q"),
        state=state if state in STATES else "",
        page=max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 6 else 1,
    )


async def overview(visit: Visit) -> web.StreamResponse:
    return show(visit, "overview.html", {"page": await read_overview(visit), "said": SAID.get(visit.query("said"), "")})


SAID: Mapping[str, str] = {"deleted": "The monitor was deleted. Its incidents stay."}


async def read_overview(visit: Visit) -> Overview:
    wanted, now = wanted_of(visit), visit.deps.now()
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        tally = await overview_read.count_shown(conn, tenant_id=visit.tenant_id)
        total, views = await _monitors(conn, visit, wanted)
        recent = await _recent(conn, visit, views, now)
        opened, resolved = await _incidents(conn, visit, now)
        no_channel = await _has_no_channel(conn, visit)
    views = await find_lacking(visit.deps.database, views)
    everything = sum(tally.values())
    offer = await read_offer(visit)
    last = wanted.page * PAGE_SIZE
    return Overview(
        heading=heading(tally),
        state=next((state for state in STATES if tally.get(state)), "unknown"),
        monitors=[monitor_row(view, recent.get(view.id, []), now=now) for view in views],
        total=total,
        first=last - PAGE_SIZE + 1,
        choices=_choices(wanted, tally),
        q=wanted.q,
        chosen=wanted.state,
        previous=wanted.href(page=wanted.page - 1) if wanted.page > 1 else None,
        next=wanted.href(page=wanted.page + 1) if last < total else None,
        open=opened,
        resolved=resolved,
        sees_incidents=visit.may("incidents:read"),
        no_agent=not any(region.live for region in offer.regions),
        no_channel=no_channel,
        is_empty=everything == 0,
        offer=offer if everything == 0 else None,
        entered=blank(offer),
    )


def heading(tally: Mapping[str, int]) -> str:
    """How things are, in the fewest words."""
    running = {state: tally.get(state, 0) for state in ("down", "degraded", "unknown", "up")}
    everything = sum(running.values())
    wrong = [f"{running[state]} {state}" for state in ("down", "degraded", "unknown") if running[state]]
    if not wrong and everything:
        return f"All {count(everything, 'monitor')} up" if everything > 1 else "Your monitor is up"
    if not everything and tally.get("maintenance"):
        return f"{count(tally['maintenance'], 'monitor')} in maintenance"
    if not everything:
        return "Every monitor is paused" if tally.get("paused") else "Nothing is watched yet"
    return f"{', '.join(wrong)} of {count(everything, 'monitor')}"


async def _monitors(conn: Connection, visit: Visit, wanted: Wanted) -> tuple[int, list[MonitorView]]:
    narrowed = wanted.filter()
    total = await monitor_lists.count_monitors(conn, tenant_id=visit.tenant_id, wanted=narrowed)
    views = await monitor_lists.list_monitors(
        conn,
        tenant_id=visit.tenant_id,
        wanted=narrowed,
        sort="attention",
        limit=PAGE_SIZE,
        offset=(wanted.page - 1) * PAGE_SIZE,
    )
    if not views and wanted.page > 1:
        raise NotFound("The list has no such page")
    return total, views


async def _recent(
    conn: Connection, visit: Visit, views: Sequence[MonitorView], now: datetime
) -> Mapping[UUID, Sequence[RecentResult]]:
    return await overview_read.recent_results(
        conn,
        tenant_id=visit.tenant_id,
        monitor_ids=[view.id for view in views],
        start_ms=to_unix_ms(now - LOOKS_BACK),
        end_ms=to_unix_ms(now + AHEAD),
        limit=STRIP_BARS,
    )


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


def _choices(wanted: Wanted, tally: Mapping[str, int]) -> list[Choice]:
    """All, and each state that some monitor is in or that is chosen."""
    found = [Choice("", "All", sum(tally.values()), wanted.href(state=""), not wanted.state)]
    states = [state for state in STATES if tally.get(state) or wanted.state == state]
    return found + [_choice(state, wanted, tally) for state in states]


def _choice(state: str, wanted: Wanted, tally: Mapping[str, int]) -> Choice:
    return Choice(state, WORDS[state], tally.get(state, 0), wanted.href(state=state), wanted.state == state)


async def nothing_here(_visit: Visit) -> Any:
    raise NotFound("There is no such page in the dashboard")


ROUTES: tuple[Route, ...] = (
    page("/app", overview, operation="show_overview", summary="The overview", scope="monitors:read"),
    page("/app/{rest:.*}", nothing_here, operation="show_nothing", summary="What is not there"),
)
