"""/app/settings/tenant: the team's name, its plan, and how much of it is used."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from control_plane.dashboard.settings.frame import REFUSALS, again, settings_page
from control_plane.dashboard.settings.plan_words import feature_lines, usage_lines
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.errors import BadRequest, NotFound
from control_plane.services.tenants.change_tenant import rename_tenant
from control_plane.store import plans, tenants
from control_plane.web.routes import Route

_HERE = "/app/settings/tenant"
_LONGEST = 100


async def show_tenant(visit: Visit) -> web.StreamResponse:
    return await _tenant(visit)


async def _tenant(visit: Visit, *, problem: str = "", status: int = 200) -> web.Response:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        tenant = await tenants.get(conn, tenant_id=visit.tenant_id)
        terms = await plans.read_terms(conn, tenant_id=visit.tenant_id)
        used = await tenants.usage(conn, tenant_id=visit.tenant_id)
    if tenant is None:
        raise NotFound("This tenant is gone")
    context: dict[str, Any] = {
        "name": visit.text("name") if problem else tenant.name,
        "called": tenant.name,
        "plan": tenant.plan,
        "since": f"{tenant.created_at:%-d %B %Y}",
        "usage": usage_lines(terms, used),
        "features": feature_lines(terms),
        "may_change": visit.may("tenant:write"),
        "problem": problem,
    }
    return settings_page(visit, "settings_tenant.html", context, status=status)


async def rename(visit: Visit) -> web.StreamResponse:
    name = visit.text("name")
    try:
        if not 1 <= len(name) <= _LONGEST:
            raise BadRequest(f"A name has 1 to {_LONGEST} characters", code="INVALID_NAME", field="/name")
        await rename_tenant(visit.deps.database, visit.tenant_id, check_revision=lambda _revision: None, name=name)
    except REFUSALS as error:
        return await again(_tenant, visit, error)
    return see_other(_HERE)


ROUTES: tuple[Route, ...] = (
    page(_HERE, show_tenant, operation="show_tenant", summary="The team, its plan and its usage", scope="tenant:read"),
    form(_HERE, rename, operation="rename_tenant_from_page", summary="Rename the team", scope="tenant:write"),
)
