"""Reading monitors as people see them: configuration, bindings, verdict, and each region's say, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from control_plane.domain.judging.advisory import Advisory, LoneVote, advisories
from control_plane.domain.monitors.escalation_rules import Escalation
from control_plane.store.pool import Connection
from shared.clock import to_unix_ms


class RegionState(Struct, frozen=True):
    """A region's say about a monitor. Slots in Unix ms. `vote` is None where this check version has none yet.

    The fields up to `message` are what _VIEW selects, in its order.
    """

    id: int
    slug: str
    name: str
    enabled: bool
    private: bool
    phase_ms: int | None
    window_ms: int | None = None
    check_version: int | None = None
    newest_slot: int = 0
    vote: str | None = None
    renewed: bool = True
    degraded: bool = False
    bad_run: int = 0
    good_run: int = 0
    degraded_run: int = 0
    first_bad_slot: int | None = None
    vote_since: int | None = None
    reason: str | None = None
    message: str | None = None
    incapable: str | UnsetType | None = UNSET
    """Why its agents cannot run this check, None if they can; unset until services/find_incapable has asked."""

    def fresh(self, now_ms: int) -> bool:
        """Whether the region's vote counts at this instant (Unix ms)."""
        return self.vote is not None and self.renewed and now_ms < self.newest_slot + (self.window_ms or 0)

    def shown(self, now_ms: int) -> str:
        """up, degraded, down; else incapable, silent (it was heard before), or none (it never was)."""
        if self.vote is not None and self.fresh(now_ms):
            return "degraded" if self.vote == "up" and self.degraded else self.vote
        if self.incapable:
            return "incapable"
        return "none" if self.vote is None else "silent"


class Binding(Struct, frozen=True):
    channel_id: UUID
    events: tuple[str, ...] | None


class MonitorView(Struct, frozen=True):
    """A monitor with its state, at `now_ms` of the database's clock. `newest_slot` is of whatever check version."""

    id: UUID
    number: int
    key: str | None
    name: str
    kind: str
    check: dict[str, Any]
    check_version: int
    first_slot: int
    interval_s: int
    confirmations: int
    region_policy: str
    region_policy_count: int | None
    tags: list[str]
    group: str | None
    severity: str
    alert_on: str
    notify_recovery: bool
    renotify_interval_s: int
    max_repeats: int
    owner: str | None
    notes: str | None
    enabled: bool
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int
    verdict: str
    reason: str
    since: datetime
    now_ms: int
    newest_slot: int | None
    regions: list[RegionState]
    alerts: list[Binding]
    backoff_when_down: bool = False
    sla_target: float | None = None
    sla_period_days: int | None = None
    quiet_hours: dict[str, Any] | None = None
    escalations: tuple[Escalation, ...] = ()
    depends_on: tuple[UUID, ...] = ()
    in_maintenance: bool = False
    held_by: str | None = None
    backed_off_at: datetime | None = None
    """What holds its incidents back, in words; null while nothing does."""
    held_since: datetime | None = None
    blocked_by: dict[str, str] | None = None
    """The rule that keeps it from all agents: code and message."""

    @property
    def shown(self) -> str:
        """What people are told first: paused before maintenance before the verdict."""
        if not self.enabled:
            return "paused"
        return "maintenance" if self.in_maintenance else self.verdict

    @property
    def advisories(self) -> tuple[Advisory, ...]:
        """The regions that have called it down for a while without being enough; none while it is paused."""
        lone = [
            LoneVote(
                region=region.slug,
                down_since=region.vote_since or region.newest_slot,
                newest_slot=region.newest_slot,
                reason=region.reason,
                message=region.message,
            )
            for region in self.regions
            if self.enabled and region.vote == "down" and region.fresh(self.now_ms)
        ]
        if not lone:
            return ()
        return advisories(
            lone, verdict=self.verdict, verdict_since_ms=to_unix_ms(self.since), interval_ms=self.interval_s * 1000
        )


# Of a monitor m. A planned end is written at the start, so that a window ends by the clock alone.
IN_MAINTENANCE = """EXISTS (SELECT FROM monitor_periods p WHERE p.tenant_id = m.tenant_id AND p.monitor_id = m.id
        AND p.kind = 'maintenance' AND p.starts_at <= clock_timestamp()
        AND (p.ends_at IS NULL OR p.ends_at > clock_timestamp()))"""

