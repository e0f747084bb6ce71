"""Create the one channel that a code stands for, and use the code up with it, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

from msgspec import Struct

from control_plane.domain.channels import channel_link
from control_plane.domain.channels.channel_link import Purpose
from control_plane.domain.tenants.actor import Actor
from control_plane.errors import FarwatchError, NotFound, Refused
from control_plane.sealing import Sealer
from control_plane.services.alerting.channel_config import Prepared
from control_plane.services.alerting.create_channel import place_channel
from control_plane.store import channel_links, channels, plans
from control_plane.store.acting import acting
from control_plane.store.channel_links import OpenLink
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Database

_LABELS: Mapping[Purpose, str] = {
    "telegram": "Telegram link",
    "whatsapp": "WhatsApp link",
    "delegate": "delegation link",
}
_TRIES = 3


class Passage(Struct, frozen=True, kw_only=True):
    """How somebody came with a code, for the audit log. `source`: ui for a page, api for a vendor's call."""

    source: str
    operation: str
    address: str | None = None
    trace_id: str | None = None


async def create_linked_channel(
    database: Database,
    link: OpenLink,
    *,
    sealer: Sealer,
    channel_id: UUID,
    prepared: Prepared,
    called: str | None,
    passage: Passage,
) -> ChannelRow:
    """The channel, called as the link says or else as `called`, with a number behind it where that name is taken.

    Raises NotFound CHANNEL_LINK_OVER when the code does not count any more: of two that use it at once, one makes a
    channel. Otherwise as create_channel: Refused QUOTA_EXCEEDED, Forbidden PLAN_FEATURE, and the operator's rules.
    """
    if not channel_link.may_make(link.purpose, link.kind, prepared.kind):
        raise link_over()
    wanted = channel_link.shown_name(link.name, called)
    create = partial(_create, database, link, sealer=sealer, channel_id=channel_id, prepared=prepared, wanted=wanted)
    with acting(_actor(link, passage)):
        return await _retried(partial(create, source=passage.source))


async def _retried(create: Callable[[], Awaitable[ChannelRow]]) -> ChannelRow:
    """Whoever renames another channel to the very name meanwhile must not spoil it: it is tried with the next one."""
    for _ in range(_TRIES - 1):
        try:
            return await create()
        except Refused as refused:
            if refused.code != "CHANNEL_NAME_TAKEN":
                raise
    return await create()


async def _create(
    database: Database,
    link: OpenLink,
    *,
    sealer: Sealer,
    channel_id: UUID,
    prepared: Prepared,
    wanted: str,
    source: str,
) -> ChannelRow:
    tenant_id = link.tenant_id
    async with database.tenant_transaction(tenant_id) as conn:
        if not await channel_links.lock_open(conn, tenant_id=tenant_id, link_id=link.id):
            raise link_over()
        terms = await plans.read_terms(conn, tenant_id=tenant_id)
        taken = await channels.names(conn, tenant_id=tenant_id)
        row = await place_channel(
            conn,
            sealer=sealer,
            tenant_id=tenant_id,
            channel_id=channel_id,
            terms=terms,
            name=channel_link.free_name(wanted, taken),
            prepared=prepared,
            enabled=True,
            write_source=source,
        )
        await channel_links.consume(conn, tenant_id=tenant_id, link_id=link.id, channel_id=row.id)
    return row


def link_over() -> NotFound:
    """One answer for codes that are unknown, spent, revoked or too old."""
    return NotFound("This link was used before, or is too old", code="CHANNEL_LINK_OVER")


def told_to_holder(error: FarwatchError) -> str:
    """Why nothing was made, for whoever holds the code: they are told nothing of the tenant's plan and channels."""
    if error.code in ("QUOTA_EXCEEDED", "PLAN_FEATURE"):
        return "No such channel can be added at the moment. Ask whoever gave you the link"
    return error.message


def _actor(link: OpenLink, passage: Passage) -> Actor:
    label = _LABELS[link.purpose]
    return Actor(
        kind="link",
        id=link.id,
        label=label if link.created_by is None else f"{label} of {link.created_by}",
        source=passage.source,
        operation=passage.operation,
        address=passage.address,
        trace_id=passage.trace_id,
    )
