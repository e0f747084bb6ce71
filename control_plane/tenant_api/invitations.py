"""/api/v1/invitations: links by which people become members. A link is shown once."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from control_plane.domain.tenants.credentials import Role
from control_plane.domain.tenants.people import EMAIL_LIMIT
from control_plane.errors import NotFound
from control_plane.services.people.invite_member import Invited, invite_member
from control_plane.services.people.resend_invitation import resend_invitation
from control_plane.services.people.revoke_invitation import revoke_invitation
from control_plane.store import invitations
from control_plane.store.invitations import Invitation, State
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class InvitationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to invite, and as what."""

    email: Annotated[str, Meta(min_length=3, max_length=EMAIL_LIMIT)]
    role: Role = Role.MEMBER


class InvitationsQuery(PageQuery, frozen=True, kw_only=True):
    """`state` keeps those that are so now."""

    state: State | None = None


class NewInvitation(Invitation, frozen=True, kw_only=True):
    """An invitation with its link, which is shown this once."""

    link: str


async def list_invitations(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        items, total = await invitations.list_all(
            conn, tenant_id=tenant_id, state=query.state, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await invitations.get(conn, tenant_id=tenant_id, invitation_id=call.uuid("invitation_id"))
    if found is None:
        raise NotFound("There is no such invitation", code="INVITATION_NOT_FOUND")
    return Reply(found)


async def create(call: Call) -> Reply:
    caller = call.tenant()
    invited = await invite_member(
        call.deps.database,
        caller.tenant_id,
        email=call.body.email,
        role=call.body.role,
        by=caller.authority,
        label=caller.label,
        pepper=_pepper(call),
        mailed_by=call.deps.mailer,
    )
    return _with_link(call, invited)


async def resend(call: Call) -> Reply:
    caller = call.tenant()
    invited = await resend_invitation(
        call.deps.database,
        caller.tenant_id,
        call.uuid("invitation_id"),
        by=caller.authority,
        pepper=_pepper(call),
        mailed_by=call.deps.mailer,
    )
    return _with_link(call, invited)


async def revoke(call: Call) -> Reply:
    caller = call.tenant()
    await revoke_invitation(call.deps.database, caller.tenant_id, call.uuid("invitation_id"), by=caller.authority)
    return Reply()


def _with_link(call: Call, invited: Invited) -> Reply:
    origin = call.deps.settings.server.public_url.rstrip("/") or str(call.request.url.origin())
    shown = NewInvitation(**asdict(invited.record), link=f"{origin}/invite/{invited.token}")
    return Reply(shown, headers={"Location": f"/api/v1/invitations/{invited.record.id}"})


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


_route = partial(Route, door=Door.TENANT, tag="Invitations")
_ONE = "/api/v1/invitations/{invitation_id}"

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/invitations",
        handler=list_invitations,
        operation="list_invitations",
        summary="List invitations, newest first",
        scope="members:read",
        query=InvitationsQuery,
        reply=Page[Invitation],
        errors=("INVALID_STATE",),
    ),
    _route(
        method="POST",
        path="/api/v1/invitations",
        handler=create,
        operation="create_invitation",
        summary="Invite somebody; the link is shown once, and counts for 7 days",
        scope="members:write",
        body=InvitationBody,
        reply=NewInvitation,
        status=201,
        errors=(
            *("INVALID_EMAIL", "INVALID_ROLE", "OWNERS_ONLY", "ALREADY_MEMBER", "ALREADY_INVITED", "QUOTA_EXCEEDED"),
            "TENANT_NOT_FOUND",
        ),
        example={"email": "ana@example.com", "role": "member"},
    ),
    _route(
        method="GET",
        path=_ONE,
        handler=get,
        operation="get_invitation",
        summary="One invitation, without its link",
        scope="members:read",
        reply=Invitation,
        errors=("INVITATION_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=f"{_ONE}/resend",
        handler=resend,
        operation="resend_invitation",
        summary="Give an invitation a new link for 7 more days; the one before counts no more",
        scope="members:write",
        reply=NewInvitation,
        errors=("INVITATION_NOT_FOUND", "INVITATION_OVER", "OWNERS_ONLY"),
    ),
    _route(
        method="DELETE",
        path=_ONE,
        handler=revoke,
        operation="revoke_invitation",
        summary="Take an invitation back",
        scope="members:write",
        status=204,
        errors=("INVITATION_NOT_FOUND", "INVITATION_OVER", "OWNERS_ONLY"),
    ),
)
