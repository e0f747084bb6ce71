"""Make what is stored equal to a configuration file, in one transaction: all of it, or nothing.

Planning takes seconds for 10,000 monitors and holds no lock. What it planned is taken only if nothing of the
configuration has changed meanwhile, which is asked once everything that will be written is locked; else it plans anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Protocol

from msgspec import Struct, structs

from control_plane.errors import Conflict, Refused
from control_plane.services.configuration.plan_configuration import plan_configuration
from control_plane.services.configuration.plan_steps import (
    SECRET_MISSING,
    Means,
    Planned,
)
from control_plane.services.configuration.read_configuration import Stored, read_configuration
from control_plane.services.configuration.write_pages import hold_pages, prepare_pages, shown_monitors
from control_plane.services.configuration.write_planned import deleted, write_planned, written
from control_plane.services.installation.spare_others import no_full_collection
from control_plane.services.maintenance.advance_maintenance import advance_window
from control_plane.services.monitors.delete_monitors import held_by
from control_plane.store import (
    configuration,
    dependencies,
    monitors,
    routes,
    tenants,
)
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId

_ATTEMPTS = 3


class Applied(Struct, frozen=True):
    """What was done, and the secrets that were made for new channels, by name: shown once."""

    planned: Planned
    made: Mapping[str, Mapping[str, Any]]


class Order(Protocol):
    """The job that applying was ordered as, told inside the transaction that does it."""

    async def begin(self, conn: Connection) -> None:
        """Hold it, before anything else. Raises when it is not ours any more."""

    async def end(self, conn: Connection, planned: Planned) -> None:
        """It is done, by what was planned."""


async def apply_configuration(
    database: Database,
    *,
    tenant_id: TenantId,
    document: object,
    means: Means,
    allow: Callable[[Planned], None],
    digest: str | None = None,
    order: Order | None = None,
) -> Applied:
    """Plan the document and take the plan's steps. `digest`: of the plan that was approved. `order`: its job, if any.

    `allow` raises when the caller may not do what is planned. Raises what it and planning raise, Conflict PLAN_STALE
    when the plan is not the approved one, or when others change the configuration all the time, Refused
    SECRET_MISSING, QUOTA_EXCEEDED.
    """
    with no_full_collection():
        for _ in range(_ATTEMPTS):
            async with database.tenant(tenant_id) as conn:
                stored = await read_configuration(conn, tenant_id=tenant_id)
            planned = await asyncio.to_thread(partial(plan_configuration, stored, document, means))
            allow(planned)
            _refuse_unapproved(planned, digest)
            if await _carry_out(database, stored, planned, means=means, order=order):
                return Applied(planned, made_by(planned))
    raise Conflict("Others are changing the configuration at the same time: plan again", code="PLAN_STALE")


def made_by(planned: Planned) -> dict[str, Mapping[str, Any]]:
    """The secrets that applying makes for new channels, by the channel's name."""
    return {s.change.name: s.prepared.made for s in written(planned.channels) if s.prepared and s.prepared.made}


async def _carry_out(
    database: Database, stored: Stored, planned: Planned, *, means: Means, order: Order | None
) -> bool:
    """Whether the plan was taken, and is not to be made anew."""
    tenant_id = stored.tenant_id
    if not planned.writes:
        return True
    _refuse_missing(planned)
    for window in written(planned.windows):
        if window.row is not None:
            await advance_window(database, tenant_id=tenant_id, window_id=window.row.id)
    planned = structs.replace(planned, pages=await prepare_pages(database, planned.pages))
    if not await _take(database.tenant_transaction(tenant_id), stored, planned, means, order):
        return False
    await _follow_windows(database, planned, tenant_id=tenant_id)
    return True


def _refuse_unapproved(planned: Planned, digest: str | None) -> None:
    if digest is not None and digest != planned.digest:
        raise Conflict(
            "Applying would not do any more what this plan said: plan again, and look at what changed",
            code="PLAN_STALE",
            details={"digest": planned.digest},
        )


def _refuse_missing(planned: Planned) -> None:
    gone = [warning for warning in planned.warnings if warning.code == SECRET_MISSING]
    if gone:
        first = gone[0]
        raise Refused(
            f"{first.kind} {first.key}: {first.message}",
            code=SECRET_MISSING,
            field=first.field,
            details={"missing": [{"kind": one.kind, "key": one.key, "field": one.field} for one in gone[:100]]},
        )


async def _take(
    transaction: AbstractAsyncContextManager[Connection],
    stored: Stored,
    planned: Planned,
    means: Means,
    order: Order | None,
) -> bool:
    """Whether the plan was taken: not if anything has moved since it was read."""
    tenant_id = stored.tenant_id
    async with transaction as conn:
        if order is not None:
            await order.begin(conn)
        await dependencies.hold_graph(conn, tenant_id=tenant_id)
        await _hold_states(conn, planned, tenant_id=tenant_id)
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        if await configuration.fingerprint(conn, tenant_id=tenant_id) != stored.fingerprint:
            return False
        await write_planned(conn, planned, stored=stored, means=means)
        if order is not None:
            await order.end(conn, planned)
    return True


async def _hold_states(conn: Connection, planned: Planned, *, tenant_id: TenantId) -> None:
    """Lock all that will be written, in the order of docs/adr/0024."""
    windows = [step.row.id for step in written(planned.windows) if step.row is not None]
    await configuration.hold_windows(conn, tenant_id=tenant_id, ids=windows)
    await hold_pages(conn, planned.pages, tenant_id=tenant_id)
    freed = await held_by(conn, tenant_id=tenant_id, monitor_ids=deleted(planned))
    steps = written(planned.monitors)
    touched = [step.row.id for step in steps if step.row is not None]
    upstream = {one for step in steps if step.after is not None for one in step.after.depends_on}
    shown = shown_monitors(planned.pages)
    await monitors.lock_states(conn, tenant_id=tenant_id, monitor_ids=[*touched, *upstream, *freed, *shown])
    route_ids = [step.row.id for step in written(planned.routes) if step.row is not None]
    await routes.hold_routes(conn, tenant_id=tenant_id, ids=route_ids)
    channel_ids = [step.row.id for step in written(planned.channels) if step.row is not None]
    await configuration.hold_rows(conn, tenant_id=tenant_id, monitor_ids=touched, channel_ids=channel_ids)


async def _follow_windows(database: Database, planned: Planned, *, tenant_id: TenantId) -> None:
    """Windows whose time has come hold from now on; those that were cut end."""
    for step in written(planned.windows):
        if step.change.id is not None:
            await advance_window(database, tenant_id=tenant_id, window_id=step.change.id)
