"""Send a member away, or leave. The sessions of this tenant end with the membership."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.tenants.people import Authority, require_an_owner_left, require_authority
from control_plane.services.installation.require_revision import require_revision
from control_plane.services.people.change_member import hold_member
from control_plane.store import members, sessions
from control_plane.store.pool import Database
from shared.ids import TenantId


async def remove_member(
    database: Database, tenant_id: TenantId, user_id: UUID, *, by: Authority, accepted: frozenset[int] | None = None
) -> None:
    """`accepted`: the revisions that If-Match allows, None for any.

    Raises NotFound MEMBER_NOT_FOUND, PreconditionFailed, Forbidden OWNERS_ONLY or MISSING_SCOPE, Conflict LAST_OWNER.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        stored, owners = await hold_member(conn, tenant_id, user_id)
        require_revision(stored.revision, accepted)
        if by.user_id != user_id:  # anybody may leave
            require_authority(by, stored.role, owners=owners)
        require_an_owner_left(stored.role, becomes=None, owners=owners)
        await members.delete(conn, tenant_id=tenant_id, user_id=user_id)
        await sessions.notify_ended(conn)
