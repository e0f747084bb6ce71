"""Delete a plan that nobody has."""

from __future__ import annotations

from collections.abc import Callable

from control_plane.errors import Conflict, NotFound
from control_plane.store import plans
from control_plane.store.pool import Database

BUILT_IN = ("unlimited", "free", "anonymous")
"""The first tenant's plan, a new one's, and that of what people without an account create."""


async def delete_plan(database: Database, *, name: str, check_revision: Callable[[int], None]) -> None:
    """Raises NotFound PLAN_NOT_FOUND, Conflict PLAN_IN_USE or PLAN_BUILT_IN.

    The plan is held from the count on, so that no tenant is given it meanwhile.
    """
    async with database.app_transaction() as conn:
        plan = await plans.lock(conn, name=name)
        if plan is None:
            raise NotFound("There is no such plan", code="PLAN_NOT_FOUND")
        check_revision(plan.revision)
        if name in BUILT_IN:
            raise Conflict(f"{name} is needed for new tenants: change it instead", code="PLAN_BUILT_IN")
        if plan.tenants:
            message = f"{plan.tenants} tenants have this plan: give them another first"
            raise Conflict(message, code="PLAN_IN_USE", details={"tenants": plan.tenants})
        await plans.delete(conn, name=name)
