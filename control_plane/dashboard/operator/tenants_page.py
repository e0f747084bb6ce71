"""/operator/ui/tenants: customers, found by name, plan and state; re-planned, suspended and released."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec import UNSET, UnsetType

from control_plane.dashboard.operator.door import HERE, OperatorVisit, form, page, show
from control_plane.dashboard.visit import see_other
from control_plane.dashboard.words import maybe_moment
from control_plane.errors import BadRequest, NotFound
from control_plane.services.tenants.change_tenant import change_tenant
from control_plane.store import plans, tenants
from control_plane.store.hints import tenant_hint
from control_plane.store.tenants import Tenant, TenantFilter
from control_plane.web.routes import Route
from shared.ids import TenantId

_PATH = f"{HERE}/tenants"
_A_PAGE = 50


async def show_tenants(visit: OperatorVisit) -> web.StreamResponse:
    return await _tenants(visit)


async def _tenants(visit: OperatorVisit, *, problem: str = "", status: int = 200) -> web.Response:
    chosen = {name: visit.query(name) for name in ("q", "plan", "state")}
    states = {"suspended": True, "active": False}
    wanted = TenantFilter(chosen["q"] or None, chosen["plan"] or None, states.get(chosen["state"]))
    offset = visit.offset()
    async with visit.deps.database.app() as conn:
        found, total = await tenants.list_all(conn, wanted=wanted, limit=_A_PAGE, offset=offset)
        offered, _ = await plans.list_all(conn, limit=200, offset=0)
    more = urlencode({**{name: value for name, value in chosen.items() if value}, "offset": offset + _A_PAGE})
    context = {
        "tenants": [_view(visit, each) for each in found],
        "total": total,
        "plans": [plan.name for plan in offered],
        "chosen": chosen,
        "older": f"{_PATH}?{more}" if offset + _A_PAGE < total else "",
        "problem": problem,
    }
    return show(visit, "operator_tenants.html", context, status=status)


async def change_plan(visit: OperatorVisit) -> web.StreamResponse:
    return await _changed(visit, plan=visit.text("plan"))


async def suspend(visit: OperatorVisit) -> web.StreamResponse:
    return await _changed(visit, suspended=True)


async def release(visit: OperatorVisit) -> web.StreamResponse:
    return await _changed(visit, suspended=False)


async def _changed(
    visit: OperatorVisit, *, plan: str | UnsetType = UNSET, suspended: bool | UnsetType = UNSET
) -> web.StreamResponse:
    tenant_id = TenantId(visit.id("tenant_id"))
    try:
        await change_tenant(
            visit.deps.database, tenant_id, check_revision=lambda _revision: None, plan=plan, suspended=suspended
        )
    except (BadRequest, NotFound) as error:
        return await _tenants(visit, problem=f"{error.message.rstrip('.')}.", status=error.status)
    visit.deps.authenticator.forget(tenant_hint(tenant_id))
    return see_other(_PATH)


def _view(visit: OperatorVisit, tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "name": tenant.name,
        "plan": tenant.plan,
        "overridden": bool(tenant.overrides),
        "suspended": maybe_moment(tenant.suspended_at, visit.deps.now()),
        "since": f"{tenant.created_at:%-d %B %Y}",
    }


_ONE = f"{_PATH}/{{tenant_id}}"

ROUTES: tuple[Route, ...] = (
    page(_PATH, show_tenants, operation="show_tenants", summary="Tenants"),
    form(f"{_ONE}/plan", change_plan, operation="change_plan_from_page", summary="Give a tenant another plan"),
    form(f"{_ONE}/suspend", suspend, operation="suspend_from_page", summary="Suspend a tenant"),
    form(f"{_ONE}/release", release, operation="release_from_page", summary="End a suspension"),
)
