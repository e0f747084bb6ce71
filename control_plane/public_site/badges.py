"""/api/v1/monitors/{id}/badge/{kind}: a picture of how a monitor is, for pages elsewhere. No key is looked at.

A monitor that no published page shows is not there, unless `?token=` is one of its share links. A badge is embedded by
caches that fetch for thousands of readers, so nobody is counted by address, and a failed token is only not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from control_plane.domain.pages.badge import Badge, Shield, Style, of_then, shield, svg
from control_plane.domain.pages.badge_words import BadgeKind, Period
from control_plane.errors import BadRequest
from control_plane.services.pages.read_badge import Wanted, find_badge, read_badge, unknown_monitor
from control_plane.web.call import Call
from control_plane.web.etag import etag, is_known
from control_plane.web.routes import Door, Route

KINDS: tuple[BadgeKind, ...] = ("status", "uptime", "latency", "certificate")
_KEPT_S = {"status": 30, "uptime": 60, "latency": 60, "certificate": 300}
"""How long readers and caches may keep a badge, in seconds."""
_AGAIN_S = 10.0
_DEFAULTS: dict[str, Period] = {"latency": "24h"}


class BadgeQuery(Struct, frozen=True):
    """`label` replaces the left field, and is cut off after 60 characters; `period` is of uptime (30d) and latency
    (24h). `token` is that of a share link.
    """

    label: Annotated[str, Meta(max_length=200)] | None = None
    period: Period | None = None
    style: Style = "flat"
    token: Annotated[str, Meta(max_length=200)] | None = None


async def serve(call: Call) -> web.StreamResponse:
    kind, form = _asked(call)
    query: BadgeQuery = call.query
    monitor_id, figures = _monitor_id(call), Wanted(kind, query.period or _DEFAULTS.get(kind, "30d"))
    known = await call.deps.last_known.ask(
        ("badge", monitor_id, query.token, figures),
        lambda: _read(call, monitor_id, figures),
        now=call.deps.now(),
        until=lambda shown: shown[1],
    )
    badge, _ = known.value
    if known.since is not None:
        badge = of_then(badge, f"{known.since:%Y-%m-%d %H:%M} UTC")
    if query.label is not None:
        badge = msgspec.structs.replace(badge, label=query.label)
    return _answer(call, badge, kind=kind, form=form, aged=known.headers)


async def _read(call: Call, monitor_id: UUID, figures: Wanted) -> tuple[Badge, datetime | None]:
    """The badge, and how long it may be shown. What it says is worked out once for everybody within ten seconds."""
    deps, query = call.deps, call.query
    pepper = deps.settings.security.pepper.encode()
    of = await find_badge(deps.database, monitor_id, token=query.token, pepper=pepper)
    badge = await deps.recently.get(
        ("badge", of, figures),
        lambda: read_badge(deps.database, of, figures, kept=deps.settings.retention),
        keep_s=_AGAIN_S,
    )
    return badge, of.expires_at


def _answer(
    call: Call, badge: Badge, *, kind: str, form: Literal["svg", "json"], aged: Mapping[str, str]
) -> web.Response:
    request, query = call.request, call.query
    if form == "json":
        body, media = msgspec.json.encode(shield(badge)), "application/json"
    else:
        body, media = svg(badge, style=query.style).encode(), "image/svg+xml"
    tag = etag(None, body)
    headers = {
        "Cache-Control": f"public, max-age={_KEPT_S[kind]}, stale-while-revalidate=60",
        "ETag": tag,
        "Vary": "Accept",
        "X-Robots-Tag": "noindex",
        **aged,
    }
    if is_known(request, tag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=media, charset="utf-8" if form == "svg" else None, headers=headers)


def _asked(call: Call) -> tuple[BadgeKind, Literal["svg", "json"]]:
    """Which badge, and in which form: by extension, else as JSON for who accepts JSON alone."""
    name, _, extension = call.path["kind"].partition(".")
    if name not in KINDS or extension not in ("", "svg", "json"):
        raise unknown_monitor()
    accepts = call.request.headers.get("Accept", "")
    json = extension == "json" or (not extension and accepts.split(";")[0].strip() == "application/json")
    return name, "json" if json else "svg"


def _monitor_id(call: Call) -> UUID:
    try:
        return call.uuid("monitor_id")
    except BadRequest:
        raise unknown_monitor() from None


_DESCRIPTION = (
    "An SVG; with the extension `.json`, or for who accepts JSON, what shields.io takes as an endpoint badge. "
    "Open where a published status page has the monitor, or with `?token=` of one of its share links; else 404."
)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/monitors/{monitor_id}/badge/{kind}",
        handler=serve,
        operation="get_badge",
        summary="A monitor's badge: status, uptime, latency or certificate",
        description=_DESCRIPTION,
        tag="badges",
        door=Door.PUBLIC,
        query=BadgeQuery,
        reply=Shield,
        also=("image/svg+xml",),
        cache="public, max-age=30",
        errors=("MONITOR_NOT_FOUND", "INVALID_LABEL", "INVALID_PERIOD", "INVALID_STYLE", "INVALID_TOKEN"),
    ),
)
