"""Channels that were linked to a chat or a phone, found by what they are linked to, over all tenants.

The address of a linked channel is its `chat_id` or its `phone` (sql/migrations/0030.linked_channels.sql has the index).
Whoever acts here speaks for the chat, whichever tenants have linked it.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId

_ADDRESS = "coalesce(config ->> 'chat_id', config ->> 'phone')"
_LINKED = f"kind = $1 AND kind IN ('telegram_app', 'whatsapp_app') AND {_ADDRESS} = $2"


class Linked(Struct, frozen=True):
    """A channel, by whose it is."""

    tenant_id: TenantId
    id: UUID


FLEET_LOCK = f"""
SELECT tenant_id, id FROM channels WHERE {_LINKED} AND enabled ORDER BY tenant_id, id FOR UPDATE
"""


async def lock_linked(conn: Connection, *, kind: str, address: str) -> list[Linked]:
    """The enabled channels of a chat or a phone, held until commit."""
    return [Linked(**row) for row in await conn.fetch(FLEET_LOCK, kind, address)]


DISABLE = """
UPDATE channels SET enabled = false, disabled_reason = $3, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""


async def disable(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, reason: str) -> None:
    """Turn a channel off that is held."""
    await conn.execute(DISABLE, tenant_id, channel_id, reason)


FLEET_IS_LINKED = f"SELECT EXISTS (SELECT FROM channels WHERE {_LINKED})"


async def is_linked(conn: Connection, *, kind: str, address: str) -> bool:
    """Whether any channel is left of a chat or a phone, enabled or not."""
    found: bool = await conn.fetchval(FLEET_IS_LINKED, kind, address)
    return found


# A group's last word under its old id may have been that the bot is out of it.
FLEET_MOVE_CHAT = f"""
UPDATE channels
SET config = config || jsonb_build_object('chat_id', $3::text),
    enabled = enabled OR coalesce(disabled_reason = ANY ($4::text[]), false),
    disabled_reason = CASE WHEN disabled_reason = ANY ($4::text[]) THEN NULL ELSE disabled_reason END,
    updated_at = now(), revision = revision + 1
WHERE {_LINKED}
"""


async def move_chat(conn: Connection, *, kind: str, address: str, to: str, undone: frozenset[str]) -> None:
    """Write to a chat's new id from now on. `undone`: reasons for being disabled that were a step of the move."""
    await conn.execute(FLEET_MOVE_CHAT, kind, address, to, sorted(undone))
