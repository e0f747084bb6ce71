"""A monitor's badges: what can be chosen of one, how it looks now, and the lines that put it into a text.

Nobody outside sees a badge unless a page that is open to all has the monitor, or its address carries the token of one
of the monitor's share links. So without either there are no lines to copy: they would lead to a picture of nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.fields import Field, Option, options
from control_plane.dashboard.monitors.edit_monitor import view_of
from control_plane.dashboard.visit import Visit
from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.domain.pages.badge import LABEL_LIMIT, Style, svg
from control_plane.domain.pages.badge_snippets import KINDS_OF_PERIOD, USUAL_PERIODS, BadgeLook, Snippet, snippets
from control_plane.domain.pages.badge_words import PERIOD_WORDS, PERIODS
from control_plane.errors import NotFound
from control_plane.services.pages.keep_share import find_share
from control_plane.services.pages.read_badge import BadgeOf, Wanted, read_badge
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.public_monitors import ShownOn

KINDS: Mapping[str, str] = {
    "status": "How it is now",
    "uptime": "How much of the time it was up",
    "latency": "How fast it answers",
    "certificate": "How long its certificate lasts",
}
_STYLES: tuple[str, ...] = get_args(Style)
_FOREIGN = "That is no share link of this monitor, or it counts no more"
_IMAGE_HEADERS = {
    "Cache-Control": "private, max-age=10",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class KindChoice(Struct, frozen=True):
    """A badge that can be chosen, with its picture."""

    kind: str
    about: str
    picture: str
    chosen: bool


class BadgePart(Struct, frozen=True, kw_only=True):
    """`carries`: page, link or nothing, by which others may load it. `link_problem`: why a pasted link is none."""

    kinds: Sequence[KindChoice]
    fields: Sequence[Field]
    snippets: Sequence[Snippet]
    kind: str
    picture: str
    carries: str
    link: str
    link_problem: str


def look_of(visit: Visit) -> BadgeLook:
    """The badge that a form chooses, or the usual one; what is not known there counts as not chosen."""
    left = visit.form.get("left", [""])[0].strip()[:LABEL_LIMIT]
    period = visit.text("period")
    return BadgeLook(
        kind=visit.text("kind") if visit.text("kind") in KINDS else "status",
        style=visit.text("style") if visit.text("style") in _STYLES else "flat",
        period=period if period in PERIODS else "",
        label=left or None,
    )


async def badge_part(
    visit: Visit, view: MonitorView, pages: Sequence[ShownOn], *, look: BadgeLook, link: str = ""
) -> BadgePart:
    """The badges of a monitor. `link` is a share link, as its address or its bare token."""
    kinds = [kind for kind in KINDS if kind != "latency" or not kind_is_regionless(view.kind)]
    token = await _token(visit, view, link) if link else ""
    page = next((each for each in pages if each.is_open), None)
    shown: list[Snippet] = []
    if token or page:
        carried = BadgeLook(kind=look.kind, style=look.style, period=look.period, label=look.label, token=token)
        leads_to = f"{visit.origin}/m/{token}" if token or page is None else f"{visit.origin}/status/{page.slug}"
        name = page.name if page and not token else view.name
        shown = snippets(view.id, carried, origin=visit.origin, name=name, leads_to=leads_to)
    return BadgePart(
        kinds=[
            KindChoice(kind, KINDS[kind], _picture(view.id, kind, BadgeLook(kind=kind)), kind == look.kind)
            for kind in kinds
        ],
        fields=_fields(look),
        snippets=shown,
        kind=look.kind,
        picture=_picture(view.id, look.kind, look),
        carries="link" if token else "page" if page else "",
        link=link,
        link_problem="" if token or not link else f"{_FOREIGN}.",
    )


async def _token(visit: Visit, view: MonitorView, link: str) -> str:
    """The token in it, if it is of a link of this monitor that counts; else nothing."""
    token = link.rstrip("/").rpartition("/")[2]
    share = await find_share(visit.deps.database, token, pepper=visit.deps.settings.security.pepper.encode())
    return token if share is not None and share.monitor_id == view.id else ""


def _picture(monitor_id: UUID, kind: str, look: BadgeLook) -> str:
    """Where this page finds the picture: behind the session, as nobody else may see it."""
    wanted = {"style": look.style, "left": look.label, "period": look.period if kind in KINDS_OF_PERIOD else None}
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"/app/monitors/{monitor_id}/share/badge/{kind}?{query}"


def _fields(look: BadgeLook) -> list[Field]:
    periods = (Option("", "Uptime 30 d, latency 24 h", not look.period),)
    chosen = tuple(Option(each, words, each == look.period) for each, words in PERIOD_WORDS.items())
    styles = {each: each.replace("-", ", ") for each in _STYLES}
    extra = {"maxlength": str(LABEL_LIMIT), "autocomplete": "off", "placeholder": "of the kind"}
    return [
        Field(name="style", label="Style", at="/style", type="select", options=options(styles, {look.style})),
        Field(name="period", label="Looks back", at="/period", type="select", options=(*periods, *chosen)),
        Field(name="left", label="Words on the left", at="/label", value=look.label or "", extra=extra),
    ]


async def picture(visit: Visit) -> web.StreamResponse:
    """A badge as it is now, for whoever may read the monitor."""
    kind = visit.call.path["kind"]
    if kind not in KINDS:
        raise NotFound("There is no such badge")
    view, period, style = await view_of(visit), visit.query("period"), visit.query("style")
    usual = USUAL_PERIODS.get(kind, "30d")
    wanted = Wanted(
        kind=kind,  # type: ignore[arg-type]
        period=period if period in PERIODS else usual,  # type: ignore[arg-type]
        label=visit.query("left")[:LABEL_LIMIT] or None,
    )
    of = BadgeOf(visit.tenant_id, view.id)
    badge = await read_badge(visit.deps.database, of, wanted, kept=visit.deps.settings.retention)
    text = svg(badge, style=style if style in _STYLES else "flat")  # type: ignore[arg-type]
    return web.Response(text=text, content_type="image/svg+xml", headers=_IMAGE_HEADERS)
