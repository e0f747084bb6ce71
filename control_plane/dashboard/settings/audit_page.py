"""/app/settings/audit: who changed what, newest first, with the filters in the URL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.settings.audit_words import ACTORS, KINDS, changes_of, deed, way
from control_plane.dashboard.settings.frame import settings_page
from control_plane.dashboard.visit import Visit, page
from control_plane.dashboard.words import moment
from control_plane.errors import BadRequest
from control_plane.store import audit
from control_plane.store.audit import AuditEntry, AuditFilter
from control_plane.web.routes import Route

_HERE = "/app/settings/audit"
_A_PAGE = 50
_FILTERS = ("actor", "by", "kind", "object", "from", "to")


async def show_audit(visit: Visit) -> web.StreamResponse:
    """A filter that cannot be read is said, and nothing is listed for it."""
    try:
        wanted, before = _wanted(visit), _uuid(visit, "before")
    except BadRequest as error:
        return _page(visit, [], problem=f"{error.message}.", status=error.status)
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        found = await audit.entries(conn, tenant_id=visit.tenant_id, wanted=wanted, before=before, limit=_A_PAGE + 1)
    return _page(visit, found)


def _page(visit: Visit, found: list[AuditEntry], *, problem: str = "", status: int = 200) -> web.Response:
    chosen = {name: visit.query(name) for name in _FILTERS}
    shown = found[:_A_PAGE]
    kinds = sorted({*KINDS, *filter(None, [chosen["kind"]])})
    context: dict[str, Any] = {
        "entries": [_view(visit, each) for each in shown],
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "actors": ACTORS,
        "kinds": [(kind, kind.replace("_", " ").capitalize()) for kind in kinds],
        "older": _address(chosen, before=str(shown[-1].id)) if len(found) > _A_PAGE else "",
        "newest": _address(chosen) if visit.query("before") else "",
        "problem": problem,
    }
    return settings_page(visit, "settings_audit.html", context, status=status)


def _wanted(visit: Visit) -> AuditFilter:
    """Raises BadRequest for what cannot be read. `to` is a day that is included."""
    since, until = _day(visit, "from"), _day(visit, "to")
    if since is not None and until is not None and until < since:
        raise BadRequest("The first day is after the last one", code="BAD_TIME_RANGE", field="/from")
    kind = visit.query("actor")
    if kind and kind not in ACTORS:
        raise BadRequest("There is no such kind of actor", code="INVALID_FORM", field="/actor")
    return AuditFilter(
        actor_id=_uuid(visit, "by"),
        actor_kind=kind or None,
        object_kind=visit.query("kind") or None,
        object_id=visit.query("object") or None,
        since=since,
        until=None if until is None else until + timedelta(days=1),
    )


def _day(visit: Visit, name: str) -> datetime | None:
    text = visit.query(name)
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadRequest("Write a day as 2026-05-31", code="BAD_TIME_RANGE", field=f"/{name}") from None
    if not 1970 <= day.year < 9999:
        raise BadRequest("That day is too far away", code="BAD_TIME_RANGE", field=f"/{name}")
    return day


def _uuid(visit: Visit, name: str) -> UUID | None:
    text = visit.query(name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadRequest("That is not the id of an entry", code="INVALID_ID", field=f"/{name}") from None


def _address(chosen: dict[str, str], **more: str) -> str:
    query = urlencode({name: value for name, value in {**chosen, **more}.items() if value})
    return f"{_HERE}?{query}" if query else _HERE


def _view(visit: Visit, entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": moment(entry.at, visit.deps.now()),
        "actor": entry.actor,
        "by": _address({}, by=str(entry.actor_id)) if entry.actor_id else "",
        "actor_kind": entry.actor_kind.replace("_", " "),
        "deed": deed(entry.action, entry.object_kind, entry.object_name),
        "way": way(entry.source, entry.address),
        "history": _address({}, kind=entry.object_kind, object=entry.object_id),
        "changes": changes_of(entry.changes),
        "operation": entry.operation,
        "trace": entry.trace_id or "",
    }


ROUTES: tuple[Route, ...] = (
    page(_HERE, show_audit, operation="show_audit", summary="Who changed what", scope="audit:read"),
)
