"""/m/{token} and /api/public/v1/shares/{token}: one monitor, for whoever has a share link.

Unknown, revoked and expired links have one answer. What is shown was worked out within the last ten seconds; whether
the link still counts is asked anew each time. While the database is away, it is what was shown last.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import msgspec
from aiohttp import web
from msgspec import Struct

from control_plane.domain.pages.badge_words import PERIODS, Period
from control_plane.domain.pages.public_page import Language as PageLanguage
from control_plane.domain.pages.public_words import incident_title
from control_plane.errors import NotFound
from control_plane.public_site.language import Language
from control_plane.public_site.rendering import calm, link_over, page, words_for
from control_plane.public_site.share_chart import milliseconds, share_chart
from control_plane.public_site.status_page_views import Moment, moment
from control_plane.services.pages.keep_share import find_share
from control_plane.services.pages.last_known import Known
from control_plane.services.pages.read_share import read_share
from control_plane.services.pages.shared_view import SharedIncident, SharedView
from control_plane.services.pages.shared_view import incident_title as shared_title
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

_AGAIN_S = 10.0
_CACHED = "public, max-age=10"
_MARKS = {"up": "✓", "degraded": "!", "down": "✕", "maintenance": "○", "paused": "–"}


class Line(Struct, frozen=True):
    """A state as a mark, a word and what it is of. `state` chooses the colour."""

    name: str
    state: str
    mark: str
    word: str


class Span(Struct, frozen=True):
    """An incident with its times in words. `named`: people gave it its title."""

    title: str
    named: bool
    state: str
    when: Moment
    lasted: str


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
        return link_over(call, "share_over")
    words = words_for(call)
    response = page("share.html", words=words, **_context(known.value, words))
    response.headers["Cache-Control"] = _CACHED
    response.headers.update(known.headers)
    return response


def _context(view: SharedView, words: Language) -> dict[str, Any]:
    return {
        "name": view.name,
        "state": view.state,
        "mark": _mark(view.state),
        "word": words.say(f"share_state_{view.state}"),
        "said": _said(view, words),
        "since": _since(view.since, words),
        "at": moment(view.at, words),
        "votes": [_vote(each.name, each.state, words) for each in view.votes],
        "uptime": [(_period(each.period, words), _figure(each.uptime_pct, words)) for each in view.uptime],
        "chart": share_chart(view.latency, words),
        "rows": [
            (f"{each.t:%Y-%m-%d %H:%M}", milliseconds(each.p50 or 0), milliseconds(each.p95 or 0))
            for each in view.latency.buckets
            if each.samples
        ],
        "incidents": [_span(each, view, words) for each in view.incidents],
        "stale": view.stale_since is not None,
    }


def _said(view: SharedView, words: Language) -> str:
    """How it is, and from how many regions it is reached where regions have a say."""
    said = words.say(f"share_said_{view.state}")
    if not view.votes or view.state not in ("up", "degraded", "down"):
        return said
    reach = sum(vote.state in ("up", "degraded") for vote in view.votes)
    return f"{said} {words.say('share_reach', n=str(reach), of=str(len(view.votes)))}"


def _since(at: datetime, words: Language) -> Moment:
    iso, text = moment(at, words)
    return Moment(iso, words.say("share_since", time=text))


def _period(period: Period, words: Language) -> str:
    span = PERIODS[period]
    return words.count("days", span.days) if span.days > 1 else words.count("hours", 24)


def _figure(uptime_pct: float | None, words: Language) -> str:
    return words.say("status_no_data") if uptime_pct is None else words.per_cent(uptime_pct)


async def show_json(call: Call) -> Reply:
    try:
        known = await _known(call)
    except NotFound:  # also of a monitor that was deleted between two questions
        raise NotFound("This link leads nowhere", code="SHARE_NOT_FOUND") from None
    return Reply(known.value, headers={"X-Robots-Tag": "noindex", **known.headers})


def _vote(name: str, state: str, words: Language) -> Line:
    shown = state if state in ("up", "degraded", "down") else "unknown"
    return Line(name, shown, _mark(shown), words.say(f"share_{'state' if shown == state else 'vote'}_{state}"))


def _mark(state: str) -> str:
    return _MARKS.get(state, "?")


def _span(incident: SharedIncident, view: SharedView, words: Language) -> Span:
    """A title of ours is English in the JSON; here it is in the reader's language."""
    named = incident.title != shared_title(None, name=view.name, type_=incident.type)
    code = cast("PageLanguage", words.code)
    title = incident_title(incident.title if named else None, kind=incident.type, names=[view.name], language=code)
    ended = incident.resolved_at
    if ended is None:
        return Span(title, named, words.say("not_over"), _since(incident.started_at, words), "")
    lasted = words.lasting(ended - incident.started_at)
    return Span(title, named, words.say("phase_resolved"), moment(incident.started_at, words), lasted)


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
