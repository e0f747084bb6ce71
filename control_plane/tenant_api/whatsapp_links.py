"""/api/v1/channels/whatsapp-link: codes by which somebody connects their own WhatsApp."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from msgspec import Struct

from control_plane.domain.channels.channel_link import State
from control_plane.errors import NotFound
from control_plane.services.alerting.link_codes import mint_code
from control_plane.store import channel_links
from control_plane.store.channel_links import ChannelLink
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class NewWhatsappLink(Struct, frozen=True, kw_only=True):
    """`name`: what the channel shall be called; by default after whoever sends the code."""

    name: str | None = None


class WhatsappLink(Struct, frozen=True, kw_only=True):
    """A code without the code. `channel_id`: what it made, once somebody sent it."""

    id: UUID
    state: State
    name: str | None
    channel_id: UUID | None
    created_at: datetime
    expires_at: datetime
    consumed_at: datetime | None


class WhatsappLinkMade(WhatsappLink, frozen=True, kw_only=True):
    """The code is shown in this reply only. `deep_link` opens WhatsApp with it, ready to send."""

    code: str
    deep_link: str


async def post_link(call: Call) -> Reply:
    number, caller = _number(call), call.tenant()
    made = await mint_code(
        call.deps.database,
        tenant_id=caller.tenant_id,
        link_id=call.deps.new_id(),
        purpose="whatsapp",
        name=call.body.name,
        created_by=caller.label,
        pepper=call.deps.settings.security.pepper.encode(),
    )
    reply = WhatsappLinkMade(
        **_shown(made.link), code=made.code, deep_link=f"https://wa.me/{number}?text={quote(made.code, safe='')}"
    )
    return Reply(reply, headers={"Location": f"/api/v1/channels/whatsapp-link/{made.link.id}"})


async def get_link(call: Call) -> Reply:
    _number(call)
    tenant_id, link_id = call.tenant().tenant_id, call.uuid("whatsapp_link_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        link = await channel_links.get(conn, tenant_id=tenant_id, purpose="whatsapp", link_id=link_id)
    if link is None:
        raise NotFound("There is no such link", code="WHATSAPP_LINK_NOT_FOUND")
    return Reply(WhatsappLink(**_shown(link)))


def _number(call: Call) -> str:
    """The digits of the installation's number. Raises NotFound where it has none."""
    number = "".join(each for each in call.deps.settings.whatsapp.number if each.isdigit())
    if not number:
        raise NotFound("This installation has no number on WhatsApp", code="WHATSAPP_LINK_NOT_FOUND")
    return number


def _shown(link: ChannelLink) -> dict[str, Any]:
    return {name: getattr(link, name) for name in WhatsappLink.__struct_fields__}


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/channels/whatsapp-link",
        handler=post_link,
        operation="create_whatsapp_link",
        summary="Make a code that connects somebody's WhatsApp",
        description="The code counts once, for 15 minutes: whoever sends it to the installation's number makes a "
        "channel that tells that number.",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        body=NewWhatsappLink,
        optional_body=True,
        reply=WhatsappLinkMade,
        status=201,
        errors=("NAME_INVALID", "WHATSAPP_LINK_LIMIT", "WHATSAPP_LINK_NOT_FOUND"),
        example={"name": "Ana's phone"},
    ),
    Route(
        method="GET",
        path="/api/v1/channels/whatsapp-link/{whatsapp_link_id}",
        handler=get_link,
        operation="get_whatsapp_link",
        summary="See whether somebody has sent the code",
        tag="channels",
        door=Door.TENANT,
        scope="channels:read",
        reply=WhatsappLink,
        errors=("WHATSAPP_LINK_NOT_FOUND",),
    ),
)
