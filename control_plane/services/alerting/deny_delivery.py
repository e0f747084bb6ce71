"""Hold a delivery against the deny rules as they are now: its channel may be older than they are."""

from __future__ import annotations

from control_plane.domain.safety.safety import Denial
from control_plane.errors import Unavailable
from control_plane.sealing import Sealer
from control_plane.services.alerting.channel_config import UnusableChannelError, opened_secrets
from control_plane.services.safety.read_gate import compiled_rules
from control_plane.services.safety.refuse_target import denied_destination
from control_plane.store import safety
from control_plane.store.outbox import Claimed
from control_plane.store.pool import Database
from control_plane.store.tenants import OPERATOR


async def denial_of(database: Database, claimed: Claimed, *, sealer: Sealer) -> Denial | None:
    """What forbids to send this. The operator's own channels are free.

    While the database is away what was claimed already is sent: an alert is worth more than the rule of this second.
    """
    if claimed.tenant_id == OPERATOR or claimed.channel_id is None:
        return None
    try:
        async with database.app() as conn:
            rules = await compiled_rules(conn, (await safety.read_gate(conn)).version)
        secrets = opened_secrets(claimed.sealed, sealer, tenant_id=claimed.tenant_id, channel_id=claimed.channel_id)
    except (Unavailable, UnusableChannelError):
        return None
    return denied_destination(rules, host=claimed.host or "", settings=secrets)
