"""/app/status-pages/{id}/subscribers: who is told what the page tells, found, taken off and handed out as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from aiohttp import web

from control_plane.dashboard.status_pages.frame import PAGE, Opened, opened, shown
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.dashboard.words import count, maybe_moment, moment
from control_plane.domain.pages.subscriber_rules import Kind, State
from control_plane.services.pages.read_subscribers import (
    SubscriberView,
    count_subscribers,
    every_subscriber,
    list_subscribers,
)
from control_plane.services.pages.remove_subscriber import remove_subscriber
from control_plane.web.routes import Route

_PAGE_SIZE = 50
_KINDS: Mapping[str, str] = {"": "All", "email": "E-mail", "webhook": "Webhook", "web_push": "Browser"}
_STATES: Mapping[str, str] = {"": "All", "confirmed": "Confirmed", "pending": "Asked"}
_COLUMNS = ("address", "kind", "state", "components", "source", "note", "subscribed_at", "confirmed_at")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take a cell that begins with it for."""


async def show_subscribers(visit: Visit) -> web.StreamResponse:
    found = await opened(visit)
    kind, state = _known(visit.query("kind"), _KINDS), _known(visit.query("state"), _STATES)
    q = visit.query("q").replace("\x00", "")
    number = visit.query("page")
    at = min(2000, max(1, int(number))) if number.isascii() and number.isdecimal() and len(number) < 6 else 1
    deps, tenant_id = visit.deps, visit.tenant_id
    counts = await count_subscribers(deps.database, tenant_id=tenant_id, page_id=found.row.id)
    views, total = await list_subscribers(
        deps.database,
        sealer=deps.sealer,
        pepper=deps.settings.security.pepper.encode(),
        tenant_id=tenant_id,
        page_id=found.row.id,
        kind=cast("Kind", kind) if kind else None,
        state=cast("State", state) if state else None,
        email=q or None,
        limit=_PAGE_SIZE,
        offset=(at - 1) * _PAGE_SIZE,
    )
    here = f"{found.here}/subscribers"
    told = f"{here}?kind={kind}&state={state}"
    context = {
        "rows": [_row(visit, found, each) for each in views],
        "total": total,
        "counts": [(count(counts.confirmed, "confirmed subscriber"), ""), *_rest(counts.pending, counts.ended)],
        "any": bool(counts.confirmed or counts.pending),
        "kinds": list(_KINDS.items()),
        "states": list(_STATES.items()),
        "kind": kind,
        "state": state,
        "q": q,
        "filtered": bool(kind or state or q),
        "previous": f"{told}&page={at - 1}" if at > 1 else "",
        "next": f"{told}&page={at + 1}" if at * _PAGE_SIZE < total else "",
        "said": "Taken off. Nothing is left of them but a count." if visit.query("said") == "removed" else "",
    }
    return shown(visit, found, "status_page_subscribers.html", context)


def _rest(pending: int, ended: int) -> list[tuple[str, str]]:
    said = ((pending, "asked and not answered yet"), (ended, "left"))
    return [(str(number), words) for number, words in said if number]


def _row(visit: Visit, found: Opened, each: SubscriberView) -> dict[str, Any]:
    now = visit.deps.now()
    return {
        "id": each.id,
        "address": each.address,
        "kind": _KINDS[each.kind],
        "confirmed": each.state == "confirmed",
        "about": _about(found, each),
        "note": each.note,
        "since": moment(each.created_at, now),
        "last": maybe_moment(each.last_delivered_at, now),
        "error": each.last_error or "",
    }


def _about(found: Opened, each: SubscriberView) -> str:
    if each.component_ids is None:
        return "the whole page"
    names = {row.id: row.name for row in found.components}
    return ", ".join(names[one] for one in each.component_ids if one in names) or "components that are gone"


async def export(visit: Visit) -> web.StreamResponse:
    """All of them as CSV (RFC 4180); webhooks and browsers by their host alone, as in the list."""
    found = await opened(visit)
    text = io.StringIO()
    file = csv.writer(text)
    file.writerow(_COLUMNS)
    everyone = every_subscriber(
        visit.deps.database, sealer=visit.deps.sealer, tenant_id=visit.tenant_id, page_id=found.row.id
    )
    async for each in everyone:
        confirmed = each.confirmed_at.isoformat() if each.confirmed_at else ""
        cells = (each.address, each.kind, each.state, _about(found, each), each.source, each.note)
        file.writerow([*(_plain(cell) for cell in cells), each.created_at.isoformat(), confirmed])
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="subscribers-{found.row.slug}.csv"',
    }
    return web.Response(text=text.getvalue(), content_type="text/csv", charset="utf-8", headers=headers)


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell


async def remove(visit: Visit) -> web.StreamResponse:
    await remove_subscriber(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        page_id=visit.id("page_id"),
        subscriber_id=visit.id("subscriber_id"),
    )
    return see_other(f"/app/status-pages/{visit.id('page_id')}/subscribers?said=removed")


def _known(asked: str, words: Mapping[str, str]) -> str:
    return asked if asked in words else ""


_HERE = f"{PAGE}/subscribers"

ROUTES: tuple[Route, ...] = (
    page(
        _HERE,
        show_subscribers,
        operation="show_status_page_subscribers",
        summary="Who is told what a page tells",
        scope="status-pages:read",
    ),
    page(
        f"{_HERE}/export",
        export,
        operation="export_status_page_subscribers",
        summary="The subscribers as a file",
        scope="status-pages:write",
    ),
    partial(form, scope="status-pages:write")(
        f"{_HERE}/{{subscriber_id}}/remove",
        remove,
        operation="remove_status_page_subscriber",
        summary="Take a subscriber off",
    ),
)
