"""Invite somebody by a link. The link's token is in the answer and nowhere else."""

from __future__ import annotations

import secrets

from msgspec import Struct

from control_plane.domain.tenants.credentials import Role
from control_plane.domain.tenants.people import INVITED_FOR, Authority, link_digest, read_email, require_authority
from control_plane.domain.tenants.plan import require_room
from control_plane.errors import Conflict, NotFound
from control_plane.sealing import Sealer
from control_plane.services.alerting.owe_mails import owe_link_mail
from control_plane.services.installation.identity import new_id
from control_plane.store import invitations, members, plans, system_mails, tenants
from control_plane.store.invitations import Invitation
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class Invited(Struct, frozen=True):
    """An invitation, and the token of its link."""

    record: Invitation
    token: str


def new_token() -> str:
    """The token of a link: 256 random bits."""
    return secrets.token_urlsafe(32)


async def invite_member(
    database: Database,
    tenant_id: TenantId,
    *,
    email: str,
    role: Role,
    by: Authority,
    label: str,
    pepper: bytes,
    mailed_by: Sealer | None = None,
) -> Invited:
    """A new invitation to this address, from somebody called `label`.

    Raises BadRequest INVALID_EMAIL, Forbidden OWNERS_ONLY or MISSING_SCOPE, Conflict ALREADY_MEMBER or ALREADY_INVITED,
    Refused QUOTA_EXCEEDED. A member whose address nobody vouched for may be invited again: that is their way back in.
    `mailed_by`: the link is mailed as well, and sealed until then.
    """
    address = read_email(email)
    token = new_token()
    async with database.tenant_transaction(tenant_id) as conn:
        if await tenants.lock(conn, tenant_id=tenant_id) is None:
            raise NotFound("There is no such tenant", code="TENANT_NOT_FOUND")
        require_authority(by, role, owners=await members.count_owners(conn, tenant_id=tenant_id))
        known = await members.find_by_email(conn, tenant_id=tenant_id, email=address)
        if known is not None:
            _refuse_member(known, role)
        await _require_room(conn, tenant_id, back=known is not None)
        record = await invitations.insert(
            conn,
            tenant_id=tenant_id,
            invitation_id=new_id(),
            email=address,
            role=role,
            digest=link_digest(token, pepper),
            invited_by=label,
            lasts=INVITED_FOR,
        )
        if mailed_by is not None:
            await mail_invitation(conn, record, token=token, sealer=mailed_by, tenant_id=tenant_id)
    return Invited(record, token)


async def mail_invitation(
    conn: Connection, record: Invitation, *, token: str, sealer: Sealer, tenant_id: TenantId
) -> None:
    """Owe the mail that brings the link, in place of one with an earlier link that was not sent yet."""
    await system_mails.cancel_to(conn, tenant_id=tenant_id, recipient=record.email, kind="invitation")
    data = {"by": record.invited_by, "role": record.role}
    await owe_link_mail(
        conn, sealer=sealer, tenant_id=tenant_id, kind="invitation", to=record.email, token=token, data=data
    )


def _refuse_member(known: members.Member, role: Role) -> None:
    if known.email_proven:
        raise Conflict("This person is a member already", code="ALREADY_MEMBER", field="/email")
    if known.role is not role:
        message = f"This person is a member already, as {known.role}: invite them as that, or change their role"
        raise Conflict(message, code="ALREADY_MEMBER", field="/email")


async def _require_room(conn: Connection, tenant_id: TenantId, *, back: bool) -> None:
    """Pending invitations count among the members that they will make."""
    terms = await plans.read_terms(conn, tenant_id=tenant_id)
    pending = await invitations.count_pending(conn, tenant_id=tenant_id)
    require_room(terms, "invitations", current=pending)
    if not back:
        there = await members.count(conn, tenant_id=tenant_id)
        require_room(terms, "members", current=there + pending)
