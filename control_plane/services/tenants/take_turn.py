"""Count what people without an account create, by address and in all, and refuse what is too much."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.tenants.anonymous_rules import WINDOW_S, require_turn
from control_plane.services.installation.identity import new_id
from control_plane.settings import Settings
from control_plane.store import manage_keys
from control_plane.store.pool import Connection
from control_plane.store.tenants import ANONYMOUS


async def take_turn(conn: Connection, *, caller_id: UUID, settings: Settings) -> None:
    """`caller_id` stands for the address. The caller holds the tenant's row until commit, so that creations take turns;
    what is refused later counts for nothing. Raises TooMany RATE_LIMITED.
    """
    found = await manage_keys.count_creates(conn, tenant_id=ANONYMOUS, caller=caller_id.bytes, window_s=WINDOW_S)
    require_turn(
        own=found.callers_own,
        own_limit=settings.anonymous.creates_per_hour,
        own_age_s=found.own_age_s,
        of_all=found.of_all,
        limit=settings.anonymous.creates_per_hour_in_all,
        age_s=found.age_s,
    )
    await manage_keys.note_create(conn, tenant_id=ANONYMOUS, create_id=new_id(), caller=caller_id.bytes)
