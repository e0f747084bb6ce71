"""Change a plan: what it says holds for its tenants within the seconds that a look-up is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET, UnsetType, structs

from control_plane.errors import NotFound
from control_plane.store import plans
from control_plane.store.plans import Plan
from control_plane.store.pool import Database


async def change_plan(
    database: Database,
    *,
    name: str,
    check_revision: Callable[[int], None],
    title: str | UnsetType = UNSET,
    quotas: Mapping[str, Any],
    features: Mapping[str, Any],
    rates: Mapping[str, Mapping[str, Any]],
) -> Plan:
    """The changed plan. What is not named stays; null is no limit. What tenants have beyond a new quota, they keep.

    Raises NotFound PLAN_NOT_FOUND.
    """
    async with database.app_transaction() as conn:
        stored = await plans.lock(conn, name=name)
        if stored is None:
            raise NotFound("There is no such plan", code="PLAN_NOT_FOUND")
        check_revision(stored.revision)
        changed = structs.replace(
            stored,
            title=stored.title if title is UNSET else title,
            quotas={**stored.quotas, **quotas},
            features={**stored.features, **features},
            rates={**stored.rates, **{key: {**stored.rates.get(key, {}), **value} for key, value in rates.items()}},
        )
        return await plans.update(conn, changed)
