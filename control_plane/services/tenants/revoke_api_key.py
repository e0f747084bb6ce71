"""Delete an API key, but not the last way into a tenant."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import Conflict, NotFound
from control_plane.services.installation.require_revision import require_revision
from control_plane.store import api_keys, members, sessions, tenants
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


async def revoke_api_key(
    database: Database,
    tenant_id: TenantId,
    key_id: UUID,
    *,
    even_last: bool = False,
    accepted: frozenset[int] | None = None,
) -> str:
    """The hint by which whoever remembers the key forgets it. `accepted`: the revisions that If-Match allows, None for
    any.

    Raises NotFound, PreconditionFailed, and Conflict LAST_KEY unless `even_last` (the operator's right).
    """
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        stored = await api_keys.get_live(conn, tenant_id=tenant_id, key_id=key_id)
        if stored is None:
            raise NotFound("There is no such key", code="KEY_NOT_FOUND")
        require_revision(stored.revision, accepted)
        if not even_last:
            await _require_a_way_in(conn, tenant_id, key_id)
        ended = await api_keys.delete(conn, tenant_id=tenant_id, key_id=key_id)
        await sessions.notify_ended(conn)  # the key's own go with it
    assert ended is not None, "the counters are held"
    return ended


async def _require_a_way_in(conn: Connection, tenant_id: TenantId, without: UUID) -> None:
    """Raise Conflict LAST_KEY where nobody could make a key any more. A tenant that has an owner always keeps one."""
    if await api_keys.another_makes_keys(conn, tenant_id=tenant_id, key_id=without):
        return
    if await members.count_owners(conn, tenant_id=tenant_id) == 0:
        message = "Nobody could make keys without this one: first make another lasting key with keys:write, or an owner"
        raise Conflict(message, code="LAST_KEY")
