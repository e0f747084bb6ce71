"""Messages that a vendor took and could not deliver: which they are, and what that makes of their deliveries."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.domain.alerting.delivery import UNWELL_AFTER
from control_plane.store.delivery_records import CANCEL_RECOVERY, HEALTH, HOLD_CHANNEL
from control_plane.store.linked_channels import Linked
from control_plane.store.pool import Connection

FLEET_LINKED = """
SELECT tenant_id, id FROM channels
WHERE kind = $1 AND kind IN ('telegram_app', 'whatsapp_app')
  AND coalesce(config ->> 'chat_id', config ->> 'phone') = $2
ORDER BY tenant_id, id
"""


async def linked(conn: Connection, *, kind: str, address: str) -> list[Linked]:
    """The channels of a chat or a phone, enabled or not."""
    return [Linked(**row) for row in await conn.fetch(FLEET_LINKED, kind, address)]


class Told(Struct, frozen=True):
    """A message that a channel took. `underway`: it may have been, and that is not recorded yet."""

    message_id: UUID
    underway: bool


# $3: what the vendor calls it, kept in the receipt of the message's first delivery; $4: what we call it. Vendors tell
# of a failure within 30 days.
FIND_MESSAGE = """
SELECT message_id, NOT bool_or(coalesce(receipt ->> 'wamid' = $3, false)) AS underway
FROM deliveries
WHERE tenant_id = $1 AND channel_id = $2 AND created_at > now() - interval '31 days'
  AND (receipt ->> 'wamid' = $3
       OR message_id = $4 AND state = 'pending' AND lease_until > clock_timestamp())
GROUP BY message_id
LIMIT 1
"""


async def find_message(conn: Connection, channel: Linked, *, vendors_id: str, message_id: UUID | None) -> Told | None:
    """The message that a vendor tells of; None: it is not this channel's, or was sent again since."""
    row = await conn.fetchrow(FIND_MESSAGE, channel.tenant_id, channel.id, vendors_id, message_id)
    return None if row is None else Told(**row)


GIVE_UP = """
UPDATE deliveries SET state = 'dead', reason = $4, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND channel_id = $2 AND message_id = $3 AND state = 'delivered'
RETURNING id, clock_timestamp() AS at
"""


async def give_up(conn: Connection, channel: Linked, *, message_id: UUID, reason: str) -> bool:
    """What was delivered did not arrive: its rows are dead letters and the channel has failed once more.

    False where that is known already. Call it in a transaction.
    """
    tenant_id, channel_id = channel.tenant_id, channel.id
    await conn.execute(HOLD_CHANNEL, tenant_id, channel_id)
    rows = await conn.fetch(GIVE_UP, tenant_id, channel_id, message_id, reason)
    if not rows:
        return False
    await conn.execute(HEALTH, tenant_id, channel_id, reason, rows[0]["at"], UNWELL_AFTER, False)
    await conn.execute(CANCEL_RECOVERY, tenant_id, [row["id"] for row in rows])
    return True
