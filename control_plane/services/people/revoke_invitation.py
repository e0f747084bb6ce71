"""Take an invitation back: its link counts no more."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.tenants.people import Authority, require_authority
from control_plane.errors import Conflict, NotFound
from control_plane.store import invitations, members, tenants
from control_plane.store.pool import Database
from shared.ids import TenantId


async def revoke_invitation(database: Database, tenant_id: TenantId, invitation_id: UUID, *, by: Authority) -> None:
    """Raises NotFound, Forbidden as for a new one, Conflict INVITATION_OVER for one that was accepted."""
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.lock(conn, tenant_id=tenant_id)
        stored = await invitations.get(conn, tenant_id=tenant_id, invitation_id=invitation_id)
        if stored is None or stored.state == "revoked":
            raise NotFound("There is no such invitation", code="INVITATION_NOT_FOUND")
        require_authority(by, stored.role, owners=await members.count_owners(conn, tenant_id=tenant_id))
        if not await invitations.revoke(conn, tenant_id=tenant_id, invitation_id=invitation_id):
            raise Conflict("This invitation was accepted: remove the member instead", code="INVITATION_OVER")
