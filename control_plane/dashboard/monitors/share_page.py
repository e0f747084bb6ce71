"""/app/monitors/{id}/share: whom a monitor is shown to outside: links that one passes on, and badges for other pages.

A link's token is on the page that answers its making, and on no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.fields import Field, Group, instant, options, told, zone_of
from control_plane.dashboard.monitors.badge_part import badge_part, look_of, picture
from control_plane.dashboard.monitors.edit_monitor import view_of
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import Moment, count, maybe_moment, moment
from control_plane.domain.pages.share_rules import LABEL_LIMIT
from control_plane.errors import BadRequest, FarwatchError, Refused
from control_plane.services.pages.keep_share import MintedShare, create_share, revoke_share
from control_plane.store import public_monitors, shares
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.shares import Share
from control_plane.web.routes import Route

HERE = "/app/monitors/{monitor_id}/share"
_MOST = 200
LASTS: Mapping[str, tuple[str, timedelta | None]] = {
    "1d": ("A day", timedelta(days=1)),
    "7d": ("A week", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "90d": ("90 days", timedelta(days=90)),
    "never": ("Until it is revoked", None),
}
_USUAL = "30d"
_SAID = {"revoked": "The link leads nowhere any more, and badges with its token are gone with it."}


class ShareLine(Struct, frozen=True, kw_only=True):
    """A link in the list."""

    id: UUID
    label: str
    by: str
    created: Moment
    ends: Moment | None
    used: Moment | None


async def show_share(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await view_of(visit))


async def choose_badge(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await view_of(visit), link=visit.text("link"))


async def create(visit: Visit) -> web.StreamResponse:
    view = await view_of(visit)
    try:
        minted = await create_share(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            monitor_id=view.id,
            share_id=visit.deps.new_id(),
            label=visit.text("label"),
            expires_at=_expires_at(visit),
            terms=visit.caller.terms,
            created_by=visit.caller.label,
            pepper=visit.deps.settings.security.pepper.encode(),
        )
    except (BadRequest, Refused) as error:
        return await _page(visit, view, error=error)
    return await _page(visit, view, minted=minted, link=f"{visit.origin}/m/{minted.token}")


async def revoke(visit: Visit) -> web.StreamResponse:
    monitor_id = visit.id("monitor_id")
    await revoke_share(
        visit.deps.database, tenant_id=visit.tenant_id, monitor_id=monitor_id, share_id=visit.id("share_id")
    )
    return see_other(f"/app/monitors/{monitor_id}/share?said=revoked")


def _expires_at(visit: Visit) -> datetime | None:
    """Until the time that is typed, else for as long as is chosen. Raises BadRequest INVALID_EXPIRY."""
    until = instant(visit.text("ends_at"), zone_of("UTC"))
    if isinstance(until, str):
        raise BadRequest("Write a day and a time, such as 2026-12-31T18:00", code="INVALID_EXPIRY", field="/expires_at")
    _, lasts = LASTS.get(visit.text("lasts"), LASTS[_USUAL])
    return until or (None if lasts is None else visit.deps.now() + lasts)


async def _page(
    visit: Visit,
    view: MonitorView,
    *,
    minted: MintedShare | None = None,
    link: str = "",
    error: FarwatchError | None = None,
) -> web.StreamResponse:
    tenant_id = visit.tenant_id
    async with visit.deps.database.tenant(tenant_id) as conn:
        links, total = await shares.list_shares(conn, tenant_id=tenant_id, monitor_id=view.id, limit=_MOST, offset=0)
        shared = await shares.count_shared(conn, tenant_id=tenant_id)
        pages = await public_monitors.pages_of_monitor(conn, tenant_id=tenant_id, monitor_id=view.id)
    fields, problem = told([_form(visit, failed=error is not None)], error)
    context: dict[str, Any] = {
        "monitor": {"id": view.id, "name": view.name},
        "links": [_line(each, visit.deps.now()) for each in links],
        "room": _room(visit, total, shared),
        "minted": minted,
        "address": link if minted else "",
        "pages": pages,
        "fields": fields[0].fields,
        "badges": await badge_part(visit, view, pages, look=look_of(visit), link=link),
        "may_write": visit.may("monitors:write"),
        "said": _SAID.get(visit.query("said"), ""),
        "problem": problem,
    }
    return show(visit, "share.html", context, status=200 if error is None else error.status)


async def seen_outside(visit: Visit, view: MonitorView) -> dict[str, str | list[dict[str, str]]]:
    """Who sees a monitor without an account, for its own page: pages that are open to all, and how many links count."""
    tenant_id = visit.tenant_id
    async with visit.deps.database.tenant(tenant_id) as conn:
        links = await shares.count_of_monitor(conn, tenant_id=tenant_id, monitor_id=view.id)
        pages = await public_monitors.pages_of_monitor(conn, tenant_id=tenant_id, monitor_id=view.id)
    shown = [{"title": each.title, "slug": each.slug} for each in pages if each.is_open]
    return {"pages": shown, "links": count(links, "share link") if links else ""}


def _form(visit: Visit, *, failed: bool) -> Group:
    lasts = visit.text("lasts") if failed and visit.text("lasts") in LASTS else _USUAL
    words = {key: word for key, (word, _) in LASTS.items()}
    whom = {"maxlength": str(LABEL_LIMIT), "autocomplete": "off", "placeholder": "The agency"}
    return Group(
        (
            Field(name="label", label="For whom", at="/label", value=_kept(visit, "label", failed=failed), extra=whom),
            Field(name="lasts", label="Counts for", at="/lasts", type="select", options=options(words, {lasts})),
            Field(
                name="ends_at",
                label="Or until (UTC)",
                at="/expires_at",
                type="datetime-local",
                value=_kept(visit, "ends_at", failed=failed),
            ),
        )
    )


def _kept(visit: Visit, name: str, *, failed: bool) -> str:
    return visit.text(name) if failed else ""


def _room(visit: Visit, links: int, shared: int) -> Sequence[str]:
    """How much of the plan is used, in words; nothing of what has no limit."""
    quotas = visit.caller.terms.quotas
    of_monitor, monitors = quotas.get("share_links_per_monitor"), quotas.get("shared_monitors")
    said = [count(links, "link") if of_monitor is None else f"{links} of {of_monitor} links of this monitor"]
    return [*said, *([] if monitors is None else [f"{shared} of {monitors} monitors are shared"])]


def _line(row: Share, now: datetime) -> ShareLine:
    return ShareLine(
        id=row.id,
        label=row.label or "A link without a name",
        by=row.created_by,
        created=moment(row.created_at, now),
        ends=maybe_moment(row.expires_at, now),
        used=maybe_moment(row.last_used_at, now),
    )


ROUTES: tuple[Route, ...] = (
    page(HERE, show_share, operation="show_sharing", summary="Share links and badges", scope="monitors:read"),
    form(HERE, create, operation="add_share", summary="Make a share link", scope="monitors:write"),
    form(
        f"{HERE}/badges", choose_badge, operation="choose_badge", summary="The lines of a badge", scope="monitors:read"
    ),
    page(f"{HERE}/badge/{{kind}}", picture, operation="show_badge", summary="A badge's picture", scope="monitors:read"),
    form(
        f"{HERE}/{{share_id}}/revoke", revoke, operation="ask_share_revoke", summary="Revoke it", scope="monitors:write"
    ),
)
