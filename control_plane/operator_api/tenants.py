"""/operator/tenants: customers and their keys."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.tenants.credentials import SCOPES
from control_plane.errors import NotFound
from control_plane.operator_api.plan_bodies import PLAN_ERRORS, Overrides, plain
from control_plane.services.tenants.change_tenant import change_tenant
from control_plane.services.tenants.create_tenant import create_tenant
from control_plane.services.tenants.issue_api_key import issue_api_key
from control_plane.services.tenants.revoke_api_key import revoke_api_key
from control_plane.store import api_keys, plans, tenants
from control_plane.store.api_keys import ApiKey
from control_plane.store.hints import tenant_hint
from control_plane.store.tenants import Tenant, TenantFilter
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match, require_match
from control_plane.web.keys import Label, NewKey, Scope, new_key
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.plan_view import PlanJson, QuotaUse, plan_json, usage_json
from control_plane.web.routes import Door, Route
from shared.ids import TenantId

Name = Annotated[str, Meta(min_length=1, max_length=100)]
PlanName = Annotated[str, Meta(min_length=1, max_length=40)]
Word = Annotated[str, Meta(min_length=1, max_length=100)]


class TenantBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new tenant."""

    name: Name
    plan: PlanName = "free"


class TenantPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a tenant. A suspended one may only ask who it is. `overrides` are merged."""

    name: Name | UnsetType = UNSET
    plan: PlanName | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET
    overrides: Overrides | UnsetType = UNSET


class TenantsQuery(PageQuery, frozen=True):
    """`q` is looked for in the name, or is an id."""

    q: Word | None = None
    plan: PlanName | None = None
    suspended: bool | None = None


class TenantUsage(Struct, frozen=True):
    """What a tenant has of what it may have."""

    plan: PlanJson
    usage: dict[str, QuotaUse]


class FirstKeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new key; without scopes it has all of them."""

    label: Label
    scopes: tuple[Scope, ...] | UnsetType = UNSET


async def create(call: Call) -> Reply:
    tenant = await create_tenant(call.deps.database, name=call.body.name, plan=call.body.plan)
    return Reply(tenant, etag=tenant.revision, headers={"Location": f"/operator/tenants/{tenant.id}"})


