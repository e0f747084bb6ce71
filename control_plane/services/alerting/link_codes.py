"""Codes that connect a chat or a channel: made, found, revoked. What uses one up is create_linked_channel.py.

Who holds a code may make one channel of the tenant that made the code, and nothing else: the tenant is known from the
code alone, never from what comes with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.channels import channel_link
from control_plane.domain.channels.channel_link import CODE, LASTS, LIMIT_CODES, MAX_PENDING, Purpose
from control_plane.errors import NotFound, Refused
from control_plane.store import channel_links, tenants
from control_plane.store.channel_links import ChannelLink, OpenLink
from control_plane.store.pool import Database
from shared.ids import TenantId


class Minted(Struct, frozen=True):
    """A link, and its code, which is in this answer and nowhere else."""

    link: ChannelLink
    code: str


async def mint_code(
    database: Database,
    *,
    tenant_id: TenantId,
    link_id: UUID,
    purpose: Purpose,
    name: str | None,
    kind: str | None = None,
    created_by: str,
    pepper: bytes,
) -> Minted:
    """A new code. `name`: what the channel shall be called; `kind`: all that a delegation may make.

    Raises BadRequest NAME_INVALID, Refused TELEGRAM_LINK_LIMIT, WHATSAPP_LINK_LIMIT or DELEGATE_LINK_LIMIT. The
    tenant's counters are held from the count on, so two that ask at once cannot both take the last place.
    """
    if name is not None:
        name = field_rules.name(name)
    code = channel_link.make_code(secrets.token_bytes(channel_link.ENTROPY_BYTES))
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        pending = await channel_links.count_pending(conn, tenant_id=tenant_id, purpose=purpose)
        if pending >= MAX_PENDING:
            raise Refused(
                f"{pending} such links are outstanding: use or revoke one, or wait until one expires",
                code=LIMIT_CODES[purpose],
                details={"limit": MAX_PENDING, "current": pending},
            )
        link = await channel_links.insert(
            conn,
            tenant_id=tenant_id,
            link_id=link_id,
            purpose=purpose,
            name=name,
            kind=kind,
            digest=channel_link.code_digest(code, pepper),
            created_by=created_by,
            lasts=LASTS[purpose],
        )
    return Minted(link, code)


async def find_code(
    database: Database, code: str, *, purposes: Sequence[Purpose], pepper: bytes, kind: str | None = None
) -> OpenLink | None:
    """What a code leads to while it counts and its tenant is not suspended; None says no more.

    `kind`: it also has to be one that may make such a channel.
    """
    if not CODE.fullmatch(code):
        return None
    async with database.app() as conn:
        digest = channel_link.code_digest(code, pepper)
        link = await channel_links.find_open(conn, digest=digest, purposes=purposes)
    if link is None or (kind is not None and not channel_link.may_make(link.purpose, link.kind, kind)):
        return None
    return link


async def revoke_code(database: Database, *, tenant_id: TenantId, purpose: Purpose, link_id: UUID) -> None:
    """Let a link count no more; one that is over stays as it is. Raises NotFound where there is none."""
    async with database.tenant_transaction(tenant_id) as conn:
        if await channel_links.revoke(conn, tenant_id=tenant_id, purpose=purpose, link_id=link_id):
            return
        if await channel_links.get(conn, tenant_id=tenant_id, purpose=purpose, link_id=link_id) is None:
            raise NotFound("There is no such link")
