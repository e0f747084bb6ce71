"""/api/v1/monitors/{id}/shares: links that show one monitor to whoever has them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from control_plane.services.pages.keep_share import MintedShare, create_share, list_shares, revoke_share
from control_plane.store.shares import Share
from control_plane.tenant_api.one_monitor import PATH
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class NewShare(Struct, frozen=True, forbid_unknown_fields=True):
    """A link to make: `label` says whom it is for, at most 80 characters; without `expires_at` it has no end."""

    label: str = ""
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class ShareJson(Struct, frozen=True, kw_only=True):
    """A link that counts. `last_used_at` is true to the minute."""

    id: UUID
    monitor_id: UUID
    label: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class MintedShareJson(ShareJson, frozen=True, kw_only=True):
    """The same with its token, which is shown this once. `link` is the page, `path` the page on whatever host."""

    token: str
    path: str
    link: str | None


async def listed(call: Call) -> Reply:
    rows, total = await list_shares(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        monitor_id=call.uuid("monitor_id"),
        limit=capped(call.query.limit),
        offset=call.query.offset,
    )
    return page_reply(call, [ShareJson(**_fields(row)) for row in rows], total=total)


async def create(call: Call) -> Reply:
    caller, body = call.tenant(), call.body
    minted = await create_share(
        call.deps.database,
        tenant_id=caller.tenant_id,
        monitor_id=call.uuid("monitor_id"),
        share_id=call.deps.new_id(),
        label=body.label,
        expires_at=body.expires_at,
        terms=caller.terms,
        created_by=caller.label,
        pepper=call.deps.settings.security.pepper.encode(),
    )
    location = f"/api/v1/monitors/{minted.share.monitor_id}/shares/{minted.share.id}"
    return Reply(_minted(call, minted), headers={"Location": location})


async def revoke(call: Call) -> Reply:
    await revoke_share(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        monitor_id=call.uuid("monitor_id"),
        share_id=call.uuid("share_id"),
    )
    return Reply()


def _minted(call: Call, minted: MintedShare) -> MintedShareJson:
    path, base = f"/m/{minted.token}", call.deps.settings.server.public_url.rstrip("/")
    return MintedShareJson(
        **_fields(minted.share), token=minted.token, path=path, link=f"{base}{path}" if base else None
    )


def _fields(row: Share) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ShareJson.__struct_fields__}


_SHARES = f"{PATH}/shares"
_route = partial(Route, door=Door.TENANT, tag="monitors")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path=_SHARES,
        handler=listed,
        operation="list_shares",
        summary="List a monitor's share links, newest first",
        description="Links that count, without their tokens: each was shown once, when it was made.",
        scope="monitors:read",
        query=PageQuery,
        reply=Page[ShareJson],
        errors=("MONITOR_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=_SHARES,
        handler=create,
        operation="create_share",
        summary="Make a link that shows this monitor to whoever has it",
        description="It shows name, verdict, votes, latency, uptime and incidents; never what is checked or answered.",
        scope="monitors:write",
        body=NewShare,
        optional_body=True,
        reply=MintedShareJson,
        status=201,
        errors=("MONITOR_NOT_FOUND", "SHARE_LABEL_INVALID", "INVALID_EXPIRY", "INVALID_EXPIRES_AT", "QUOTA_EXCEEDED"),
        example={"label": "For the agency", "expires_at": "2030-01-01T00:00:00Z"},
    ),
    _route(
        method="DELETE",
        path=f"{_SHARES}/{{share_id}}",
        handler=revoke,
        operation="delete_share",
        summary="Revoke a share link: from now on it leads nowhere",
        scope="monitors:write",
        status=204,
        errors=("SHARE_NOT_FOUND",),
    ),
)
