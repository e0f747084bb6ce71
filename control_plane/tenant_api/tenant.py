"""/api/v1/tenant: the caller's tenant, its plan, and how much of it is used."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.tenants.plan import PlanTerms
from control_plane.errors import Unauthenticated
from control_plane.services.tenants.change_tenant import rename_tenant
from control_plane.store import plans, tenants
from control_plane.store.tenants import Tenant
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.plan_view import PlanJson, QuotaUse, plan_json, usage_json
from control_plane.web.routes import Door, Route

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class TenantJson(Struct, frozen=True):
    """The tenant. A limit of null is none."""

    id: UUID
    name: str
    plan: PlanJson
    usage: dict[str, QuotaUse]
    created_at: datetime
    updated_at: datetime
    revision: int


class SettingsPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a tenant may change of itself. Plan and suspension are the operator's."""

    name: Name | UnsetType = UNSET


async def get(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        tenant = await tenants.get(conn, tenant_id=tenant_id)
        if tenant is None:
            raise Unauthenticated("This key's tenant is gone")
        terms = await plans.read_terms(conn, tenant_id=tenant_id)
        used = await tenants.usage(conn, tenant_id=tenant_id)
    return Reply(_json(tenant, terms, used), etag=tenant.revision)


async def change(call: Call) -> Reply:
    if call.body.name is not UNSET:
        check = partial(require_match, call.request)
        await rename_tenant(call.deps.database, call.tenant().tenant_id, check_revision=check, name=call.body.name)
    return await get(call)


def _json(tenant: Tenant, terms: PlanTerms, used: dict[str, int]) -> TenantJson:
    return TenantJson(
        id=tenant.id,
        name=tenant.name,
        plan=plan_json(terms),
        usage=usage_json(terms, used),
        created_at=tenant.created_at,
        updated_at=tenant.updated_at,
        revision=tenant.revision,
    )


_route = partial(Route, door=Door.TENANT, tag="Tenant", path="/api/v1/tenant")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        handler=get,
        operation="get_own_tenant",
        summary="My tenant, its plan, and how much of it is used",
        scope="tenant:read",
        reply=TenantJson,
    ),
    _route(
        method="PATCH",
        handler=change,
        operation="change_own_tenant",
        summary="Change the settings of my tenant",
        scope="tenant:write",
        body=SettingsPatch,
        reply=TenantJson,
        errors=("INVALID_NAME", "PRECONDITION_FAILED", "TENANT_NOT_FOUND"),
        example={"name": "Acme & Co"},
    ),
)
