"""Tell the operator of tenants that are suspended or have used up a quota, and when that is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from msgspec import Struct

from control_plane.services.fleet.write_operator_incidents import Change, Place, ending, write_operator_incidents
from control_plane.services.installation.identity import new_id
from control_plane.store import fleet_reads, operator_incidents, tenant_watch
from control_plane.store.operator_incidents import OperatorIncident
from control_plane.store.pool import Connection, Database

SUSPENDED, QUOTA_REACHED = "tenant_suspended", "quota_reached"
KINDS = (SUSPENDED, QUOTA_REACHED)

_OVER: Mapping[str, str] = {SUSPENDED: "It is released", QUOTA_REACHED: "There is room again"}


class _Found(Struct, frozen=True):
    kind: str
    subject: str
    reason: str
    details: dict[str, Any]


async def watch_tenants(database: Database) -> list[Change]:
    """One incident of a kind for each tenant; none changes while another process is at it."""
    async with database.app_transaction() as conn:
        if not await tenant_watch.try_watch(conn):
            return []
        held = {(one.kind, one.subject): one for one in await operator_incidents.hold_open(conn, kinds=KINDS)}
        found = {(one.kind, one.subject): one for one in [*await _suspended(conn), *await _used_up(conn)]}
        changes = [_opening(found[key]) for key in found if key not in held]
        changes += [_ended(held[key]) for key in held if key not in found]
        await operator_incidents.reword(conn, list(_reworded(held, found)))
        return await write_operator_incidents(conn, changes, now=await fleet_reads.database_clock(conn))


async def _suspended(conn: Connection) -> list[_Found]:
    return [
        _Found(SUSPENDED, str(one.id), f"Tenant {one.name} is suspended", {"tenant_id": str(one.id)})
        for one in await tenant_watch.suspended(conn)
    ]


async def _used_up(conn: Connection) -> list[_Found]:
    made = []
    for tenant_id, group in groupby(await tenant_watch.used_up(conn), key=lambda one: one.id):
        full = list(group)
        quotas = ", ".join(f"{one.quota} ({one.used} of {one.limit})" for one in full)
        reason = f"Tenant {full[0].name} has used up what plan {full[0].plan} gives: {quotas}"
        details = {"tenant_id": str(tenant_id), "quotas": {one.quota: one.limit for one in full}}
        made.append(_Found(QUOTA_REACHED, str(tenant_id), reason, details))
    return made


def _reworded(
    held: Mapping[tuple[str, str], OperatorIncident], found: Mapping[tuple[str, str], _Found]
) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    for key, one in found.items():
        if key in held and held[key].reason != one.reason:
            yield held[key].id, one.reason, one.details


def _opening(found: _Found) -> Change:
    return Change(
        id=new_id(),
        kind=found.kind,
        subject=found.subject,
        severity="minor",
        place=Place(),
        cause=found.reason,
        reason=found.reason,
        details=found.details,
    )


def _ended(incident: OperatorIncident) -> Change:
    return ending(incident, cause=incident.reason, reason=_OVER[incident.kind])
