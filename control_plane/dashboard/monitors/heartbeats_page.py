"""/app/heartbeats: everything that waits to be pinged: what came last, and when the next is missed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.monitors.heartbeat_part import SAYS, next_of
from control_plane.dashboard.monitors.monitor_views import STATES, monitor_row
from control_plane.dashboard.visit import Visit, page, show
from control_plane.dashboard.words import Moment, count, maybe_moment, moment
from control_plane.store import heartbeat_reads, monitor_reads
from control_plane.store.heartbeat_reads import HeartbeatView
from control_plane.store.monitor_reads import MonitorView
from control_plane.web.routes import Route
from shared.clock import from_unix_ms

HERE = "/app/heartbeats"
_A_PAGE = 100
_LAST_PAGE = 1000


class BeatLine(Struct, frozen=True, kw_only=True):
    """A heartbeat in the list. `expected` and `due` are empty while nothing is; `running`: since when a run is open."""

    id: UUID
    name: str
    state: str
    word: str
    rest: str
    schedule: str
    pings: str
    last: Moment | None
    says: str
    running: Moment | None
    expected: Moment | None
    due: Moment | None


async def show_heartbeats(visit: Visit) -> web.StreamResponse:
    number, now = _page_number(visit), visit.deps.now()
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        beats, total = await heartbeat_reads.list_heartbeats(
            conn, tenant_id=visit.tenant_id, limit=_A_PAGE, offset=(number - 1) * _A_PAGE
        )
        ids = [each.monitor_id for each in beats]
        views = {
            each.id: each for each in await monitor_reads.get_monitors(conn, tenant_id=visit.tenant_id, monitor_ids=ids)
        }
    lines = sorted(_lines(beats, views, now), key=lambda line: STATES.index(line.state))
    first = (number - 1) * _A_PAGE + 1
    context = {
        "beats": lines,
        "total": total,
        "previous": f"{HERE}?page={number - 1}" if number > 1 else "",
        "next": f"{HERE}?page={number + 1}" if number * _A_PAGE < total else "",
        "place": f"{first} to {first + len(lines) - 1} of {total}",
    }
    return show(visit, "heartbeats.html", context)


def _page_number(visit: Visit) -> int:
    asked = visit.query("page")
    return min(_LAST_PAGE, max(1, int(asked))) if asked.isascii() and asked.isdecimal() else 1


def _lines(beats: list[HeartbeatView], views: Mapping[UUID, MonitorView], now: datetime) -> list[BeatLine]:
    """Those that were not deleted between the two reads."""
    return [_line(each, views[each.monitor_id], now) for each in beats if each.monitor_id in views]


def _line(beat: HeartbeatView, view: MonitorView, now: datetime) -> BeatLine:
    row, (expected, due) = monitor_row(view, [], now=now), next_of(beat, now)
    return BeatLine(
        id=view.id,
        name=view.name,
        state=row.state,
        word=row.word,
        rest=row.rest,
        schedule=row.target,
        pings=count(beat.pings, "ping"),
        last=maybe_moment(beat.last_ping_at, now),
        says=SAYS.get(beat.last_kind or "", ""),
        running=moment(from_unix_ms(beat.open_runs[0][1]), now) if beat.open_runs else None,
        expected=maybe_moment(expected, now),
        due=maybe_moment(due, now),
    )


ROUTES: tuple[Route, ...] = (
    page(
        HERE, show_heartbeats, operation="show_heartbeats", summary="What waits to be pinged", scope="heartbeats:read"
    ),
)
