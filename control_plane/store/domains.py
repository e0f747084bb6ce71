"""Domains that tenants say are theirs, and what is known of the proofs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.safety.safety_domains import Method, Standing, State
from control_plane.store.pool import Connection
from shared.ids import TenantId


class DomainRow(Struct, frozen=True, kw_only=True):
    """A domain with its tokens, which are no secrets: the tenant publishes them."""

    tenant_id: UUID
    id: UUID
    domain: str
    path_token: str
    txt_token: str
    state: State
    method: Method | None
    verified_at: datetime | None
    checked_at: datetime | None
    next_check_at: datetime | None
    failed_since: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    revision: int

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.method, self.verified_at, self.next_check_at, self.failed_since)


_COLUMNS = """tenant_id, id, domain, path_token, txt_token, state, method, verified_at, checked_at, next_check_at,
    failed_since, last_error, created_at, updated_at, revision"""

INSERT_DOMAIN = f"""
INSERT INTO domains (tenant_id, id, domain, path_token, txt_token) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, domain) DO NOTHING RETURNING {_COLUMNS}
"""


async def insert_domain(
    conn: Connection, *, tenant_id: TenantId, domain_id: UUID, domain: str, path_token: str, txt_token: str
) -> DomainRow | None:
    """The new domain; None when the tenant has it already."""
    row = await conn.fetchrow(INSERT_DOMAIN, tenant_id, domain_id, domain, path_token, txt_token)
    return row and DomainRow(**row)


COUNT_DOMAINS = "SELECT count(*) FROM domains WHERE tenant_id = $1"


async def count_domains(conn: Connection, *, tenant_id: TenantId) -> int:
    total: int = await conn.fetchval(COUNT_DOMAINS, tenant_id)
    return total


LIST_DOMAINS = f"SELECT {_COLUMNS} FROM domains WHERE tenant_id = $1 ORDER BY domain LIMIT $2 OFFSET $3"


async def list_domains(
    conn: Connection, *, tenant_id: TenantId, limit: int, offset: int
) -> tuple[list[DomainRow], int]:
    """A page by name, and how many there are."""
    rows = await conn.fetch(LIST_DOMAINS, tenant_id, limit, offset)
    return [DomainRow(**row) for row in rows], await conn.fetchval(COUNT_DOMAINS, tenant_id)


GET_DOMAIN = f"SELECT {_COLUMNS} FROM domains WHERE tenant_id = $1 AND id = $2"


async def get_domain(conn: Connection, *, tenant_id: TenantId, domain_id: UUID) -> DomainRow | None:
    row = await conn.fetchrow(GET_DOMAIN, tenant_id, domain_id)
    return row and DomainRow(**row)


GET_BY_NAME = f"SELECT {_COLUMNS} FROM domains WHERE tenant_id = $1 AND domain = $2"


async def get_by_name(conn: Connection, *, tenant_id: TenantId, domain: str) -> DomainRow | None:
    row = await conn.fetchrow(GET_BY_NAME, tenant_id, domain)
    return row and DomainRow(**row)


HOLD_DOMAIN = "SELECT revision FROM domains WHERE tenant_id = $1 AND id = $2 FOR UPDATE"


async def hold_domain(conn: Connection, *, tenant_id: TenantId, domain_id: UUID) -> int | None:
    """The domain's revision, with its row locked until commit; None where there is no such domain."""
    revision: int | None = await conn.fetchval(HOLD_DOMAIN, tenant_id, domain_id)
    return revision


DELETE_DOMAIN = "DELETE FROM domains WHERE tenant_id = $1 AND id = $2"


async def delete_domain(conn: Connection, *, tenant_id: TenantId, domain_id: UUID) -> None:
    """The domain is proven no more; its monitors stay."""
    await conn.execute(DELETE_DOMAIN, tenant_id, domain_id)


# Only onto what was looked at: a domain that was deleted and added again has other tokens.
NOTE_LOOK = f"""
UPDATE domains SET state = $4, method = $5, verified_at = $6, next_check_at = $7, failed_since = $8, last_error = $9,
    checked_at = clock_timestamp(), updated_at = CASE WHEN state <> $4 THEN now() ELSE updated_at END,
    revision = revision + CASE WHEN state <> $4 THEN 1 ELSE 0 END
WHERE tenant_id = $1 AND id = $2 AND txt_token = $3
RETURNING {_COLUMNS}
"""


async def note_look(conn: Connection, row: DomainRow, standing: Standing, *, error: str | None) -> DomainRow | None:
    """Write down what a look found; None when the domain is gone."""
    known = (standing.state, standing.method, standing.verified_at, standing.next_check_at, standing.failed_since)
    found = await conn.fetchrow(NOTE_LOOK, row.tenant_id, row.id, row.txt_token, *known, error)
    return found and DomainRow(**found)


# Taken by one process for ten minutes: who dies with it leaves it to the next.
FLEET_TAKE_DUE = f"""
UPDATE domains SET next_check_at = clock_timestamp() + interval '10 minutes'
WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM domains WHERE next_check_at <= clock_timestamp()
    ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
"""


async def take_due(conn: Connection, *, limit: int) -> list[DomainRow]:
    """Domains that it is time to look at again."""
    return [DomainRow(**row) for row in await conn.fetch(FLEET_TAKE_DUE, limit)]


TELL_PAGES = "SELECT pg_notify('farwatch_pages', '')"


async def tell_pages(conn: Connection) -> None:
    """Every process asks anew, from this commit on, which page a host name leads to."""
    await conn.execute(TELL_PAGES)


_OF_ALL = "($1::text IS NULL OR strpos(domain, lower($1)) > 0) AND ($2::text IS NULL OR state = $2)"
FLEET_LIST_ALL = f"SELECT {_COLUMNS} FROM domains WHERE {_OF_ALL} ORDER BY domain, tenant_id LIMIT $3 OFFSET $4"
FLEET_COUNT_ALL = f"SELECT count(*) FROM domains WHERE {_OF_ALL}"


async def list_all(
    conn: Connection, *, q: str | None, state: str | None, limit: int, offset: int
) -> tuple[list[DomainRow], int]:
    """A page of every tenant's domains, and how many there are."""
    rows = await conn.fetch(FLEET_LIST_ALL, q, state, limit, offset)
    return [DomainRow(**row) for row in rows], await conn.fetchval(FLEET_COUNT_ALL, q, state)
