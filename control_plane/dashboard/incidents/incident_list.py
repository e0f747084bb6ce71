"""/app/incidents: every incident, open ones first; how many of late, and how soon somebody was on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from msgspec import Struct, structs

from control_plane.dashboard.incidents.incident_views import IncidentRow, incident_row
from control_plane.dashboard.visit import Visit, page, show
from control_plane.dashboard.words import count, lasting
from control_plane.errors import NotFound
from control_plane.store import incident_stats, incidents_read, monitor_names, tags
from control_plane.store.incident_stats import StatsRange
from control_plane.store.incidents_read import IncidentFilter
from control_plane.store.pool import Connection
from control_plane.web.routes import Route

HERE = "/app/incidents"
PAGE_SIZE = 50
_LAST_PAGE = 2000
_NOISIEST = 5
_TAGS = 200
_STATES: Mapping[str, str] = {"": "All", "open": "Open", "acknowledged": "Acknowledged", "resolved": "Resolved"}
_SEVERITIES: Mapping[str, str] = {"": "Any severity", "critical": "Critical", "major": "Major", "minor": "Minor"}
_DAYS: Mapping[str, str] = {"7": "7 days", "30": "30 days", "90": "90 days"}


class Wanted(Struct, frozen=True, kw_only=True):
    """What the URL asks for; what is not known there counts as not asked."""

    state: str = ""
    severity: str = ""
    monitor: UUID | None = None
    tag: str = ""
    q: str = ""
    days: str = "30"
    page: int = 1

    def href(self, **changed: object) -> str:
        """The list with this changed, on its first page."""
        asked = structs.replace(self, page=1, **changed)
        told = {name: str(getattr(asked, name) or "") for name in asked.__struct_fields__}
        kept = {name: value for name, value in told.items() if value and (name, value) not in _USUAL}
        return f"{HERE}?{urlencode(kept)}" if kept else HERE

    def filter(self) -> IncidentFilter:
        return IncidentFilter(
            state=self.state or None,
            severity=self.severity or None,
            monitor_id=self.monitor,
            q=self.q or None,
            tag=self.tag or None,
        )


_USUAL = (("days", "30"), ("page", "1"))


class Choice(Struct, frozen=True):
    """A filter as a link."""

    word: str
    href: str
    chosen: bool


class Noisy(Struct, frozen=True):
    """A monitor with many incidents."""

    href: str
    name: str
    incidents: str
    lasted: str


class Figures(Struct, frozen=True):
    """Means and counts of a range."""

    total: str
    mtta: str
    mttr: str
    noisiest: Sequence[Noisy]


def wanted_of(visit: Visit) -> Wanted:
    number = visit.query("page")
    return Wanted(
        state=_known(visit.query("state"), _STATES),
        severity=_known(visit.query("severity"), _SEVERITIES),
        monitor=_id(visit.query("monitor")),
        tag=visit.query("tag").replace("\x00", "")[:64],
        q=visit.query("q").replace("\x00", ""),
        days=_known(visit.query("days"), _DAYS) or "30",
        page=min(_LAST_PAGE, max(1, int(number))) if number.isascii() and number.isdecimal() else 1,
    )


def _known(asked: str, words: Mapping[str, str]) -> str:
    return asked if asked in words else ""


def _id(asked: str) -> UUID | None:
    try:
        return UUID(asked) if asked else None
    except ValueError:
        return None


async def incidents(visit: Visit) -> web.StreamResponse:
    wanted, now, tenant_id = wanted_of(visit), visit.deps.now(), visit.tenant_id
    async with visit.deps.database.tenant(tenant_id) as conn:
        views, total = await incidents_read.list_incidents(
            conn, tenant_id=tenant_id, wanted=wanted.filter(), limit=PAGE_SIZE, offset=(wanted.page - 1) * PAGE_SIZE
        )
        figures = await _figures(conn, visit, wanted)
        monitor = await _monitor_name(conn, visit, wanted)
        words = await tags.tag_names(conn, tenant_id=tenant_id, limit=_TAGS)
    if not views and wanted.page > 1:
        raise NotFound("The list has no such page")
    rows = [incident_row(view, now=now) for view in views]
    context = {
        "open": [row for row in rows if row.is_open],
        "resolved": [row for row in rows if not row.is_open],
        "wanted": wanted,
        "filtered": wanted.href() != Wanted(days=wanted.days).href(),
        "states": [Choice(word, wanted.href(state=each), each == wanted.state) for each, word in _STATES.items()],
        "ranges": [Choice(word, wanted.href(days=each), each == wanted.days) for each, word in _DAYS.items()],
        "severities": list(_SEVERITIES.items()),
        "tags": words,
        "monitor": monitor,
        "without_monitor": wanted.href(monitor=None),
        "figures": figures,
        "may_write": visit.may("incidents:write"),
        **_pages(wanted, rows, total),
    }
    return show(visit, "incidents.html", context)


def _pages(wanted: Wanted, rows: Sequence[IncidentRow], total: int) -> dict[str, str]:
    last = wanted.page * PAGE_SIZE
    first = last - PAGE_SIZE + 1
    more = "&" if "?" in wanted.href() else "?"
    return {
        "previous": f"{wanted.href()}{more}page={wanted.page - 1}" if wanted.page > 1 else "",
        "next": f"{wanted.href()}{more}page={wanted.page + 1}" if last < total else "",
        "place": f"{first} to {first + len(rows) - 1} of {total}",
    }


async def _figures(conn: Connection, visit: Visit, wanted: Wanted) -> Figures:
    now = visit.deps.now()
    chosen = StatsRange(start=now - timedelta(days=int(wanted.days)), end=now, monitor_id=wanted.monitor)
    tally = await incident_stats.tally(conn, tenant_id=visit.tenant_id, chosen=chosen)
    noisy = await incident_stats.noisiest(conn, tenant_id=visit.tenant_id, chosen=chosen, limit=_NOISIEST, now=now)
    return Figures(
        total=str(tally.total),
        mtta=lasting(tally.mtta_s),
        mttr=lasting(tally.mttr_s),
        noisiest=[
            Noisy(wanted.href(monitor=each.id), each.name, count(each.incidents, "incident"), lasting(each.open_s))
            for each in noisy
        ],
    )


async def _monitor_name(conn: Connection, visit: Visit, wanted: Wanted) -> str:
    """The name of the monitor that the list is narrowed to."""
    if wanted.monitor is None:
        return ""
    found = await monitor_names.find(conn, tenant_id=visit.tenant_id, named=[], numbers=[], ids=[wanted.monitor])
    return found[0].name if found else "A monitor that is gone"


ROUTES: tuple[Route, ...] = (
    page(HERE, incidents, operation="show_incidents", summary="Every incident", scope="incidents:read"),
)
