"""Create many monitors in one transaction: each judged by the rules of one, all written in a few round trips."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct, structs

from control_plane.domain.checks.check_rules import rules_of
from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.checks.regionless import timeout_ms
from control_plane.domain.monitors.monitor_rules import MonitorConfig, Surroundings, read_monitor
from control_plane.domain.safety.safety_settings import SafetySettings
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import BadRequest, Conflict, FarwatchError
from control_plane.sealing import Sealer
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.monitors.change_dependencies import hold_all_named
from control_plane.services.monitors.create_monitor import new_row
from control_plane.services.monitors.credentials import monitor_context, seal_check
from control_plane.services.monitors.monitor_rows import assignment_rows, binding_rows, read_surroundings_of
from control_plane.services.safety.refuse_scans_of_many import scans_among
from control_plane.store import assignments_write, monitor_bulk, monitors, tenants
from control_plane.store.monitors import BindingRow, MonitorRow
from control_plane.store.pool import Connection
from shared.ids import MonitorId, TenantId
from shared.netpolicy import PortProfile

_AT_ONCE = 10
"""Bodies read before others have their turn on the event loop: about a millisecond."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one item, counted from 0. `changed` False: it was so already. `error` None: it succeeded."""

    index: int
    id: UUID | None = None
    number: int | None = None
    name: str | None = None
    changed: bool = True
    error: FarwatchError | None = None


class Draft(Struct, frozen=True):
    """A body that was accepted: its place among others, and its check as it is stored."""

    index: int
    id: MonitorId
    config: MonitorConfig
    check: dict[str, Any]
    sealed: bytes | None


async def create_many(
    conn: Connection,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    bodies: Sequence[object],
    new_id: Callable[[], UUID],
    write_source: str,
    ports: PortProfile,
) -> list[Outcome]:
    """Create a monitor of each body inside the caller's transaction; one outcome for each, in their order.

    A body may name monitors that stand before it by their keys. A refused body leaves nothing behind and keeps no other
    from being created. Raises what the database refuses in spite of the rules (a channel that is gone by now): the
    transaction is lost then, and the caller tries again with fewer.
    """
    objects = [body for body in bodies if isinstance(body, dict)]
    await hold_all_named(conn, tenant_id=tenant_id, bodies=objects)
    surroundings = await read_surroundings_of(conn, tenant_id=tenant_id, bodies=objects, ports=ports)
    reading = _Reading(sealer, tenant_id, surroundings, new_id)
    drafts, outcomes = await _read_all(reading, bodies)
    read: set[UUID] = {draft.id for draft in drafts}
    drafts = await _without_scans(conn, drafts, outcomes, tenant_id=tenant_id, settings=surroundings.gate.settings)
    left_out = read.difference(draft.id for draft in drafts)
    upstreams = {upstream for draft in drafts for upstream in draft.config.depends_on}
    await monitors.lock_states(conn, tenant_id=tenant_id, monitor_ids=sorted(upstreams))
    await tenants.hold_counters(conn, tenant_id=tenant_id)
    room = _Room(tenant_id, surroundings.terms, left_out)
    drafts = await _with_room(conn, drafts, outcomes, room=room)
    if drafts:
        rows = await insert_drafts(conn, drafts, tenant_id=tenant_id, write_source=write_source)
        for draft, row in zip(drafts, rows, strict=True):
            outcomes[draft.index] = Outcome(index=draft.index, id=row.id, number=row.number, name=row.name)
    return [outcomes[index] for index in range(len(bodies))]


async def _without_scans(
    conn: Connection,
    drafts: Sequence[Draft],
    outcomes: dict[int, Outcome],
    *,
    tenant_id: TenantId,
    settings: SafetySettings,
) -> list[Draft]:
    """Those whose ports are not one too many; what a refused one would have counted is taken back."""
    configs = {draft.index: draft.config for draft in drafts}
    for index, error in (await scans_among(conn, settings, tenant_id=tenant_id, configs=configs)).items():
        outcomes[index] = Outcome(index=index, name=configs[index].name, error=error)
    return [draft for draft in drafts if draft.index not in outcomes]


class _Reading(Struct, frozen=True):
    """What bodies are read with."""

    sealer: Sealer
    tenant_id: TenantId
    surroundings: Surroundings
    new_id: Callable[[], UUID]


async def _read_all(reading: _Reading, bodies: Sequence[object]) -> tuple[list[Draft], dict[int, Outcome]]:
    gate = reading.surroundings.gate
    known, watched = dict(reading.surroundings.monitors), Counter(gate.watched)
    surroundings = structs.replace(
        reading.surroundings, monitors=known, gate=structs.replace(gate, watched=watched)
    )  # what comes before in the call counts for what comes after
    drafts: list[Draft] = []
    refused: dict[int, Outcome] = {}
    for index, body in enumerate(bodies):
        try:
            config = read_monitor(_object(body), stored=None, surroundings=surroundings)
        except FarwatchError as error:
            refused[index] = Outcome(index=index, name=name_of(body), error=error)
            continue
        monitor_id = MonitorId(reading.new_id())
        context = monitor_context(reading.tenant_id, monitor_id)
        drafts.append(Draft(index, monitor_id, config, *seal_check(reading.sealer, config.check, context=context)))
        if config.key is not None:
            known.setdefault(config.key, monitor_id)
        if (domain := gate.domain_counted(config.check)) is not None:
            watched[domain] += 1
        if index % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    return drafts, refused


