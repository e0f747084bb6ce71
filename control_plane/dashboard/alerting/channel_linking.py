"""Connecting a channel by a code: one's own Telegram or WhatsApp, or a link that somebody else follows.

A code is on the page that makes it, and on no other; the page beside it that waits knows the code's id alone.
"""

from __future__ import annotations

from functools import partial
from typing import Literal
from urllib.parse import quote

import segno
from aiohttp import web

from control_plane.dashboard.alerting.channel_page import HERE, list_page
from control_plane.dashboard.visit import Visit, form, frame, page, see_other, show
from control_plane.dashboard.words import sentence
from control_plane.domain.channels.connect_form import connectable_kinds
from control_plane.errors import BadRequest, NotFound, Refused
from control_plane.notify import transports
from control_plane.services.alerting.link_codes import Minted, mint_code, revoke_code
from control_plane.store import channel_links
from control_plane.web.routes import Route

Chat = Literal["telegram", "whatsapp"]
_TITLES: dict[Chat, str] = {"telegram": "Telegram", "whatsapp": "WhatsApp"}


async def link(visit: Visit, *, chat: Chat) -> web.StreamResponse:
    """A code for a chat, as links, a QR code and text."""
    _require(visit, chat)
    try:
        minted = await _mint(visit, chat)
    except (BadRequest, Refused) as error:
        return await list_page(visit, problem=sentence(error.message), status=error.status)
    links = _links(visit, chat, minted.code)
    context = {
        "title": _TITLES[chat],
        "links": links,
        "picture": str(segno.make(links[0][1], micro=False).svg_inline(border=2, omitsize=True, title="QR code")),
        "command": f"/link {minted.code}" if chat == "telegram" else minted.code,
        "then": "tap Start" if chat == "telegram" else "send the message that is there",
        "until": f"{minted.link.expires_at:%H:%M} UTC",
        "wait": f"{HERE}/links/{chat}/{minted.link.id}",
    }
    return show(visit, "link_chat.html", context)


def _links(visit: Visit, chat: Chat, code: str) -> list[tuple[str, str]]:
    settings = visit.deps.settings
    if chat == "whatsapp":
        number = "".join(each for each in settings.whatsapp.number if each.isdigit())
        return [("Open WhatsApp", f"https://wa.me/{number}?text={quote(code, safe='')}")]
    base = f"https://t.me/{settings.telegram.bot_name}"
    return [("Open Telegram", f"{base}?start={code}"), ("Add to a group", f"{base}?startgroup={code}")]


async def wait(visit: Visit, *, chat: Chat) -> web.StreamResponse:
    """Whether the code was used; what it made, once it was."""
    link_id = visit.id("link_id")
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        found = await channel_links.get(conn, tenant_id=visit.tenant_id, purpose=chat, link_id=link_id)
    if found is None:
        raise NotFound("There is no such link")
    if found.state == "consumed" and found.channel_id is not None:
        return see_other(f"{HERE}/{found.channel_id}?said=created")
    return show(
        visit, "link_waits.html", {"title": _TITLES[chat], "state": found.state, "here": f"{HERE}/links/{chat}"}
    )


async def delegate(visit: Visit) -> web.StreamResponse:
    """A link for somebody else. Its address is on the page that answers, and on no other."""
    kind = visit.text("kind") or None
    try:
        if kind is not None and kind not in connectable_kinds(transports(visit.deps.settings)):
            raise BadRequest("choose one of the kinds", code="DELEGATE_KIND_INVALID", field="/kind")
        minted = await _mint(visit, "delegate", kind=kind)
    except (BadRequest, Refused) as error:
        return await list_page(visit, problem=sentence(error.message), status=error.status)
    url = f"{frame(visit)['origin']}/c/{minted.code}"
    return show(visit, "delegated.html", {"url": url, "until": f"{minted.link.expires_at:%-d %B %Y, %H:%M} UTC"})


async def revoke(visit: Visit) -> web.StreamResponse:
    await revoke_code(
        visit.deps.database, tenant_id=visit.tenant_id, purpose="delegate", link_id=visit.id("delegation_id")
    )
    return see_other(f"{HERE}?said=revoked")


async def _mint(visit: Visit, purpose: Literal["telegram", "whatsapp", "delegate"], kind: str | None = None) -> Minted:
    return await mint_code(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        link_id=visit.deps.new_id(),
        purpose=purpose,
        name=visit.text("name") or None,
        kind=kind,
        created_by=visit.caller.label,
        pepper=visit.deps.settings.security.pepper.encode(),
    )


def _require(visit: Visit, chat: Chat) -> None:
    if f"{chat}_app" not in transports(visit.deps.settings):
        raise NotFound(f"This installation has no {_TITLES[chat]} of its own; its operator can set one up")


_writes = partial(form, scope="channels:write")


def _chat_routes(chat: Chat) -> tuple[Route, Route]:
    title = _TITLES[chat]
    return (
        _writes(
            f"{HERE}/links/{chat}", partial(link, chat=chat), operation=f"ask_{chat}_link", summary=f"Link {title}"
        ),
        page(
            f"{HERE}/links/{chat}/{{link_id}}",
            partial(wait, chat=chat),
            operation=f"await_{chat}_link",
            summary=f"Whether {title} is linked",
            scope="channels:read",
        ),
    )


ROUTES: tuple[Route, ...] = (
    *_chat_routes("telegram"),
    *_chat_routes("whatsapp"),
    _writes(f"{HERE}/delegations", delegate, operation="ask_delegation", summary="Let somebody else connect a channel"),
    _writes(
        f"{HERE}/delegations/{{delegation_id}}/revoke",
        revoke,
        operation="ask_delegation_revoke",
        summary="Take it back",
    ),
)
