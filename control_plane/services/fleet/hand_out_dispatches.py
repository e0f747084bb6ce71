"""Work outside the schedule, handed to the agent that asks, and what became of a test."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from control_plane.domain.checks.capability import beyond_words, is_beyond
from control_plane.domain.checks.kinds import for_regions
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.fleet.hand_out_assignments import STAND_IN
from control_plane.services.monitors.credentials import dispatch_context, open_check
from control_plane.store import dispatches
from control_plane.store.dispatches import ClaimedDispatch
from control_plane.store.pool import Database
from shared.checks import Check, kind_of
from shared.clock import to_unix_ms
from shared.ids import AgentId
from shared.protocol import Dispatch, TestOutcome

_log = structlog.get_logger(__name__)


class Due(Struct, frozen=True):
    """What was claimed, or how long (ms) until something will be due; None: nothing is planned."""

    items: tuple[Dispatch, ...] = ()
    next_due_ms: float | None = None


async def claim_dispatches(database: Database, sealer: Sealer, *, agent_id: AgentId, region_id: int) -> Due:
    """Take what is due. It is then this agent's: hand it over, or give it back with `return_dispatches`."""
    async with database.app() as conn:
        rows = await dispatches.claim(conn, region_id=region_id, agent_id=agent_id)
        if not rows:
            return Due(next_due_ms=await dispatches.next_due_ms(conn, region_id=region_id))
    return Due(items=tuple(_dispatch(row, sealer) for row in rows))


async def return_dispatches(database: Database, ids: Sequence[UUID], *, agent_id: AgentId, region_id: int) -> None:
    """The agent went away before it had them: somebody else may."""
    async with database.app_transaction() as conn:
        await dispatches.unclaim(conn, ids, region_id=region_id, agent_id=agent_id)


async def store_tests(database: Database, items: Sequence[TestOutcome], *, region_id: int) -> tuple[bool, ...]:
    """Keep what tests saw and wake whoever asked; False for one that is not running in this region."""
    async with database.app_transaction() as conn:
        return tuple(
            [
                await dispatches.store_test(
                    conn,
                    dispatch_id=item.id,
                    region_id=region_id,
                    result=msgspec.json.encode(item.result).decode(),
                )
                for item in items
            ]
        )


def _dispatch(row: ClaimedDispatch, sealer: Sealer) -> Dispatch:
    check, unavailable = _check_of(row, sealer)
    beyond = check is not None and is_beyond(kind_of(check), row.capabilities)
    if check is not None and beyond:
        check, unavailable = STAND_IN, beyond_words(kind_of(check))
    return Dispatch(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type] # dispatches_kind_known holds it to the three
        slot=row.slot,
        expires_at=to_unix_ms(row.expires_at),
        tenant_id=row.tenant_id,
        monitor_id=row.monitor_id,
        check_version=row.check_version,
        check=check,
        unavailable=unavailable,
        unavailable_as="incapable" if beyond else "credential",
    )


def _check_of(row: ClaimedDispatch, sealer: Sealer) -> tuple[Check | None, str | None]:
    if row.check is None:
        return None, None
    try:
        return for_regions(open_check(sealer, row.check, row.sealed, context=dispatch_context(row.id))), None
    except UnsealError as error:
        _log.error("credential_not_opened", dispatch_id=str(row.id), error=str(error))
        return msgspec.convert(row.check, type=Check), "The stored credential cannot be opened."
    except msgspec.MsgspecError as error:
        _log.error("check_not_read", dispatch_id=str(row.id), error=str(error))
        return STAND_IN, "The stored check cannot be read."
