"""/m/{token} and /api/public/v1/shares/{token}: one monitor, for whoever has a share link.

Unknown, revoked and expired links have one answer. What is shown was worked out within the last ten seconds; whether
the link still counts is asked anew each time. While the database is away, it is what was shown last.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from aiohttp import web
from msgspec import Struct

from control_plane.domain.pages.badge_words import PERIOD_WORDS, percent
from control_plane.errors import NotFound
from control_plane.public_site.rendering import calm, link_over, page
from control_plane.public_site.share_chart import milliseconds, share_chart
from control_plane.services.pages.keep_share import find_share
from control_plane.services.pages.last_known import Known
from control_plane.services.pages.read_share import read_share
from control_plane.services.pages.shared_view import SharedIncident, SharedView
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

_AGAIN_S = 10.0
_CACHED = "public, max-age=10"
_WORDS = {"none": "not heard yet", "silent": "silent", "incapable": "cannot check this"}
_MARKS = {"up": "✓", "degraded": "!", "down": "✕", "maintenance": "○", "paused": "–"}


class Line(Struct, frozen=True):
    """A state as a mark, a word and what it is of. `state` chooses the colour."""

    name: str
    state: str
    mark: str
    word: str


class Span(Struct, frozen=True):
    """An incident with its times in words."""

    title: str
    state: str
    when: str
    iso: str


async def _known(call: Call) -> Known[SharedView]:
    """What the link shows, or showed last. Raises NotFound, and Unavailable."""
    known = await call.deps.last_known.ask(
        ("share", call.path["token"]), lambda: _read(call), now=call.deps.now(), until=lambda shown: shown.expires_at
    )
    view = known.value.view
    return Known(view if known.since is None else _stale(view), known.since, known.age_s)


def _stale(view: SharedView) -> SharedView:
    return msgspec.structs.replace(view, stale_since=view.at)


class _Shown(Struct, frozen=True):
    view: SharedView
    expires_at: datetime | None


async def _read(call: Call) -> _Shown:
    deps = call.deps
    share = await find_share(deps.database, call.path["token"], pepper=deps.settings.security.pepper.encode())
    if share is None:
        raise NotFound("This link leads nowhere", code="SHARE_NOT_FOUND")
    view = await deps.recently.get(
        ("share", share.tenant_id, share.monitor_id),
        lambda: read_share(deps.database, share, kept=deps.settings.retention),
        keep_s=_AGAIN_S,
    )
    return _Shown(view, share.expires_at)


async def show(call: Call) -> web.StreamResponse:
    try:
        known = await _known(call)
    except NotFound:
        return link_over()
    view = known.value
    response = page(
        "share.html",
        name=view.name,
        state=view.state,
        mark=_mark(view.state),
        word=view.state.capitalize(),
        said=view.sentence.partition(": ")[2].capitalize() or view.sentence,
        since=_moment(view.since),
        at=_moment(view.at),
        votes=[_vote(each.name, each.state) for each in view.votes],
        uptime=[
            (PERIOD_WORDS[each.period], "no data" if each.uptime_pct is None else percent(each.uptime_pct))
            for each in view.uptime
        ],
        chart=share_chart(view.latency),
        rows=[
            (f"{each.t:%Y-%m-%d %H:%M}", milliseconds(each.p50 or 0), milliseconds(each.p95 or 0))
            for each in view.latency.buckets
            if each.samples
        ],
        incidents=[_span(each) for each in view.incidents],
        stale=view.stale_since is not None,
    )
    response.headers["Cache-Control"] = _CACHED
    response.headers.update(known.headers)
    return response


async def show_json(call: Call) -> Reply:
    try:
        known = await _known(call)
    except NotFound:  # also of a monitor that was deleted between two questions
        raise NotFound("This link leads nowhere", code="SHARE_NOT_FOUND") from None
    return Reply(known.value, headers={"X-Robots-Tag": "noindex", **known.headers})


def _vote(name: str, state: str) -> Line:
    shown = state if state in ("up", "degraded", "down") else "unknown"
    return Line(name, shown, _mark(shown), _WORDS.get(state, state))


def _mark(state: str) -> str:
    return _MARKS.get(state, "?")


def _span(incident: SharedIncident) -> Span:
    began = f"{incident.started_at:%Y-%m-%d %H:%M} UTC"
    ended = incident.resolved_at
    when = f"since {began}" if ended is None else f"{began}, for {_lasted(incident.started_at, ended)}"
    word = "Open" if incident.state == "open" else "Resolved"
    return Span(incident.title, word, when, incident.started_at.isoformat())


def _lasted(start: datetime, end: datetime) -> str:
    minutes = int((end - start).total_seconds()) // 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"


def _moment(at: datetime) -> tuple[str, str]:
    return at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M} UTC"


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/m/{token}",
        handler=calm(show),
        operation="show_share",
        summary="What a share link shows",
        tag="Public",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
    Route(
        method="GET",
        path="/api/public/v1/shares/{token}",
        handler=show_json,
        operation="get_shared_monitor",
        summary="What a share link shows, as JSON",
        description="Name, verdict, votes, latency, uptime and incidents of one monitor. No key is needed.",
        tag="Public",
        door=Door.PUBLIC,
        reply=SharedView,
        cache=_CACHED,
        errors=("SHARE_NOT_FOUND",),
    ),
)
