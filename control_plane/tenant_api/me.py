"""/api/v1/me: who is calling, what they may do, and how much of the plan is used."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from msgspec import Struct

from control_plane.domain.tenants.credentials import Role
from control_plane.errors import Unauthenticated
from control_plane.store import plans, tenants
from control_plane.web.browser import read_session
from control_plane.web.call import Call, Reply
from control_plane.web.caller import TenantCaller
from control_plane.web.plan_view import PlanJson, QuotaUse, plan_json, usage_json
from control_plane.web.routes import Door, Route


class MyTenant(Struct, frozen=True):
    """The caller's tenant."""

    id: UUID
    name: str
    plan: str
    suspended: bool


class MyKey(Struct, frozen=True):
    """The key that was used."""

    id: UUID
    label: str


class MyMember(Struct, frozen=True):
    """The person, and what they are in this tenant."""

    id: UUID
    name: str
    email: str
    role: Role


class ThisSession(Struct, frozen=True):
    """The session of the browser that asks. `csrf_token` goes into X-CSRF-Token of whatever changes something."""

    id: UUID
    csrf_token: str


class Me(Struct, frozen=True):
    """The caller; a person has no key. A limit of null is none; `usage` names every quota of the plan."""

    tenant: MyTenant
    key: MyKey | None
    member: MyMember | None
    session: ThisSession | None
    scopes: list[str]
    plan: PlanJson
    usage: dict[str, QuotaUse]


async def get(call: Call) -> Reply:
    caller = call.tenant()
    async with call.deps.database.tenant(caller.tenant_id) as conn:
        tenant = await tenants.get(conn, tenant_id=caller.tenant_id)
        if tenant is None:
            raise Unauthenticated("This key's tenant is gone")
        used = await tenants.usage(conn, tenant_id=caller.tenant_id)
        terms = await plans.read_terms(conn, tenant_id=caller.tenant_id)
    return Reply(
        Me(
            tenant=MyTenant(
                id=tenant.id, name=tenant.name, plan=tenant.plan, suspended=tenant.suspended_at is not None
            ),
            key=None if caller.key_id is None else MyKey(id=caller.key_id, label=caller.label),
            member=_member(caller),
            session=_session(call),
            scopes=sorted(caller.scopes),
            plan=plan_json(terms),
            usage=usage_json(terms, used),
        ),
        headers={} if caller.session_id is None else {"Cache-Control": "no-store"},  # it holds the session's token
    )


def _member(caller: TenantCaller) -> MyMember | None:
    if caller.user_id is None or caller.role is None:
        return None
    return MyMember(id=caller.user_id, name=caller.label, email=caller.email or "", role=caller.role)


def _session(call: Call) -> ThisSession | None:
    session_id = call.tenant().session_id
    session = read_session(call.request, call.deps.settings)
    if session_id is None or session is None:
        return None
    return ThisSession(session_id, session.form_token())


_route = partial(Route, door=Door.TENANT, tag="Me")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/me",
        handler=get,
        operation="get_me",
        summary="Who am I, what may I do, how much of my plan is used",
        any_key=True,
        reply=Me,
    ),
)
