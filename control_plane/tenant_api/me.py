"""/api/v1/me: who is calling, what they may do, and how much of the plan is used."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from msgspec import Struct

from control_plane.errors import Unauthenticated
from control_plane.store import plans, tenants
from control_plane.web.call import Call, Reply
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


class Me(Struct, frozen=True):
    """The caller; a person has no key. A limit of null is none; `usage` names every quota of the plan."""

    tenant: MyTenant
    key: MyKey | None
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
            scopes=sorted(caller.scopes),
            plan=plan_json(terms),
            usage=usage_json(terms, used),
        )
    )


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
