"""Give a member another role. One owner always stays, however many change things at once."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from control_plane.domain.tenants.credentials import Role
from control_plane.domain.tenants.people import Authority, require_an_owner_left, require_authority
from control_plane.errors import NotFound
from control_plane.store import members, sessions, tenants
from control_plane.store.members import Member
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


async def change_member(
    database: Database,
    tenant_id: TenantId,
    user_id: UUID,
    *,
    role: Role,
    by: Authority,
    check_revision: Callable[[int], None],
) -> Member:
    """The changed member. Raises NotFound, Forbidden OWNERS_ONLY or MISSING_SCOPE, Conflict LAST_OWNER."""
    async with database.tenant_transaction(tenant_id) as conn:
        stored, owners = await hold_member(conn, tenant_id, user_id)
        check_revision(stored.revision)
        require_authority(by, stored.role, owners=owners)
        require_authority(by, role, owners=owners)
        require_an_owner_left(stored.role, becomes=role, owners=owners)
        await members.set_role(conn, tenant_id=tenant_id, user_id=user_id, role=role)
        await sessions.notify_ended(conn)  # sessions go on, with what the new role may
        changed = await members.get(conn, tenant_id=tenant_id, user_id=user_id)
    assert changed is not None, "the tenant is held"
    return changed


async def hold_member(conn: Connection, tenant_id: TenantId, user_id: UUID) -> tuple[Member, int]:
    """A member and how many owners there are, held until the transaction ends. Raises NotFound MEMBER_NOT_FOUND.

    The tenant's row stands for all its people: whoever changes any of them holds it first.
    """
    await tenants.lock(conn, tenant_id=tenant_id)
    stored = await members.get(conn, tenant_id=tenant_id, user_id=user_id)
    if stored is None:
        raise NotFound("There is no such member", code="MEMBER_NOT_FOUND")
    return stored, await members.count_owners(conn, tenant_id=tenant_id)
