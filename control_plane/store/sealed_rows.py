"""Rows that hold sealed bytes, read by the key that sealed them: for turning keys.

Sealed bytes name their key (control_plane/sealing.py): byte 0 is 1, byte 1 the length of the name, then the name. Work
that is gone within minutes (dispatches, sign-ins under way) is not sealed anew; it is waited for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

TABLES = ("monitors", "channels", "system_mails", "page_subscribers")
"""With columns tenant_id, id and sealed; contexts are the services' to know."""

_KEY = """CASE WHEN get_byte(sealed, 0) = 1
    THEN convert_from(substring(sealed FROM 3 FOR get_byte(sealed, 1)), 'LATIN1') ELSE '' END"""


class SealedRow(Struct, frozen=True):
    tenant_id: UUID
    id: UUID
    sealed: bytes


def _take(table: str) -> str:
    return f"""
SELECT tenant_id, id, sealed FROM {table}
WHERE sealed IS NOT NULL AND (tenant_id, id) > ($1::uuid, $2::uuid) AND {_KEY} <> $3
ORDER BY tenant_id, id LIMIT $4 FOR NO KEY UPDATE
"""


def _put(table: str) -> str:
    return f"""
UPDATE {table} t SET sealed = n.sealed FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS n (tenant_id, id, sealed)
WHERE t.tenant_id = n.tenant_id AND t.id = n.id
"""


FLEET_TAKE_MONITORS, FLEET_PUT_MONITORS = _take("monitors"), _put("monitors")
FLEET_TAKE_CHANNELS, FLEET_PUT_CHANNELS = _take("channels"), _put("channels")
FLEET_TAKE_MAILS, FLEET_PUT_MAILS = _take("system_mails"), _put("system_mails")
FLEET_TAKE_SUBSCRIBERS, FLEET_PUT_SUBSCRIBERS = _take("page_subscribers"), _put("page_subscribers")
_TAKES = {
    "monitors": FLEET_TAKE_MONITORS,
    "channels": FLEET_TAKE_CHANNELS,
    "system_mails": FLEET_TAKE_MAILS,
    "page_subscribers": FLEET_TAKE_SUBSCRIBERS,
}
_PUTS = {
    "monitors": FLEET_PUT_MONITORS,
    "channels": FLEET_PUT_CHANNELS,
    "system_mails": FLEET_PUT_MAILS,
    "page_subscribers": FLEET_PUT_SUBSCRIBERS,
}


async def take_sealed_otherwise(
    conn: Connection, table: str, *, key_id: str, after: tuple[UUID, UUID], limit: int
) -> list[SealedRow]:
    """A slice of the rows that another key sealed, or none, locked in ascending order beyond `after`."""
    return [SealedRow(*row) for row in await conn.fetch(_TAKES[table], *after, key_id, limit)]


async def put_sealed(conn: Connection, table: str, rows: Sequence[SealedRow]) -> None:
    """Write the sealed bytes of these rows. Nothing else of them changes, their revision neither."""
    columns = [row.tenant_id for row in rows], [row.id for row in rows], [row.sealed for row in rows]
    await conn.execute(_PUTS[table], *columns)


FLEET_COUNT_SEALED = " UNION ALL ".join(
    f"SELECT '{table}' AS name, {_KEY} AS key_id, count(*) AS rows FROM {table} WHERE sealed IS NOT NULL GROUP BY 2"
    for table in (*TABLES, "dispatches", "login_states")
)
FLEET_COUNT_SEALED = f"SELECT * FROM ({FLEET_COUNT_SEALED}) counted ORDER BY name, key_id"


class SealedCount(Struct, frozen=True):
    """So many rows of a table are sealed with this key; an empty key id: not sealed at all."""

    table: str
    key_id: str
    rows: int


async def count_sealed(conn: Connection) -> list[SealedCount]:
    """What is sealed with what. Walks through all that is."""
    return [SealedCount(*row) for row in await conn.fetch(FLEET_COUNT_SEALED)]


CANARIES = "SELECT key_id, canary FROM sealing_keys ORDER BY created_at"


async def canaries(conn: Connection) -> Mapping[str, bytes]:
    """A sealed word for every key that has ever been used, by the key's id."""
    return {row["key_id"]: row["canary"] for row in await conn.fetch(CANARIES)}


ADD_CANARY = "INSERT INTO sealing_keys (key_id, canary) VALUES ($1, $2) ON CONFLICT DO NOTHING"
DROP_CANARY = "DELETE FROM sealing_keys WHERE key_id = $1"


async def add_canary(conn: Connection, *, key_id: str, canary: bytes) -> None:
    await conn.execute(ADD_CANARY, key_id, canary)


async def drop_canary(conn: Connection, *, key_id: str) -> None:
    """The key is needed by nothing any more."""
    await conn.execute(DROP_CANARY, key_id)
