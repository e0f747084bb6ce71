"""/app/maintenance: what is planned, as a month and as a list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.maintenance.maintenance_views import Month, WindowLine, month_of, weeks, window_line
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import sentence
from control_plane.errors import Conflict
from control_plane.services.maintenance.delete_maintenance import delete_maintenance
from control_plane.services.maintenance.end_maintenance import end_maintenance
from control_plane.services.maintenance.read_maintenance import following
from control_plane.store import maintenance, monitor_names
from control_plane.store.maintenance import Wanted, WindowRow
from control_plane.store.pool import Connection
from control_plane.web.routes import Route

HERE = "/app/maintenance"
ONE = HERE + "/{window_id}"
_MOST = 200
_OVER = 10
_SAID = {
    "created": "The window is planned.",
    "changed": "The window was changed.",
    "ended": "It holds no more.",
    "deleted": "The window was deleted.",
}


async def show_maintenance(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def _page(visit: Visit, *, problem: str = "", status: int = 200) -> web.StreamResponse:
    now = visit.deps.now()
    month = month_of(visit.query("month"), now)
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        seen, _ = await _windows(conn, visit, Wanted(since=month.start, until=month.end), limit=_MOST)
        active, _ = await _windows(conn, visit, Wanted(state="active"), limit=_MOST)
        planned, _ = await _windows(conn, visit, Wanted(state="planned"), limit=_MOST)
        over, over_total = await _windows(conn, visit, Wanted(state="ended"), limit=_OVER)
        names = await _names(conn, visit, [*active, *planned, *over])
    parts = [("Now", active), ("Planned", planned), ("Over", over)]
    context = {
        "month": month,
        "previous": _link(month.moved(-1)),
        "next": _link(month.moved(1)),
        "weeks": weeks(month, seen, now=now),
        "parts": [(title, [_line(row, names) for row in rows]) for title, rows in parts if rows],
        "more_over": max(0, over_total - len(over)),
        "any": bool(active or planned or over),
        "may_write": visit.may("maintenance:write"),
        "said": _SAID.get(visit.query("said"), ""),
        "problem": problem,
    }
    return show(visit, "maintenance.html", context, status=status)


def _link(month: Month) -> tuple[str, str]:
    return f"{HERE}?month={month.value}", month.word


def _line(row: WindowRow, names: dict[UUID, str]) -> WindowLine:
    return window_line(row, following(row), names)


async def _windows(conn: Connection, visit: Visit, wanted: Wanted, *, limit: int) -> tuple[list[WindowRow], int]:
    return await maintenance.windows(conn, tenant_id=visit.tenant_id, wanted=wanted, limit=limit, offset=0)


async def _names(conn: Connection, visit: Visit, rows: Sequence[WindowRow]) -> dict[UUID, str]:
    ids = [each for row in rows for each in row.monitors[:5]]
    if not ids:
        return {}
    found = await monitor_names.find(conn, tenant_id=visit.tenant_id, named=[], numbers=[], ids=ids)
    return {each.id: each.name for each in found}


async def end(visit: Visit) -> web.StreamResponse:
    try:
        await end_maintenance(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            window_id=visit.id("window_id"),
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except Conflict as error:
        return await _page(visit, problem=sentence(error.message), status=error.status)
    return see_other(f"{HERE}?said=ended")


async def remove(visit: Visit) -> web.StreamResponse:
    await delete_maintenance(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        window_id=visit.id("window_id"),
        check_revision=lambda _revision: None,
    )
    return see_other(f"{HERE}?said=deleted")


_writes = partial(form, scope="maintenance:write")

ROUTES: tuple[Route, ...] = (
    page(HERE, show_maintenance, operation="show_maintenance", summary="Planned work", scope="maintenance:read"),
    _writes(f"{ONE}/end", end, operation="ask_maintenance_end", summary="End now what it holds"),
    _writes(f"{ONE}/delete", remove, operation="ask_maintenance_delete", summary="Delete the window"),
)
