"""The kill switch: while it is on nothing is handed to any agent, and the operator has one incident that says so.

Votes expire as they do when agents are silent (chapter of verdicts: 2 x cadence + timeout + 30 s), so verdicts become
unknown by the sweep, no incident opens, and what is open waits. Nothing is written for a monitor in either direction:
when it is off again every agent reads its assignments afresh and goes on with their phases, which spreads them.
"""

from __future__ import annotations

from datetime import datetime

from control_plane.domain.safety.safety_gate import KillSwitch
from control_plane.services.fleet.write_operator_incidents import Change, Place, ending, write_operator_incidents
from control_plane.services.installation.identity import new_id
from control_plane.services.safety.read_gate import switch_of
from control_plane.store import fleet_reads, operator_incidents, safety
from control_plane.store.pool import Connection, Database

KIND, SUBJECT = "kill_switch", "installation"


async def switch_dispatch(database: Database, *, on: bool, reason: str) -> KillSwitch:
    """Switch, and open or end the operator's incident. Switching to what is already so changes the words at most."""
    async with database.app_transaction() as conn:
        await safety.hold_watch(conn)
        now = await fleet_reads.database_clock(conn)
        before = switch_of(await safety.read_kill_switch(conn))
        if on:
            since = before.since or now
            await safety.set_kill_switch(conn, {"reason": reason, "since": since.isoformat()}, now=now)
        elif before.on:
            await safety.set_kill_switch(conn, None, now=now)
        await _tell(conn, on=on, reason=reason or before.reason or "No reason was given", now=now)
        return switch_of(await safety.read_kill_switch(conn))


async def _tell(conn: Connection, *, on: bool, reason: str, now: datetime) -> None:
    held = await operator_incidents.hold_open(conn, kinds=[KIND])
    if on and held:
        await operator_incidents.reword(conn, [(held[0].id, reason, held[0].details)])
    elif on:
        await write_operator_incidents(conn, [_opening(reason)], now=now)
    else:
        ended = [
            ending(one, cause=f"All checks were stopped. {one.reason}", reason="Checks are dispatched again")
            for one in held
        ]
        await write_operator_incidents(conn, ended, now=now)


def _opening(reason: str) -> Change:
    return Change(
        id=new_id(),
        kind=KIND,
        subject=SUBJECT,
        severity="critical",
        place=Place(),
        cause=f"All checks are stopped. {reason}",
        reason=reason,
        details={},
    )
