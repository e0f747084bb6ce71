"""/app/members: the people of a tenant and those invited; /app/sessions: where one is signed in oneself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.settings.frame import settings_page
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.domain.tenants.credentials import Role
from control_plane.errors import BadRequest, Conflict, FarwatchError, Forbidden, Refused
from control_plane.services.people.change_member import change_member
from control_plane.services.people.end_session import end_all_sessions, end_session
from control_plane.services.people.invite_member import Invited, invite_member
from control_plane.services.people.remove_member import remove_member
from control_plane.services.people.resend_invitation import resend_invitation
from control_plane.services.people.revoke_invitation import revoke_invitation
from control_plane.store import invitations, members, sessions
from control_plane.web.routes import Route

_HERE = "/app/members"
_MOST = 200


async def show_members(visit: Visit) -> web.StreamResponse:
    return await _members(visit)


async def _members(
    visit: Visit, *, invited: Invited | None = None, problem: str = "", status: int = 200
) -> web.Response:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        people, total = await members.list_all(conn, tenant_id=visit.tenant_id, limit=_MOST, offset=0)
        pending, _ = await invitations.list_all(conn, tenant_id=visit.tenant_id, state="pending", limit=_MOST, offset=0)
    context = {
        "people": [_person(visit, each) for each in people],
        "total": total,
        "pending": [_pending(each) for each in pending],
        "roles": [role.value for role in Role],
        "may_change": visit.may("members:write"),
        "link": _link(visit, invited) if invited else "",
        "link_for": invited.record.email if invited else "",
        "problem": problem,
        "email": visit.text("email"),
    }
    return settings_page(visit, "members.html", context, status=status)


async def invite(visit: Visit) -> web.StreamResponse:
    """The link is on the page that answers, and on no other."""
    try:
        invited = await invite_member(
            visit.deps.database,
            visit.tenant_id,
            email=visit.text("email"),
            role=_role(visit),
            by=visit.caller.authority,
            label=visit.caller.label,
            pepper=_pepper(visit),
            mailed_by=visit.deps.mailer,
        )
    except (BadRequest, Conflict, Forbidden, Refused) as error:
        return await _again(visit, error)
    return await _members(visit, invited=invited)


async def resend(visit: Visit) -> web.StreamResponse:
    try:
        invited = await resend_invitation(
            visit.deps.database,
            visit.tenant_id,
            visit.id("invitation_id"),
            by=visit.caller.authority,
            pepper=_pepper(visit),
            mailed_by=visit.deps.mailer,
        )
    except (Conflict, Forbidden) as error:
        return await _again(visit, error)
    return await _members(visit, invited=invited)


async def revoke(visit: Visit) -> web.StreamResponse:
    await revoke_invitation(visit.deps.database, visit.tenant_id, visit.id("invitation_id"), by=visit.caller.authority)
    return see_other(_HERE)


async def change(visit: Visit) -> web.StreamResponse:
    try:
        await change_member(
            visit.deps.database,
            visit.tenant_id,
            visit.id("member_id"),
            role=_role(visit),
            by=visit.caller.authority,
            check_revision=lambda _revision: None,
        )
    except (BadRequest, Conflict, Forbidden) as error:
        return await _again(visit, error)
    return see_other(_HERE)


async def remove(visit: Visit) -> web.StreamResponse:
    try:
        await remove_member(visit.deps.database, visit.tenant_id, visit.id("member_id"), by=visit.caller.authority)
    except (Conflict, Forbidden) as error:
        return await _again(visit, error)
    return see_other(_HERE)


async def show_sessions(visit: Visit) -> web.StreamResponse:
    caller = visit.caller
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        found = await sessions.list_mine(
            conn,
            tenant_id=visit.tenant_id,
            user_id=caller.user_id,
            key_id=caller.key_id,
            idle=timedelta(days=visit.deps.settings.auth.session_idle_days),
        )
    items = [_session(each, current=each.id == caller.session_id) for each in found]
    return settings_page(visit, "sessions.html", {"sessions": items, "whose": caller.label})


async def end_one(visit: Visit) -> web.StreamResponse:
    await end_session(visit.deps.database, visit.tenant_id, visit.id("session_id"), **_mine(visit))
    return _ended(visit)


async def end_all(visit: Visit) -> web.StreamResponse:
    await end_all_sessions(visit.deps.database, visit.tenant_id, **_mine(visit))
    return _ended(visit)


def _ended(visit: Visit) -> web.Response:
    visit.deps.authenticator.forget_sessions()
    return see_other("/app/sessions")


def _mine(visit: Visit) -> dict[str, UUID | None]:
    return {"user_id": visit.caller.user_id, "key_id": visit.caller.key_id}


async def _again(visit: Visit, error: FarwatchError) -> web.Response:
    return await _members(visit, problem=f"{error.message}.", status=error.status)


def _role(visit: Visit) -> Role:
    try:
        return Role(visit.text("role"))
    except ValueError:
        raise BadRequest("Choose one of the roles", code="INVALID_ROLE", field="/role") from None


def _person(visit: Visit, member: members.Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "email": member.email,
        "proven": member.email_proven,
        "role": member.role.value,
        "me": member.id == visit.caller.user_id,
    }


def _pending(invitation: invitations.Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role.value,
        "invited_by": invitation.invited_by,
        "expires": f"{invitation.expires_at:%-d %B %Y}",
    }


def _session(session: sessions.Session, *, current: bool) -> dict[str, Any]:
    return {
        "id": session.id,
        "agent": session.user_agent or "unknown browser",
        "address": session.address,
        "seen": f"{session.last_seen_at:%-d %B %Y, %H:%M} UTC",
        "current": current,
    }


def _link(visit: Visit, invited: Invited) -> str:
    origin = visit.deps.settings.server.public_url.rstrip("/") or str(visit.call.request.url.origin())
    return f"{origin}/invite/{invited.token}"


def _pepper(visit: Visit) -> bytes:
    return visit.deps.settings.security.pepper.encode()


_writes = partial(form, scope="members:write")

ROUTES: tuple[Route, ...] = (
    page(_HERE, show_members, operation="show_members", summary="The people of a tenant", scope="members:read"),
    _writes(_HERE, invite, operation="invite_from_page", summary="Invite somebody"),
    _writes(f"{_HERE}/{{member_id}}/role", change, operation="change_member_from_page", summary="Another role"),
    _writes(f"{_HERE}/{{member_id}}/remove", remove, operation="remove_member_from_page", summary="Send away"),
    _writes("/app/invitations/{invitation_id}/resend", resend, operation="resend_from_page", summary="A new link"),
    _writes("/app/invitations/{invitation_id}/revoke", revoke, operation="revoke_from_page", summary="Take it back"),
    page("/app/sessions", show_sessions, operation="show_sessions", summary="Where am I signed in"),
    form("/app/sessions/end", end_all, operation="end_sessions_from_page", summary="Sign out everywhere"),
    form("/app/sessions/{session_id}/end", end_one, operation="end_session_from_page", summary="End one session"),
)