def _object(body: object) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest('Each item is a monitor: an object such as {"name": …, "check": …}', code="INVALID_TYPE")
    return body


def name_of(body: object) -> str | None:
    """The name in a body that may be anything, for telling which item is meant."""
    name = body.get("name") if isinstance(body, dict) else None
    return name[:100] if isinstance(name, str) else None


class _Room(Struct, frozen=True):
    """`left_out`: monitors of this call that are refused, so that nothing may rest on them."""

    tenant_id: TenantId
    terms: PlanTerms
    left_out: set[UUID]


async def _with_room(
    conn: Connection, drafts: Sequence[Draft], outcomes: dict[int, Outcome], *, room: _Room
) -> list[Draft]:
    """Those that the quota, their keys and what they rest on allow, in their order. The caller holds the counters."""
    current = await monitors.count_monitors(conn, tenant_id=room.tenant_id)
    keys = [draft.config.key for draft in drafts if draft.config.key is not None]
    taken = await monitor_bulk.taken_keys(conn, tenant_id=room.tenant_id, keys=keys) if keys else set()
    allowed: list[Draft] = []
    for draft in drafts:
        try:
            require_room(room.terms, "max_monitors", current=current + len(allowed))
            _refuse_clash(draft.config, taken, room.left_out)
        except FarwatchError as error:
            outcomes[draft.index] = Outcome(index=draft.index, name=draft.config.name, error=error)
            room.left_out.add(draft.id)
            continue
        allowed.append(draft)
        if draft.config.key is not None:
            taken.add(draft.config.key)
    return allowed


def _refuse_clash(config: MonitorConfig, taken: set[str], left_out: set[UUID]) -> None:
    if config.key in taken:
        raise Conflict("A monitor with that key exists already.", code="KEY_TAKEN", field="/key")
    members = config.check.of.monitors if isinstance(config.check, CompositeCheck) else None
    if not left_out.isdisjoint({*config.depends_on, *(members or ())}):
        message = "It rests on a monitor of this call that could not be created"
        raise BadRequest(message, code="INVALID_DEPENDENCY", field="/depends_on")


async def insert_drafts(
    conn: Connection, drafts: Sequence[Draft], *, tenant_id: TenantId, write_source: str
) -> list[MonitorRow]:
    """Write new monitors, which may rest on each other. The caller holds what else they rest on, and the counters."""
    first = await monitor_bulk.take_monitor_numbers(conn, tenant_id=tenant_id, count=len(drafts))
    now_ms = await monitors.now_ms(conn)
    rows = [
        new_row(
            draft.config,
            tenant_id=tenant_id,
            monitor_id=draft.id,
            number=first + place,
            check=draft.check,
            sealed=draft.sealed,
            now_ms=now_ms,
            write_source=write_source,
        )
        for place, draft in enumerate(drafts)
    ]
    sole = [rules_of(draft.config.check).regionless for draft in drafts]
    await monitor_bulk.insert_monitors(conn, rows, sole=sole)
    await _insert_parts(conn, drafts, rows, tenant_id=tenant_id)
    alone = sorted(row.id for row, is_sole in zip(rows, sole, strict=True) if is_sole)
    if alone:
        await judge_monitors(conn, alone)  # what they rest on is there already
    return rows


async def _insert_parts(
    conn: Connection, drafts: Sequence[Draft], rows: Sequence[MonitorRow], *, tenant_id: TenantId
) -> None:
    bindings: dict[UUID, Sequence[BindingRow]] = {draft.id: binding_rows(draft.config) for draft in drafts}
    await monitor_bulk.insert_bindings(conn, tenant_id=tenant_id, bindings=bindings)
    edges = [(draft.id, upstream) for draft in drafts for upstream in draft.config.depends_on]
    await monitor_bulk.insert_edges(conn, tenant_id=tenant_id, edges=edges)
    timed = zip(drafts, rows, strict=True)
    shares = [(row, assignment_rows(row, timeout_ms=timeout_ms(draft.config.check))) for draft, row in timed]
    assigned = [(row, share) for row, share in shares if share]
    if assigned:
        await monitor_bulk.upsert_all_assignments(conn, assigned)
        regions = {one.region_id for _, share in assigned for one in share}
        await assignments_write.notify_regions(conn, sorted(regions))
    beats: dict[UUID, UUID] = {d.id: uuid4() for d in drafts if isinstance(d.config.check, HeartbeatCheck)}
    await monitor_bulk.add_heartbeats(conn, tenant_id=tenant_id, ping_ids=beats)
