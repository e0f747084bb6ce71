"""/api/v1/channels/telegram-link and /delegate: codes by which somebody else connects a channel. Shown once."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from msgspec import Struct

from control_plane.domain.channels.channel_link import Purpose, State
from control_plane.domain.channels.connect_form import connectable_kinds
from control_plane.errors import BadRequest, NotFound
from control_plane.notify import transports
from control_plane.services.alerting.link_codes import Minted, mint_code, revoke_code
from control_plane.store import channel_links
from control_plane.store.channel_links import ChannelLink
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

TELEGRAM = "/api/v1/channels/telegram-link"
DELEGATE = "/api/v1/channels/delegate"


class LinkRequest(Struct, frozen=True, kw_only=True):
    """`name`: what the channel shall be called; by default after the chat."""

    name: str | None = None


class DelegateRequest(Struct, frozen=True, kw_only=True):
    """`name` as above; `kind`: the only kind of channel that may be connected; by default any."""

    name: str | None = None
    kind: str | None = None


class TelegramLink(Struct, frozen=True, kw_only=True):
    """A code for Telegram, which is shown this once. Either link takes it; `/link CODE` in a chat does as well."""

    id: UUID
    state: State
    name: str | None
    code: str
    deep_link: str
    group_deep_link: str
    expires_at: datetime


class Delegation(ChannelLink, frozen=True, kw_only=True):
    """A delegation link with its URL, which is shown this once."""

    url: str


async def post_telegram_link(call: Call) -> Reply:
    bot = _bot_name(call)
    minted = await _mint(call, "telegram", name=call.body.name, kind=None)
    link = TelegramLink(
        id=minted.link.id,
        state=minted.link.state,
        name=minted.link.name,
        code=minted.code,
        deep_link=f"https://t.me/{bot}?start={minted.code}",
        group_deep_link=f"https://t.me/{bot}?startgroup={minted.code}",
        expires_at=minted.link.expires_at,
    )
    return Reply(link, headers={"Location": f"{TELEGRAM}/{minted.link.id}"})


async def get_telegram_link(call: Call) -> Reply:
    _bot_name(call)
    tenant_id, link_id = call.tenant().tenant_id, call.uuid("link_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await channel_links.get(conn, tenant_id=tenant_id, purpose="telegram", link_id=link_id)
    if found is None:
        raise NotFound("There is no such link", code="TELEGRAM_LINK_NOT_FOUND")
    return Reply(found)


async def post_delegation(call: Call) -> Reply:
    kind = call.body.kind
    kinds = connectable_kinds(transports(call.deps.settings))
    if kind is not None and kind not in kinds:
        listed = ", ".join(sorted(kinds))
        raise BadRequest(f"kind is one of {listed}", code="DELEGATE_KIND_INVALID", field="/kind")
    minted = await _mint(call, "delegate", name=call.body.name, kind=kind)
    origin = call.deps.settings.server.public_url.rstrip("/") or str(call.request.url.origin())
    told = {name: getattr(minted.link, name) for name in minted.link.__struct_fields__}
    shown = Delegation(**told, url=f"{origin}/c/{minted.code}")
    return Reply(shown, headers={"Location": f"{DELEGATE}/{minted.link.id}"})


async def list_delegations(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        items = await channel_links.list_all(
            conn, tenant_id=tenant_id, purpose="delegate", limit=capped(query.limit), offset=query.offset
        )
        total = await channel_links.count(conn, tenant_id=tenant_id, purpose="delegate")
    return page_reply(call, items, total=total)


async def revoke_delegation(call: Call) -> Reply:
    tenant_id, link_id = call.tenant().tenant_id, call.uuid("delegation_id")
    await revoke_code(call.deps.database, tenant_id=tenant_id, purpose="delegate", link_id=link_id)
    return Reply()


async def _mint(call: Call, purpose: Purpose, *, name: str | None, kind: str | None) -> Minted:
    caller = call.tenant()
    return await mint_code(
        call.deps.database,
        tenant_id=caller.tenant_id,
        link_id=call.deps.new_id(),
        purpose=purpose,
        name=name,
        kind=kind,
        created_by=caller.label,
        pepper=call.deps.settings.security.pepper.encode(),
    )


def _bot_name(call: Call) -> str:
    """The name of the installation's bot. Raises NotFound where it has none."""
    settings = call.deps.settings
    if "telegram_app" not in transports(settings):
        raise NotFound(
            "This installation has no Telegram bot; its operator can set one up", code="TELEGRAM_LINK_NOT_FOUND"
        )
    return settings.telegram.bot_name


_route = partial(Route, door=Door.TENANT, tag="channels")

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path=TELEGRAM,
        handler=post_telegram_link,
        operation="create_telegram_link",
        summary="Make a code that connects a Telegram chat",
        description="The code is shown in this reply only and counts for 15 minutes, in one chat.",
        scope="channels:write",
        body=LinkRequest,
        optional_body=True,
        reply=TelegramLink,
        status=201,
        errors=("NAME_INVALID", "TELEGRAM_LINK_LIMIT", "TELEGRAM_LINK_NOT_FOUND"),
        example={"name": "Operations"},
    ),
    _route(
        method="GET",
        path=TELEGRAM + "/{link_id}",
        handler=get_telegram_link,
        operation="get_telegram_link",
        summary="Whether a code for Telegram was used, and what it made",
        scope="channels:read",
        reply=ChannelLink,
        errors=("TELEGRAM_LINK_NOT_FOUND",),
    ),
    _route(
        method="GET",
        path=DELEGATE,
        handler=list_delegations,
        operation="list_delegations",
        summary="List delegation links, newest first, without their URLs",
        scope="channels:read",
        query=PageQuery,
        reply=Page[ChannelLink],
    ),
    _route(
        method="POST",
        path=DELEGATE,
        handler=post_delegation,
        operation="create_delegation",
        summary="Make a link by which somebody else connects one channel",
        description="The URL is in this reply only and counts for 7 days. It connects one channel and reads nothing.",
        scope="channels:write",
        body=DelegateRequest,
        optional_body=True,
        reply=Delegation,
        status=201,
        errors=("NAME_INVALID", "DELEGATE_KIND_INVALID", "DELEGATE_LINK_LIMIT"),
        example={"name": "The agency's chat", "kind": "webhook"},
    ),
    _route(
        method="DELETE",
        path=DELEGATE + "/{delegation_id}",
        handler=revoke_delegation,
        operation="revoke_delegation",
        summary="Revoke a delegation link that was not used",
        scope="channels:write",
        status=204,
    ),
)
