"""/operator/ui/announcements: what stands above everybody's pages, now and later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from control_plane.dashboard.operator.door import HERE, OperatorVisit, form, page, show
from control_plane.dashboard.visit import see_other
from control_plane.errors import BadRequest, NotFound
from control_plane.services.installation.announce import announce
from control_plane.store import announcements
from control_plane.store.announcements import Announcement
from control_plane.web.routes import Route

_PATH = f"{HERE}/announcements"
_FIELDS = ("title", "text", "starts_at", "ends_at")
_LONGEST = 2000


async def show_announcements(visit: OperatorVisit) -> web.StreamResponse:
    return await _announcements(visit)


async def _announcements(visit: OperatorVisit, *, problem: str = "", status: int = 200) -> web.Response:
    async with visit.deps.database.app() as conn:
        found, _ = await announcements.list_announcements(conn, limit=100, offset=0)
    context = {
        "announcements": [_view(visit, each) for each in found],
        "typed": {name: visit.text(name) for name in _FIELDS},
        "problem": problem,
    }
    return show(visit, "operator_announcements.html", context, status=status)


async def tell(visit: OperatorVisit) -> web.StreamResponse:
    try:
        text = visit.text("text")
        if len(text) > _LONGEST or "\x00" in text:
            raise BadRequest(f"A text has at most {_LONGEST} characters", code="INVALID_TEXT", field="/text")
        await announce(
            visit.deps.database,
            announcement_id=visit.deps.new_id(),
            title=visit.text("title"),
            text=text,
            starts_at=_instant(visit, "starts_at"),
            ends_at=_instant(visit, "ends_at"),
            now=visit.deps.now(),
        )
    except BadRequest as error:
        return await _announcements(visit, problem=f"{error.message.rstrip('.')}.", status=error.status)
    return see_other(_PATH)


async def withdraw(visit: OperatorVisit) -> web.StreamResponse:
    async with visit.deps.database.app_transaction() as conn:
        if not await announcements.delete_announcement(conn, announcement_id=visit.id("announcement_id")):
            raise NotFound("There is no such announcement", code="ANNOUNCEMENT_NOT_FOUND")
    return see_other(_PATH)


def _instant(visit: OperatorVisit, name: str) -> datetime | None:
    """A field of the type datetime-local, which is taken as UTC; nothing where it is empty."""
    given = visit.text(name)
    if not given:
        return None
    try:
        return datetime.strptime(given, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise BadRequest("Write a time as 2026-05-31T18:00", code="INVALID_TIME", field=f"/{name}") from None


def _view(visit: OperatorVisit, one: Announcement) -> dict[str, Any]:
    now = visit.deps.now()
    ended = one.ends_at is not None and one.ends_at <= now
    state = "over" if ended else "shown now" if one.starts_at <= now else "to come"
    until = f" until {one.ends_at:%-d %B %Y, %H:%M} UTC" if one.ends_at else ""
    when = f"from {one.starts_at:%-d %B %Y, %H:%M} UTC{until}"
    return {"id": one.id, "title": one.title, "text": one.text, "state": state, "when": when}


ROUTES: tuple[Route, ...] = (
    page(_PATH, show_announcements, operation="show_announcements", summary="Announcements"),
    form(_PATH, tell, operation="announce_from_page", summary="Tell everybody something"),
    form(f"{_PATH}/{{announcement_id}}/withdraw", withdraw, operation="withdraw_from_page", summary="Withdraw one"),
)
