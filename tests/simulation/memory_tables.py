"""The tables as the simulator keeps them: dictionaries of plain rows, and how to take back what a transaction did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

Undo = tuple[Callable[..., object], tuple[Any, ...]]
Row = dict[str, Any]


class ResultRow(Struct, frozen=True, gc=False):
    """A row of results, as far as anything here reads it."""

    agent_number: int
    check_version: int
    outcome: int
    reason: int
    total_us: int | None
    detail: str | None


class Assignment(Struct):
    region_id: int
    tenant_id: UUID
    check_version: int
    window_ms: int
    phase_ms: int
    removed: bool = False
    cadence_s: int | None = None


class VoteRow(Struct):
    check_version: int
    window_ms: int
    newest_slot: int
    vote: str | None
    renewed: bool
    degraded: bool
    steady: int | None
    bad_run: int
    good_run: int
    degraded_run: int
    earned: int
    first_bad_slot: int | None
    vote_since: int | None
    reason: str | None
    message: str | None
    evidence: str | None


class AgentRow(Struct):
    id: UUID
    region_id: int
    number: int
    enabled: bool = True
    healthy: bool = True
    lease_until: int = 0
    """Unix ms."""
    skew_ms: int | None = None


class DispatchRow(Struct):
    id: UUID
    region_id: int
    tenant_id: UUID
    monitor_id: UUID
    check_version: int
    kind: str
    slot: int
    expires_ms: int
    domain: str | None = None
    for_dependent: bool = False
    claimed_ms: int | None = None
    claimed_by: UUID | None = None
    finished_ms: int | None = None


class Tables:
    """All rows. `now_ms` is the database's clock: the one that judgements are dated by."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.counters: dict[UUID, Row] = {}
        self.regions: dict[int, str] = {}
        """Slug by id."""
        self.agents: dict[UUID, AgentRow] = {}
        self.monitors: dict[UUID, Row] = {}
        self.states: dict[UUID, Row] = {}
        self.assignments: defaultdict[int, dict[UUID, Assignment]] = defaultdict(dict)
        """By region, then monitor."""
        self.regions_of: defaultdict[UUID, dict[int, Assignment]] = defaultdict(dict)
        """The same rows by monitor, then region, in order of the regions' slugs."""
        self.votes: dict[tuple[UUID, int], VoteRow] = {}
        self.results: dict[tuple[UUID, int, int], ResultRow] = {}
        """By (monitor, region, slot)."""
        self.dispatches: dict[UUID, DispatchRow] = {}
        self.waiting: defaultdict[UUID, set[UUID]] = defaultdict(set)
        """Unclaimed re-checks by monitor."""
        self.in_region: defaultdict[int, set[UUID]] = defaultdict(set)
        """Unclaimed dispatches by region."""
        self.underway: defaultdict[tuple[int, UUID], set[UUID]] = defaultdict(set)
        """Claimed and unfinished dispatches by (region, monitor)."""
        self.incidents: dict[UUID, Row] = {}
        self.open_incidents: dict[UUID, UUID] = {}
        """The open automatic incident of a monitor: the partial unique index incidents_one_open."""
        self.incident_events: list[Row] = []
        self.transitions: defaultdict[UUID, list[Row]] = defaultdict(list)
        self.events: defaultdict[UUID, list[Row]] = defaultdict(list)
        self.channels: dict[UUID, Row] = {}
        self.bindings: defaultdict[UUID, list[UUID]] = defaultdict(list)
        """Channels that a monitor tells."""
        self.deliveries: dict[tuple[UUID, UUID, str, int], Row] = {}
        """By (incident, channel, notice, ordinal): the constraint deliveries_once."""
        self.openings: defaultdict[UUID, list[datetime]] = defaultdict(list)
        """When the automatic incidents of a monitor opened."""
        self.periods: list[Row] = []
        self.upstreams: dict[UUID, set[UUID]] = {}
        """What each monitor depends on directly."""
        self.unswept: set[UUID] = set()
        """Monitors whose state, votes or assignments changed since the sweep's question last looked at them."""
        self.expiring: list[tuple[int, UUID]] = []
        """A heap: when the sweep's question has to look at a monitor because time went by."""


def put(undo: list[Undo], table: dict[Any, Any], key: Any, value: Any) -> None:
    """Set a key of a table, to be taken back if the transaction fails."""
    if key in table:
        undo.append((table.__setitem__, (key, table[key])))
    else:
        undo.append((table.pop, (key, None)))
    table[key] = value


def drop(undo: list[Undo], table: dict[Any, Any], key: Any) -> None:
    """Remove a key of a table that has it."""
    undo.append((table.__setitem__, (key, table[key])))
    del table[key]


def change(undo: list[Undo], row: Any, **values: Any) -> None:
    """Set attributes of a row."""
    for name, value in values.items():
        undo.append((setattr, (row, name, getattr(row, name))))
        setattr(row, name, value)


def append(undo: list[Undo], table: list[Any], value: Any) -> None:
    undo.append((table.pop, ()))
    table.append(value)


def include(undo: list[Undo], table: set[Any], value: Any) -> None:
    if value not in table:
        undo.append((table.discard, (value,)))
        table.add(value)


def exclude(undo: list[Undo], table: set[Any], value: Any) -> None:
    if value in table:
        undo.append((table.add, (value,)))
        table.discard(value)
