"""Monitors in bulk: any number of items, in transactions of some hundred, or in one that is all or nothing.

`create_many` and `act_on_many` work in the caller's transaction; `create_in_bulk` and `act_in_bulk` make transactions.
Each of those is told to a Progress, whose writes commit with the effects: so a job goes on where another left off.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, Protocol
from uuid import UUID

from msgspec import Struct, structs

from control_plane.errors import BadRequest, FarwatchError, Refused, Unavailable
from control_plane.sealing import Sealer
from control_plane.services.monitors.change_monitors import change_many
from control_plane.services.monitors.create_monitors import Outcome, create_many
from control_plane.services.monitors.delete_monitors import delete_many
from control_plane.store.monitors import MonitorRow
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from shared.netpolicy import PortProfile

__all__ = ("Action", "Means", "NoProgress", "Outcome", "act_in_bulk", "act_on_many", "create_in_bulk", "create_many")

MAX_ITEMS = 10_000
CHUNK = 250
"""Items in one transaction: its locks are held for a fraction of a second."""

ActionName = Literal["enable", "disable", "delete", "tag_add", "tag_remove", "update"]


class Means(Struct, frozen=True, kw_only=True):
    """Whose monitors, and what they are written with."""

    tenant_id: TenantId
    new_id: Callable[[], UUID]
    write_source: str
    ports: PortProfile


class Action(Struct, frozen=True, kw_only=True):
    """What is done to each monitor. `tags` for tag_add and tag_remove, `patch` (RFC 7396) for update."""

    name: ActionName
    tags: tuple[str, ...] = ()
    patch: Mapping[str, Any] = {}


class Progress(Protocol):
    """Told of every transaction, inside it."""

    async def begin(self, conn: Connection) -> None:
        """Before anything is done. Raises when somebody else goes on with this work."""

    async def advance(self, conn: Connection, outcomes: Sequence[Outcome]) -> None:
        """After it was done."""


class NoProgress:
    """Nobody follows."""

    async def begin(self, conn: Connection) -> None: ...

    async def advance(self, conn: Connection, outcomes: Sequence[Outcome]) -> None: ...


_Step = Callable[[Connection, Sequence[Any]], Awaitable[list[Outcome]]]


class _DryRun(Exception):  # noqa: N818  # not an error: it takes the transaction back
    pass


async def act_on_many(
    conn: Connection, sealer: Sealer, *, means: Means, monitor_ids: Sequence[UUID], action: Action
) -> list[Outcome]:
    """Do the action to each of these monitors in the caller's transaction; one outcome for each, in their order."""
    if action.name == "delete":
        return await delete_many(conn, tenant_id=means.tenant_id, monitor_ids=monitor_ids)
    return await change_many(
        conn,
        sealer,
        tenant_id=means.tenant_id,
        monitor_ids=monitor_ids,
        named=action.patch if action.name == "update" else {},
        patch_of=lambda row: _patch(action, row),
        write_source=means.write_source,
        ports=means.ports,
    )


def _patch(action: Action, row: MonitorRow) -> Mapping[str, Any]:
    match action.name:
        case "enable":
            return {"enabled": True}
        case "disable":
            return {"enabled": False}
        case "tag_add":
            return {"tags": [*row.tags, *(tag for tag in action.tags if tag not in row.tags)]}
        case "tag_remove":
            return {"tags": [tag for tag in row.tags if tag not in action.tags]}
        case _:
            return action.patch


