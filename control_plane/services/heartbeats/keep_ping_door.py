"""Keeping the record of the ping door: each process that could store pings marks it every second."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID, uuid4

import structlog

from control_plane.errors import FarwatchError
from control_plane.metrics import PING_DOOR_CLOSED
from control_plane.services.heartbeats.take_pings import PingCollector
from control_plane.store import ping_door
from control_plane.store.pool import Connection, Database

_log = structlog.get_logger(__name__)


class _Spell(NamedTuple):
    """What this process marks. `told`: it is known whether the door was closed before."""

    id: UUID
    told: bool


class PingDoorKeeper:
    """The marks of this process. A spell of them ends with the first that cannot be made; the next begins another."""

    def __init__(self) -> None:
        self._spell: _Spell | None = None

    async def mark(self, database: Database, pings: PingCollector) -> None:
        """Note that pings can be stored now, and which were turned away since the last mark.

        Raises Unavailable while the database is away: that ends the spell, and what was turned away is noted later.
        """
        spell, self._spell = self._spell, None
        refused = pings.take_refused()
        try:
            async with database.app_transaction() as conn:
                if refused is not None:
                    await ping_door.note_refusals(conn, refused.when, pings=refused.pings)
                marked = await _mark(conn, spell)
        except FarwatchError:
            if refused is not None:
                pings.note_refused(refused)
            raise
        self._spell = marked
        if refused is not None:
            _log.warning("pings_refused", pings=refused.pings, closure=refused.when.in_words())


async def _mark(conn: Connection, spell: _Spell | None) -> _Spell:
    """Go on with the spell, or begin one. What was before is told at the second mark: others have marked by then."""
    opened_at = None if spell is None else await ping_door.mark(conn, spell_id=spell.id)
    if spell is None or opened_at is None:
        spell = _Spell(uuid4(), told=False)
        await ping_door.mark(conn, spell_id=spell.id)
        return spell
    if not spell.told and (since := await ping_door.closed_since(conn, opened_at=opened_at)) is not None:
        closed = opened_at - since
        PING_DOOR_CLOSED.inc(closed.total_seconds())
        _log.warning("ping_door_was_closed", since=since.isoformat(), seconds=round(closed.total_seconds(), 1))
    return _Spell(spell.id, told=True)