SHOWN = f"CASE WHEN NOT m.enabled THEN 'paused' WHEN {IN_MAINTENANCE} THEN 'maintenance' ELSE s.verdict END"
"""Of a monitor m with its state s: what it is shown as."""

# Found once for the whole statement, not monitor by monitor; by a clock that stands still meanwhile, so that an index
# of ends finds them among all that are over.
IN_MAINTENANCE_OF_ALL = """m.id IN (SELECT p.monitor_id FROM monitor_periods p WHERE p.tenant_id = $1
        AND p.kind = 'maintenance' AND p.starts_at <= statement_timestamp()
        AND (p.ends_at IS NULL OR p.ends_at > statement_timestamp()))"""

SHOWN_OF_ALL = (
    f"CASE WHEN NOT m.enabled THEN 'paused' WHEN {IN_MAINTENANCE_OF_ALL} THEN 'maintenance' ELSE s.verdict END"
)
"""The same in a statement over many monitors of the tenant $1."""

_PLAIN = """
SELECT m.id, m.number, m.key, m.name, m.kind, m."check", m.check_version, m.first_slot, m.interval_s, m.confirmations,
    m.region_policy, m.region_policy_count, m.tags, m."group", m.severity, m.alert_on, m.notify_recovery,
    m.renotify_interval_s, m.max_repeats, m.owner, m.notes, m.enabled, m.write_source, m.created_at, m.updated_at,
    m.revision, m.backoff_when_down, m.sla_target, m.sla_period_days, m.quiet_hours, s.verdict, s.reason, s.since,
    CASE WHEN s.held_since IS NOT NULL THEN s.held_by END AS held_by,
    s.held_since, s.backed_off_at, m.blocked_by,
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
    ARRAY(SELECT d.depends_on FROM monitor_dependencies d
        WHERE d.tenant_id = m.tenant_id AND d.monitor_id = m.id ORDER BY d.depends_on) AS depends_on,
    ARRAY(SELECT ROW(b.channel_id, b.events)
        FROM monitor_channels b WHERE b.tenant_id = m.tenant_id AND b.monitor_id = m.id ORDER BY b.channel_id
    ) AS alerts,
    ARRAY(SELECT ROW(min(e.after_s), array_agg(e.channel_id ORDER BY e.channel_id)) FROM monitor_escalations e
        WHERE e.tenant_id = m.tenant_id AND e.monitor_id = m.id GROUP BY e.step ORDER BY e.step) AS escalations,
    """

_FROM = "FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id"

_VIEW = f"""{_PLAIN}{IN_MAINTENANCE} AS in_maintenance,
    (SELECT max(l.newest_slot) FROM votes l WHERE l.tenant_id = m.tenant_id AND l.monitor_id = m.id) AS newest_slot,
    ARRAY(SELECT ROW(r.id, r.slug, r.name, r.enabled, r.tenant_id IS NOT NULL, a.phase_ms, a.window_ms,
            v.check_version, v.newest_slot, v.vote, v.renewed, v.degraded, v.bad_run, v.good_run, v.degraded_run,
            v.first_bad_slot, v.vote_since, v.reason, v.message)
        FROM unnest(m.regions) AS chosen (id)
        JOIN regions r ON r.id = chosen.id
        LEFT JOIN assignments a ON a.monitor_id = m.id AND a.region_id = r.id AND a.removed_at IS NULL
        LEFT JOIN votes v ON v.monitor_id = m.id AND v.region_id = r.id AND v.check_version = a.check_version
        ORDER BY r.id
    ) AS regions
{_FROM}
"""

_IN_ORDER = itemgetter(*MonitorView.__struct_fields__)
_CHECK_VERSION = RegionState.__struct_fields__.index("check_version")

GET_MONITOR = _VIEW + "WHERE m.tenant_id = $1 AND m.id = $2"


