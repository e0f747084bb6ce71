"""The operator's lists: deny rules, and domains whose owners opted out. Triggers say when they changed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from control_plane.domain.safety.safety import RuleKind
from control_plane.store.pool import Connection


class StoredRule(Struct, frozen=True):
    """A deny rule, its value canonical."""

    id: UUID
    kind: RuleKind
    value: str
    reason: str
    created_at: datetime
    updated_at: datetime
    revision: int


_COLUMNS = "id, kind, value, reason, created_at, updated_at, revision"

INSERT_RULE = f"INSERT INTO deny_rules (id, kind, value, reason) VALUES ($1, $2, $3, $4) RETURNING {_COLUMNS}"


async def insert_rule(conn: Connection, *, rule_id: UUID, kind: str, value: str, reason: str) -> StoredRule:
    return StoredRule(**await conn.fetchrow(INSERT_RULE, rule_id, kind, value, reason))


_WANTED = "($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR strpos(value, lower($2)) > 0)"
LIST_RULES = f"SELECT {_COLUMNS} FROM deny_rules WHERE {_WANTED} ORDER BY id LIMIT $3 OFFSET $4"
COUNT_RULES = f"SELECT count(*) FROM deny_rules WHERE {_WANTED}"


async def list_rules(
    conn: Connection, *, kind: str | None, q: str | None, limit: int, offset: int
) -> tuple[list[StoredRule], int]:
    """A page, oldest first, and how many there are."""
    rows = await conn.fetch(LIST_RULES, kind, q, limit, offset)
    return [StoredRule(**row) for row in rows], await conn.fetchval(COUNT_RULES, kind, q)


GET_RULE = f"SELECT {_COLUMNS} FROM deny_rules WHERE id = $1"


async def get_rule(conn: Connection, *, rule_id: UUID) -> StoredRule | None:
    row = await conn.fetchrow(GET_RULE, rule_id)
    return row and StoredRule(**row)


LOCK_RULE = f"{GET_RULE} FOR UPDATE"


async def lock_rule(conn: Connection, *, rule_id: UUID) -> StoredRule | None:
    """One rule, held until the transaction ends."""
    row = await conn.fetchrow(LOCK_RULE, rule_id)
    return row and StoredRule(**row)


UPDATE_RULE = f"""
UPDATE deny_rules SET value = coalesce($2, value), reason = coalesce($3, reason), updated_at = now(),
    revision = revision + 1
WHERE id = $1 RETURNING {_COLUMNS}
"""


async def update_rule(
    conn: Connection, *, rule_id: UUID, value: str | UnsetType = UNSET, reason: str | UnsetType = UNSET
) -> StoredRule:
    """Change what is set."""
    given = (None if one is UNSET else one for one in (value, reason))
    return StoredRule(**await conn.fetchrow(UPDATE_RULE, rule_id, *given))


DELETE_RULE = "DELETE FROM deny_rules WHERE id = $1"


async def delete_rule(conn: Connection, *, rule_id: UUID) -> None:
    await conn.execute(DELETE_RULE, rule_id)


class OptOut(Struct, frozen=True):
    """A domain, with its subdomains, whose owner asked that nobody watches it."""

    id: UUID
    domain: str
    note: str | None
    created_at: datetime


INSERT_OPT_OUT = """
INSERT INTO opt_outs (id, domain, note) VALUES ($1, $2, $3) RETURNING id, domain, note, created_at
"""


async def insert_opt_out(conn: Connection, *, opt_out_id: UUID, domain: str, note: str | None) -> OptOut:
    return OptOut(**await conn.fetchrow(INSERT_OPT_OUT, opt_out_id, domain, note))


_NAMED = "$1::text IS NULL OR strpos(domain, lower($1)) > 0"
LIST_OPT_OUTS = f"""
SELECT id, domain, note, created_at FROM opt_outs WHERE {_NAMED} ORDER BY id LIMIT $2 OFFSET $3
"""
COUNT_OPT_OUTS = f"SELECT count(*) FROM opt_outs WHERE {_NAMED}"


async def list_opt_outs(conn: Connection, *, q: str | None, limit: int, offset: int) -> tuple[list[OptOut], int]:
    """A page, oldest first, and how many there are."""
    rows = await conn.fetch(LIST_OPT_OUTS, q, limit, offset)
    return [OptOut(**row) for row in rows], await conn.fetchval(COUNT_OPT_OUTS, q)


DELETE_OPT_OUT = "DELETE FROM opt_outs WHERE id = $1 RETURNING id"


async def delete_opt_out(conn: Connection, *, opt_out_id: UUID) -> bool:
    """Whether there was one."""
    return await conn.fetchrow(DELETE_OPT_OUT, opt_out_id) is not None
