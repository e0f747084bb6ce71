"""Seal anew, under the first key, what other keys have sealed: in slices, and from where it stood after any stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

import structlog
from msgspec import Struct

from control_plane.sealing import Sealer, UnsealError
from control_plane.services.alerting.channel_config import channel_context
from control_plane.services.alerting.owe_mails import mail_context
from control_plane.services.monitors.credentials import monitor_context
from control_plane.services.pages.read_subscribers import subscriber_context
from control_plane.store import sealed_rows
from control_plane.store.pool import Database
from control_plane.store.sealed_rows import SealedCount, SealedRow

SLICE = 200

_log = structlog.get_logger(__name__)
_FIRST = (UUID(int=0), UUID(int=0))
_CONTEXTS: Mapping[str, Callable[[UUID, UUID], str]] = {
    "monitors": monitor_context,
    "channels": channel_context,
    "system_mails": mail_context,
    "page_subscribers": subscriber_context,
}


class Resealed(Struct, frozen=True):
    """How many rows were sealed anew, and how many no key of ours opens."""

    done: int = 0
    unreadable: int = 0


class SealingState(Struct, frozen=True):
    """Which key seals, which open, and how many rows each key still holds. `left`: to be sealed anew."""

    active: str | None
    keys: tuple[str, ...]
    rows: tuple[SealedCount, ...]
    left: int


async def reseal(database: Database, sealer: Sealer) -> Resealed:
    """All of it, now. What cannot be opened stays as it is, and its key is waited for."""
    done = unreadable = 0
    for table, context in _CONTEXTS.items():
        after = _FIRST
        while sealer.active is not None:
            async with database.app_transaction() as conn:
                rows = await sealed_rows.take_sealed_otherwise(
                    conn, table, key_id=sealer.active, after=after, limit=SLICE
                )
                anew = [new for row in rows if (new := _anew(sealer, row, context(row.tenant_id, row.id), table))]
                await sealed_rows.put_sealed(conn, table, anew)
            done, unreadable = done + len(anew), unreadable + len(rows) - len(anew)
            if len(rows) < SLICE:
                break
            after = rows[-1].tenant_id, rows[-1].id
    if done or unreadable:
        _log.info("resealed", done=done, unreadable=unreadable, key=sealer.active)
    return Resealed(done, unreadable)


def _anew(sealer: Sealer, row: SealedRow, context: str, table: str) -> SealedRow | None:
    try:
        plain = sealer.open(row.sealed, context=context)
    except UnsealError as error:
        _log.error("not_resealed", table=table, id=str(row.id), error=str(error))
        return None
    return SealedRow(row.tenant_id, row.id, sealer.seal(plain, context=context))


async def reseal_when_turned(database: Database, sealer: Sealer) -> Resealed:
    """The same, as a job: only while there is, or was, more than one key."""
    async with database.app() as conn:
        known = await sealed_rows.canaries(conn)
    if sealer.active is None or set(known) <= {sealer.active}:
        return Resealed()
    return await reseal(database, sealer)


async def sealing_state(database: Database, sealer: Sealer) -> SealingState:
    """How far turning the keys has come."""
    async with database.app() as conn:
        rows = await sealed_rows.count_sealed(conn)
    left = sum(one.rows for one in rows if one.key_id != sealer.active and one.table in _CONTEXTS)
    return SealingState(sealer.active, tuple(sealer.key_ids), tuple(rows), left if sealer.active else 0)
