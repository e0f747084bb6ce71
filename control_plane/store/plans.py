"""plans: what tenants may have, use and ask for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from control_plane.domain.tenants.plan import PlanTerms, terms_of
from control_plane.store.pool import Connection
from shared.ids import TenantId

TERMS_COLUMN = """jsonb_build_object('name', p.name, 'quotas', p.quotas, 'features', p.features, 'rates', p.rates,
    'overrides', t.overrides) AS terms"""
"""For a look-up that joins tenants t and plans p ON p.name = t.plan; domain/plan.terms_of reads it."""


class Plan(Struct, frozen=True):
    """A plan as the operator sees it. `tenants`: how many have it."""

    name: str
    title: str
    quotas: Mapping[str, Any]
    features: Mapping[str, Any]
    rates: Mapping[str, Any]
    tenants: int
    created_at: datetime
    updated_at: datetime
    revision: int


TERMS = f"SELECT {TERMS_COLUMN} FROM tenants t JOIN plans p ON p.name = t.plan WHERE t.id = $1"


async def read_terms(conn: Connection, *, tenant_id: TenantId) -> PlanTerms:
    """The terms of a tenant that exists."""
    return terms_of(await conn.fetchval(TERMS, tenant_id))


_COLUMNS = """name, title, quotas, features, rates,
    (SELECT count(*) FROM tenants t WHERE t.plan = plans.name) AS tenants,
    created_at, updated_at, revision"""

FLEET_INSERT = f"""
INSERT INTO plans (name, title, quotas, features, rates) VALUES ($1, $2, $3, $4, $5)
RETURNING {_COLUMNS}
"""


async def insert(
    conn: Connection,
    *,
    name: str,
    title: str,
    quotas: Mapping[str, Any],
    features: Mapping[str, Any],
    rates: Mapping[str, Any],
) -> Plan:
    """A new plan."""
    return Plan(**await conn.fetchrow(FLEET_INSERT, name, title, dict(quotas), dict(features), dict(rates)))


FLEET_GET = f"SELECT {_COLUMNS} FROM plans WHERE name = $1"


async def get(conn: Connection, *, name: str) -> Plan | None:
    """One plan."""
    row = await conn.fetchrow(FLEET_GET, name)
    return row and Plan(**row)


# Not NO KEY: whoever gives a tenant this plan waits, so that none gets one that is being deleted.
FLEET_LOCK = f"SELECT {_COLUMNS} FROM plans WHERE name = $1 FOR UPDATE"


async def lock(conn: Connection, *, name: str) -> Plan | None:
    """One plan, held until the transaction ends."""
    row = await conn.fetchrow(FLEET_LOCK, name)
    return row and Plan(**row)


FLEET_LIST = f"SELECT {_COLUMNS} FROM plans ORDER BY name LIMIT $1 OFFSET $2"
FLEET_COUNT = "SELECT count(*) FROM plans"


async def list_all(conn: Connection, *, limit: int, offset: int) -> tuple[list[Plan], int]:
    """A page of plans by name, and how many there are."""
    rows = await conn.fetch(FLEET_LIST, limit, offset)
    return [Plan(**row) for row in rows], await conn.fetchval(FLEET_COUNT)


FLEET_UPDATE = f"""
UPDATE plans SET title = $2, quotas = $3, features = $4, rates = $5, updated_at = now(), revision = revision + 1
WHERE name = $1
RETURNING {_COLUMNS}
"""


async def update(conn: Connection, plan: Plan) -> Plan:
    """Write a plan's title, quotas, features and rates."""
    given = (plan.name, plan.title, dict(plan.quotas), dict(plan.features), dict(plan.rates))
    return Plan(**await conn.fetchrow(FLEET_UPDATE, *given))


FLEET_DELETE = "DELETE FROM plans WHERE name = $1"


async def delete(conn: Connection, *, name: str) -> None:
    """Delete a plan that no tenant has."""
    await conn.execute(FLEET_DELETE, name)