async def get_monitor(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> MonitorView | None:
    """The monitor; None when this tenant has none of that id."""
    record = await conn.fetchrow(GET_MONITOR, tenant_id, monitor_id)
    return None if record is None else _view(record)


MONITOR_EXISTS = "SELECT EXISTS (SELECT FROM monitors WHERE tenant_id = $1 AND id = $2)"


async def monitor_exists(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> bool:
    """Whether this tenant has a monitor of that id."""
    found: bool = await conn.fetchval(MONITOR_EXISTS, tenant_id, monitor_id)
    return found


# Many at once: what each region says of them comes by itself, as plain rows. Records within arrays cost several times
# as much, on both sides.
SOME_MONITORS = f"""{_PLAIN}m.regions,
    m.id IN (SELECT p.monitor_id FROM monitor_periods p WHERE p.tenant_id = $1 AND p.monitor_id = ANY ($2::uuid[])
        AND p.kind = 'maintenance' AND p.starts_at <= clock_timestamp()
        AND (p.ends_at IS NULL OR p.ends_at > clock_timestamp())) AS in_maintenance
{_FROM}
WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) AND s.monitor_id = ANY ($2::uuid[])
"""
SAID_OF_MONITORS = """
SELECT monitor_id, region_id, a.check_version AS assigned, v.newest_slot AS newest, r.slug, r.name, r.enabled,
    r.tenant_id IS NOT NULL AS private, a.phase_ms, a.window_ms, v.check_version, v.newest_slot, v.vote, v.renewed,
    v.degraded, v.bad_run, v.good_run, v.degraded_run, v.first_bad_slot, v.vote_since, v.reason, v.message
FROM (SELECT * FROM assignments
    WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND removed_at IS NULL) a
FULL JOIN (SELECT * FROM votes WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[])) v USING (monitor_id, region_id)
JOIN regions r ON r.id = region_id
"""
SOME_REGIONS = (
    "SELECT id, slug, name, enabled, tenant_id IS NOT NULL AS private FROM regions WHERE id = ANY ($1::int[])"
)

_ASSIGNED, _NEWEST, _VERSION = 2, 3, 10
_OF_REGION, _OF_ASSIGNMENT, _OF_VOTE = slice(4, 8), slice(8, 10), slice(8, None)


async def get_monitors(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> list[MonitorView]:
    """Those of these monitors that the tenant has, in the order of the ids."""
    ids = list(monitor_ids)
    records = {record["id"]: record for record in await conn.fetch(SOME_MONITORS, tenant_id, ids)}
    said: dict[UUID, dict[int, Any]] = {monitor_id: {} for monitor_id in records}
    regions: dict[int, tuple[Any, ...]] = {}
    for row in await conn.fetch(SAID_OF_MONITORS, tenant_id, list(records)):
        said[row[0]][row[1]] = row
        regions[row[1]] = (row[1], *row[_OF_REGION])
    silent = {region_id for record in records.values() for region_id in record["regions"]} - regions.keys()
    if silent:
        regions |= {row["id"]: tuple(row) for row in await conn.fetch(SOME_REGIONS, list(silent))}
    return [_joined(records[each], said[each], regions) for each in ids if each in records]


def _joined(record: Any, said: Mapping[int, Any], regions: Mapping[int, tuple[Any, ...]]) -> MonitorView:
    values = dict(record)
    values["newest_slot"] = max((row[_NEWEST] for row in said.values() if row[_NEWEST] is not None), default=None)
    values["regions"] = [
        _state(regions[region_id], said.get(region_id))
        for region_id in sorted(values["regions"])
        if region_id in regions
    ]
    return _completed(values)


def _state(region: tuple[Any, ...], row: Any) -> RegionState:
    """What a region says; a vote counts for the version of the check that it is assigned."""
    values: Any = (None,)
    if row is not None and row[_ASSIGNED] is not None:
        values = row[_OF_VOTE] if row[_ASSIGNED] == row[_VERSION] else row[_OF_ASSIGNMENT]
    return RegionState(*(*region, *values))


def _view(record: Any) -> MonitorView:
    values = dict(record)
    values["regions"] = [RegionState(*_voted(row)) for row in values["regions"]]
    return _completed(values)


def _completed(values: dict[str, Any]) -> MonitorView:
    values["alerts"] = [Binding(channel_id, events and tuple(events)) for channel_id, events in values["alerts"]]
    values["escalations"] = tuple(Escalation(after_s, tuple(ids)) for after_s, ids in values["escalations"])
    values["depends_on"] = tuple(values["depends_on"])
    return MonitorView(*_IN_ORDER(values))  # by name costs several times as much: the names of columns are no literals


def _voted(row: Any) -> Any:
    """Without a vote for this version of the check, what says so is left out: the defaults tell that."""
    return row if row[_CHECK_VERSION] is not None else row[:_CHECK_VERSION]
