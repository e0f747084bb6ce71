"""Before a process serves: every key that rows still need is there, and is the one that it was."""

from __future__ import annotations

from control_plane.errors import StartupRefused
from control_plane.sealing import Sealer, UnsealError
from control_plane.store import sealed_rows
from control_plane.store.pool import Connection, Database

_WORD = b"farwatch"


async def check_sealing_keys(database: Database, sealer: Sealer, *, note: bool = True) -> str:
    """Raises StartupRefused naming the key that is missing, or that is another one under the same id.

    A new key is noted, and one that nothing needs any more is forgotten, unless `note` is false. Returns
    what `farwatch doctor` says.
    """
    async with database.app_transaction() as conn:
        known = await sealed_rows.canaries(conn)
        for key_id, canary in known.items():
            if key_id in sealer.key_ids:
                _refuse_changed(sealer, key_id, canary)
            else:
                await _refuse_needed(conn, key_id, forget=note)
        for key_id in sealer.key_ids:
            if note and key_id not in known:
                canary = sealer.seal(_WORD, context=_context(key_id), key_id=key_id)
                await sealed_rows.add_canary(conn, key_id=key_id, canary=canary)
    if sealer.active is None:
        return "none: secrets are stored as they are (security.allow_unsealed, for development only)"
    others = len(sealer.key_ids) - 1
    return f"{sealer.active} seals" + (f", {others} more can open" if others else "")


def _refuse_changed(sealer: Sealer, key_id: str, canary: bytes) -> None:
    try:
        sealer.open(canary, context=_context(key_id))
    except UnsealError:
        raise StartupRefused(
            f"security.sealing_keys: key {key_id} is not the one that it was: what it sealed would be lost. "
            "Restore its bytes, or give the new key another id"
        ) from None


async def _refuse_needed(conn: Connection, key_id: str, *, forget: bool) -> None:
    needed = [one for one in await sealed_rows.count_sealed(conn) if one.key_id == key_id]
    if needed:
        rows = ", ".join(f"{one.rows} of {one.table}" for one in needed)
        raise StartupRefused(
            f"security.sealing_keys: key {key_id} is missing, and rows need it ({rows}). Put it back behind the new "
            "one until GET /operator/sealing shows none"
        )
    if forget:
        await sealed_rows.drop_canary(conn, key_id=key_id)


def _context(key_id: str) -> str:
    return f"canary:{key_id}"