async def create_in_bulk(
    database: Database,
    sealer: Sealer,
    *,
    means: Means,
    bodies: Sequence[object],
    atomic: bool = False,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Create a monitor of each body; one outcome for each. `atomic`: all or none.

    Raises Refused BULK_REFUSED with every bad item when it is atomic and one is bad.
    """

    async def create(conn: Connection, part: Sequence[Any]) -> list[Outcome]:
        return await create_many(
            conn,
            sealer,
            tenant_id=means.tenant_id,
            bodies=part,
            new_id=means.new_id,
            write_source=means.write_source,
            ports=means.ports,
        )

    work = _Work(database, means.tenant_id, create, progress or NoProgress(), resumed=progress is not None)
    return await (_all_or_nothing(work, bodies) if atomic else _in_chunks(work, bodies))


async def act_in_bulk(
    database: Database,
    sealer: Sealer,
    *,
    means: Means,
    monitor_ids: Sequence[UUID],
    action: Action,
    atomic: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Do the action to each monitor; one outcome for each. `dry_run` does all of it and takes it back.

    Raises Refused BULK_REFUSED as `create_in_bulk` does.
    """

    async def act(conn: Connection, part: Sequence[Any]) -> list[Outcome]:
        return await act_on_many(conn, sealer, means=means, monitor_ids=part, action=action)

    work = _Work(database, means.tenant_id, act, progress or NoProgress(), dry_run, progress is not None)
    return await (_all_or_nothing(work, monitor_ids) if atomic else _in_chunks(work, monitor_ids))


class _Work(Struct, frozen=True):
    """`resumed`: another goes on with it, so that a fault of ours ends it. Else the answer tells what was not done."""

    database: Database
    tenant_id: TenantId
    step: _Step
    progress: Progress
    dry_run: bool = False
    resumed: bool = False

    async def run(self, items: Sequence[Any]) -> list[Outcome]:
        """One transaction."""
        outcomes: list[Outcome] = []
        with suppress(_DryRun):
            async with self.database.tenant_transaction(self.tenant_id) as conn:
                await self.progress.begin(conn)
                outcomes = await self.step(conn, items)
                await self.progress.advance(conn, outcomes)
                if self.dry_run:
                    raise _DryRun
        return outcomes

    async def give_up(self, error: FarwatchError) -> list[Outcome]:
        """One item that the database refuses, after its transaction is gone."""
        outcomes = [Outcome(index=0, error=error)]
        async with self.database.tenant_transaction(self.tenant_id) as conn:
            await self.progress.begin(conn)
            await self.progress.advance(conn, outcomes)
        return outcomes


async def _in_chunks(work: _Work, items: Sequence[Any]) -> list[Outcome]:
    """One transaction after another. A fault of ours in the first leaves nothing done, and is raised."""
    outcomes: list[Outcome] = []
    for start in range(0, len(items), CHUNK):
        try:
            found = await _halving(work, items[start : start + CHUNK])
        except _PartlyError as fault:
            done = [*outcomes, *fault.done]
            if work.resumed or not done:
                raise fault.cause from fault
            return [*_counted(done), *_undone(fault, first=len(done), count=len(items))]
        outcomes += found
    return _counted(outcomes)


class _PartlyError(Exception):
    """We cannot go on. `done` was done before; what became of the `unsure` items after it is not known."""

    def __init__(self, cause: Unavailable, *, unsure: int, done: Sequence[Outcome] = ()) -> None:
        super().__init__(cause.message)
        self.cause = cause
        self.unsure = unsure
        self.done = done


def _counted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [structs.replace(outcome, index=index) for index, outcome in enumerate(outcomes)]


def _undone(fault: _PartlyError, *, first: int, count: int) -> list[Outcome]:
    """For each item from the fault on: it was not done, or it is not known. Whoever asks again asks for these alone."""
    unsure = Unavailable(f"{fault.cause.message} It may have been done: look before you repeat it")
    undone = Unavailable(f"{fault.cause.message} It was not done: repeat it")
    return [
        Outcome(index=index, error=unsure if index < first + fault.unsure else undone) for index in range(first, count)
    ]


async def _halving(work: _Work, items: Sequence[Any]) -> list[Outcome]:
    """What the database refuses takes the whole transaction back: halves are tried until the item is found.

    Raises _PartlyError.
    """
    try:
        return await work.run(items)
    except Unavailable as error:
        raise _PartlyError(error, unsure=len(items)) from error
    except FarwatchError as error:
        if len(items) == 1:
            return await work.give_up(error)
    middle = len(items) // 2
    done = await _halving(work, items[:middle])
    try:
        return [*done, *await _halving(work, items[middle:])]
    except _PartlyError as fault:
        fault.done = [*done, *fault.done]
        raise


async def _all_or_nothing(work: _Work, items: Sequence[Any]) -> list[Outcome]:
    async def step(conn: Connection, part: Sequence[Any]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for start in range(0, len(part), CHUNK):
            outcomes += await work.step(conn, part[start : start + CHUNK])
        counted = _counted(outcomes)
        _refuse_bad(counted)
        return counted

    return await structs.replace(work, step=step).run(items)


def _refuse_bad(outcomes: Sequence[Outcome]) -> None:
    bad = [outcome for outcome in outcomes if outcome.error is not None]
    if bad:
        message = f"Nothing was done: {len(bad)} of {len(outcomes)} items are refused, and all or none were asked for"
        raise Refused(message, code="BULK_REFUSED", details={"items": [refusal(outcome) for outcome in bad]})


def refusal(outcome: Outcome) -> dict[str, Any]:
    """A bad item for programs: which one, and why."""
    error = outcome.error
    assert error is not None
    told = {"code": error.code, "message": error.message, "field": error.field, "details": error.details}
    named = {"id": None if outcome.id is None else str(outcome.id), "number": outcome.number, "name": outcome.name}
    return {"index": outcome.index, **named, "error": told}


def refuse_number(count: int) -> None:
    """Raise BadRequest for no item, Refused BULK_TOO_LARGE for more than a call takes."""
    if count == 0:
        raise BadRequest("There is no item: give at least one", code="BULK_EMPTY")
    if count > MAX_ITEMS:
        message = f"{count} items are more than one call takes: at most {MAX_ITEMS}. Split them"
        raise Refused(message, code="BULK_TOO_LARGE", details={"limit": MAX_ITEMS, "given": count})
