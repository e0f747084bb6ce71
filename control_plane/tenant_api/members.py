"""/api/v1/members: the people of a tenant, and what each of them may do."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from control_plane.domain.tenants.credentials import Role
from control_plane.errors import NotFound
from control_plane.services.people.change_member import change_member
from control_plane.services.people.remove_member import remove_member
from control_plane.store import members
from control_plane.store.members import Member
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match, require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class MemberBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A member's new role."""

    role: Role


async def list_members(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        items, total = await members.list_all(conn, tenant_id=tenant_id, limit=capped(query.limit), offset=query.offset)
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await members.get(conn, tenant_id=tenant_id, user_id=call.uuid("member_id"))
    if found is None:
        raise NotFound("There is no such member", code="MEMBER_NOT_FOUND")
    return Reply(found, etag=found.revision)


async def change(call: Call) -> Reply:
    caller = call.tenant()
    changed = await change_member(
        call.deps.database,
        caller.tenant_id,
        call.uuid("member_id"),
        role=call.body.role,
        by=caller.authority,
        check_revision=partial(require_match, call.request),
    )
    return Reply(changed, etag=changed.revision)


async def remove(call: Call) -> Reply:
    caller = call.tenant()
    await remove_member(
        call.deps.database,
        caller.tenant_id,
        call.uuid("member_id"),
        by=caller.authority,
        accepted=if_match(call.request),
    )
    return Reply()


_route = partial(Route, door=Door.TENANT, tag="Members")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/members",
        handler=list_members,
        operation="list_members",
        summary="List members, owners first",
        scope="members:read",
        query=PageQuery,
        reply=Page[Member],
    ),
    _route(
        method="GET",
        path="/api/v1/members/{member_id}",
        handler=get,
        operation="get_member",
        summary="One member",
        scope="members:read",
        reply=Member,
        errors=("MEMBER_NOT_FOUND",),
    ),
    _route(
        method="PATCH",
        path="/api/v1/members/{member_id}",
        handler=change,
        operation="change_member",
        summary="Give a member another role; one owner stays",
        description="Only owners make or change owners, and nobody gives or takes more than they have themselves.",
        scope="members:write",
        body=MemberBody,
        reply=Member,
        errors=("MEMBER_NOT_FOUND", "OWNERS_ONLY", "LAST_OWNER", "PRECONDITION_FAILED", "INVALID_ROLE"),
        example={"role": "admin"},
    ),
    _route(
        method="DELETE",
        path="/api/v1/members/{member_id}",
        handler=remove,
        operation="remove_member",
        summary="Send a member away; their sessions end at once, and one owner stays",
        scope="members:write",
        status=204,
        errors=("MEMBER_NOT_FOUND", "OWNERS_ONLY", "LAST_OWNER", "PRECONDITION_FAILED"),
    ),
)