async def list_tenants(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        wanted = TenantFilter(call.query.q, call.query.plan, call.query.suspended)
        items, total = await tenants.list_all(
            conn, wanted=wanted, limit=capped(call.query.limit), offset=call.query.offset
        )
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        tenant = await tenants.get(conn, tenant_id=_tenant_id(call))
    if tenant is None:
        raise _unknown()
    return Reply(tenant, etag=tenant.revision)


async def change(call: Call) -> Reply:
    tenant = await change_tenant(
        call.deps.database,
        _tenant_id(call),
        check_revision=partial(require_match, call.request),
        name=call.body.name,
        plan=call.body.plan,
        suspended=call.body.suspended,
        overrides=UNSET if call.body.overrides is UNSET else plain(call.body.overrides),
    )
    call.deps.authenticator.forget(tenant_hint(tenant.id))
    return Reply(tenant, etag=tenant.revision)


async def suspend(call: Call) -> Reply:
    return await _set_suspended(call, suspended=True)


async def unsuspend(call: Call) -> Reply:
    return await _set_suspended(call, suspended=False)


async def _set_suspended(call: Call, *, suspended: bool) -> Reply:
    check = partial(require_match, call.request)
    tenant = await change_tenant(call.deps.database, _tenant_id(call), check_revision=check, suspended=suspended)
    call.deps.authenticator.forget(tenant_hint(tenant.id))
    return Reply(tenant, etag=tenant.revision)


async def usage(call: Call) -> Reply:
    tenant_id = _tenant_id(call)
    async with call.deps.database.app() as conn:
        if await tenants.get(conn, tenant_id=tenant_id) is None:
            raise _unknown()
        used = await tenants.usage(conn, tenant_id=tenant_id)
        terms = await plans.read_terms(conn, tenant_id=tenant_id)
    return Reply(TenantUsage(plan_json(terms), usage_json(terms, used)))


async def list_keys(call: Call) -> Reply:
    limit, offset = capped(call.query.limit), call.query.offset
    async with call.deps.database.app() as conn:
        if await tenants.get(conn, tenant_id=_tenant_id(call)) is None:
            raise _unknown()
        items, total = await api_keys.list_live(conn, tenant_id=_tenant_id(call), limit=limit, offset=offset)
    return page_reply(call, items, total=total)


async def create_key(call: Call) -> Reply:
    scopes = SCOPES if call.body.scopes is UNSET else call.body.scopes
    issued = await issue_api_key(
        call.deps.database,
        _tenant_id(call),
        label=call.body.label,
        scopes=scopes,
        pepper=call.deps.settings.security.pepper.encode(),
    )
    return Reply(new_key(issued), headers={"Location": f"{call.request.path}/{issued.record.id}"})


async def delete_key(call: Call) -> Reply:
    ended = await revoke_api_key(
        call.deps.database, _tenant_id(call), call.uuid("key_id"), even_last=True, accepted=if_match(call.request)
    )
    call.deps.authenticator.forget(ended)  # the notices come round to this process as well, a moment later
    call.deps.authenticator.forget_sessions()
    return Reply()


def _tenant_id(call: Call) -> TenantId:
    return TenantId(call.uuid("tenant_id"))


def _unknown() -> NotFound:
    return NotFound("There is no such tenant", code="TENANT_NOT_FOUND")


_route = partial(Route, door=Door.OPERATOR, tag="Tenants")
_TENANT, _KEYS = "/operator/tenants/{tenant_id}", "/operator/tenants/{tenant_id}/keys"

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path="/operator/tenants",
        handler=create,
        operation="create_tenant",
        summary="Create a tenant",
        body=TenantBody,
        reply=Tenant,
        status=201,
        errors=("INVALID_NAME", "INVALID_PLAN"),
        example={"name": "Acme", "plan": "free"},
    ),
    _route(
        method="GET",
        path="/operator/tenants",
        handler=list_tenants,
        operation="list_tenants",
        summary="List tenants",
        query=TenantsQuery,
        reply=Page[Tenant],
    ),
    _route(
        method="GET",
        path=_TENANT,
        handler=get,
        operation="get_tenant",
        summary="Get a tenant",
        reply=Tenant,
        errors=("TENANT_NOT_FOUND",),
    ),
    _route(
        method="PATCH",
        path=_TENANT,
        handler=change,
        operation="change_tenant",
        summary="Rename, re-plan, suspend or release a tenant, or override its plan",
        body=TenantPatch,
        reply=Tenant,
        errors=("TENANT_NOT_FOUND", "PRECONDITION_FAILED", "INVALID_NAME", "INVALID_PLAN", *PLAN_ERRORS),
        example={"overrides": {"quotas": {"max_monitors": 200}}},
    ),
    _route(
        method="POST",
        path=_TENANT + "/suspend",
        handler=suspend,
        operation="suspend_tenant",
        summary="Suspend a tenant: nothing of it is checked, and its callers may only ask who they are",
        reply=Tenant,
        errors=("TENANT_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
    _route(
        method="POST",
        path=_TENANT + "/unsuspend",
        handler=unsuspend,
        operation="unsuspend_tenant",
        summary="Release a tenant from suspension",
        reply=Tenant,
        errors=("TENANT_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
    _route(
        method="GET",
        path=_TENANT + "/usage",
        handler=usage,
        operation="get_tenant_usage",
        summary="What a tenant has of what its plan allows",
        reply=TenantUsage,
        errors=("TENANT_NOT_FOUND",),
    ),
    _route(
        method="GET",
        path=_KEYS,
        handler=list_keys,
        operation="list_tenant_keys",
        summary="List a tenant's keys",
        query=PageQuery,
        reply=Page[ApiKey],
        errors=("TENANT_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=_KEYS,
        handler=create_key,
        operation="create_tenant_key",
        summary="Make a key for a tenant; it is shown once",
        body=FirstKeyBody,
        reply=NewKey,
        status=201,
        errors=("TENANT_NOT_FOUND", "QUOTA_EXCEEDED", "INVALID_LABEL", "INVALID_SCOPES"),
        example={"label": "deploy pipeline"},
    ),
    _route(
        method="DELETE",
        path=_KEYS + "/{key_id}",
        handler=delete_key,
        operation="delete_tenant_key",
        summary="Delete a tenant's key, even its last",
        status=204,
        errors=(
            "KEY_NOT_FOUND",
            "PRECONDITION_FAILED",
        ),
    ),
)
