"""Give an open invitation another link; the one before counts no more."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.tenants.people import INVITED_FOR, Authority, link_digest, require_authority
from control_plane.errors import Conflict, NotFound
from control_plane.sealing import Sealer
from control_plane.services.people.invite_member import Invited, mail_invitation, new_token
from control_plane.store import invitations, members, tenants
from control_plane.store.pool import Database
from shared.ids import TenantId


async def resend_invitation(
    database: Database,
    tenant_id: TenantId,
    invitation_id: UUID,
    *,
    by: Authority,
    pepper: bytes,
    mailed_by: Sealer | None = None,
) -> Invited:
    """The invitation with its new link. Raises NotFound, Forbidden as for a new one, Conflict INVITATION_OVER."""
    token = new_token()
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.lock(conn, tenant_id=tenant_id)
        stored = await invitations.get(conn, tenant_id=tenant_id, invitation_id=invitation_id)
        if stored is None:
            raise NotFound("There is no such invitation", code="INVITATION_NOT_FOUND")
        require_authority(by, stored.role, owners=await members.count_owners(conn, tenant_id=tenant_id))
        record = await invitations.resend(
            conn,
            tenant_id=tenant_id,
            invitation_id=invitation_id,
            digest=link_digest(token, pepper),
            lasts=INVITED_FOR,
        )
        if record is None:
            message = f"This invitation was {stored.state}: make a new one"
            raise Conflict(message, code="INVITATION_OVER")
        if mailed_by is not None:
            await mail_invitation(conn, record, token=token, sealer=mailed_by, tenant_id=tenant_id)
    return Invited(record, token)
