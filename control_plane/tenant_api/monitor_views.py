"""Monitors as JSON: what every read of one shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.domain.checks.stored_check import read_check
from control_plane.domain.judging.standing import CIRCUIT_OPEN
from control_plane.domain.monitors.monitor_fields import DEFAULT_SLA_DAYS
from control_plane.services.monitors.monitor_rows import Caution
from control_plane.store.monitor_reads import MonitorView, RegionState
from control_plane.tenant_api.heartbeat_views import HeartbeatPartJson
from control_plane.web.quiet_hours_view import QuietHoursJson, quiet_hours_json
from shared.clock import from_unix_ms

NewCheck = Annotated[
    MonitorCheck | str,
    Meta(description="A check tagged by `type`, or a string such as https://example.com/health that expands to one"),
]
CheckPatch = Annotated[
    dict[str, Any] | str, Meta(description="Parameters that change, null for the default, or a string as at creation")
]
PolicyJson = Annotated[
    str | dict[str, int], Meta(description='`any`, `majority`, `all`, or {"count": k} with 1 <= k <= regions')
]


class AlertJson(Struct, frozen=True):
    """A channel that is told; `events` null is the notices of incidents."""

    channel_id: UUID
    events: tuple[str, ...] | None = None


class EscalationJson(Struct, frozen=True):
    """A step: whom an incident is told that nobody has acknowledged `after_s` seconds after it opened."""

    after_s: int
    channel_ids: tuple[UUID, ...]


class RegionVoteJson(Struct, frozen=True):
    """One region's say. `vote` is null while it has none that is fresh or remembered.

    `incapable` says why its agents cannot run this check, null if they can; lists of monitors do not have it.
    """

    region: str
    vote: str | None
    fresh: bool
    degraded: bool
    since: datetime | None
    last_slot: datetime | None
    incapable: str | UnsetType | None = UNSET


class PromiseJson(Struct, frozen=True):
    """Per cent of the known time that it is meant to be up, over a rolling period of days."""

    target: float
    period_days: int = DEFAULT_SLA_DAYS


class DropJson(Struct, frozen=True):
    """The request that takes the region out of the monitor."""

    method: str
    href: str


class AdvisoryJson(Struct, frozen=True, kw_only=True):
    """A region that has called it down for more than 3 slots while too few agree. Nobody is paged for it."""

    region: str
    since: datetime
    slots: int
    reason: str
    drop: DropJson


class StateJson(Struct, frozen=True):
    """`shown` is paused, else maintenance, else the verdict: up, degraded, down, unknown.

    `held_by` says what holds its incidents back (a window, an upstream that is down); null while nothing does.
    `circuit` is CIRCUIT_OPEN while it is checked less often because it is down.
    """

    shown: str
    verdict: str
    reason: str
    since: datetime
    last_result_at: datetime | None
    regions: list[RegionVoteJson]
    held_by: str | None = None
    held_since: datetime | None = None
    advisories: list[AdvisoryJson] = []
    circuit: str | None = None


class MonitorJson(Struct, frozen=True, kw_only=True):
    """A monitor. `check` is in full with `***` for secrets; `interval` in seconds, `check.timeout` in milliseconds."""

    id: UUID
    number: int
    key: str | None
    name: str
    check: MonitorCheck
    interval: int | None
    """Null for a kind without regions."""
    regions: list[str]
    region_policy: PolicyJson
    confirmations: int
    tags: list[str]
    group: str | None
    alerts: list[AlertJson]
    escalations: list[EscalationJson]
    notify_recovery: bool
    renotify_interval_secs: int
    max_repeats: int
    severity: str
    alert_on: str
    backoff_when_down: bool
    sla: PromiseJson | None
    quiet_hours: QuietHoursJson | None
    depends_on: list[UUID]
    owner: str | None
    notes: str | None
    enabled: bool
    state: StateJson
    write_source: str
    created_at: datetime
    updated_at: datetime
    warnings: list[Caution] | UnsetType = UNSET
    """In the answer to a creation, and where a rule of the operator keeps the monitor from all agents."""
    heartbeat: HeartbeatPartJson | UnsetType = UNSET
    """Of a heartbeat monitor only."""
    is_public: bool | UnsetType = UNSET
    """Of a monitor that was created without an account only: whether their page lists it."""
    manage_key: str | UnsetType = UNSET
    """In the answer to a creation without an account, this once: the key that alone changes the monitor."""


class MonitorBody(Struct, frozen=True, kw_only=True):
    """What a client decides about a monitor. Only `name` and `check` are required to create one."""

    name: str
    check: NewCheck
    interval: int | UnsetType | None = UNSET
    regions: list[str] | UnsetType | None = UNSET
    region_policy: PolicyJson | UnsetType | None = UNSET
    confirmations: int | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    group: str | UnsetType | None = UNSET
    alerts: list[AlertJson] | UnsetType | None = UNSET
    escalations: list[EscalationJson] | UnsetType | None = UNSET
    notify_recovery: bool | UnsetType | None = UNSET
    renotify_interval_secs: int | UnsetType | None = UNSET
    max_repeats: int | UnsetType | None = UNSET
    severity: str | UnsetType | None = UNSET
    alert_on: str | UnsetType | None = UNSET
    backoff_when_down: bool | UnsetType | None = UNSET
    sla: PromiseJson | UnsetType | None = UNSET
    quiet_hours: QuietHoursJson | UnsetType | None = UNSET
    depends_on: Annotated[list[str], Meta(description="Ids or keys of monitors")] | UnsetType | None = UNSET
    owner: str | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET
    key: str | UnsetType | None = UNSET


class MonitorPatch(MonitorBody, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396): absent keeps, null clears to the default. `check` merges; a string replaces it."""

    name: str | UnsetType = UNSET  # type: ignore[assignment]
    check: CheckPatch | UnsetType = UNSET  # type: ignore[assignment]


def monitor_json(
    view: MonitorView,
    *,
    warnings: Sequence[Caution] | None = None,
    heartbeats: Mapping[UUID, HeartbeatPartJson] | None = None,
) -> MonitorJson:
    """The view as JSON shows it. A check that this version cannot read is shown as it is stored, secrets masked."""
    check = read_check(view.check)
    return MonitorJson(
        id=view.id,
        number=view.number,
        key=view.key,
        name=view.name,
        check=cast("MonitorCheck", view.check) if check is None else check,
        interval=None if kind_is_regionless(view.kind) else view.interval_s,
        regions=[region.slug for region in view.regions],
        region_policy=view.region_policy if view.region_policy_count is None else {"count": view.region_policy_count},
        confirmations=view.confirmations,
        tags=view.tags,
        group=view.group,
        alerts=[AlertJson(binding.channel_id, binding.events) for binding in view.alerts],
        escalations=[EscalationJson(step.after_s, step.channel_ids) for step in view.escalations],
        notify_recovery=view.notify_recovery,
        renotify_interval_secs=view.renotify_interval_s,
        max_repeats=view.max_repeats,
        severity=view.severity,
        alert_on=view.alert_on,
        backoff_when_down=view.backoff_when_down,
        sla=_sla_json(view),
        quiet_hours=quiet_hours_json(view.quiet_hours),
        depends_on=list(view.depends_on),
        owner=view.owner,
        notes=view.notes,
        enabled=view.enabled,
        state=state_json(view),
        write_source=view.write_source,
        created_at=view.created_at,
        updated_at=view.updated_at,
        warnings=_warnings(view, warnings),
        heartbeat=(heartbeats or {}).get(view.id, UNSET),
    )


def state_json(view: MonitorView) -> StateJson:
    """State shown: paused before maintenance before the verdict."""
    return StateJson(
        shown=view.shown,
        verdict=view.verdict,
        reason=view.reason if view.blocked_by is None else view.blocked_by["message"],
        since=view.since,
        last_result_at=from_slot(view.newest_slot or None),
        regions=[_vote_json(region, now_ms=view.now_ms) for region in view.regions],
        held_by=view.held_by,
        circuit=CIRCUIT_OPEN if view.backed_off_at else None,
        held_since=view.held_since,
        advisories=advisories_json(view),
    )


def advisories_json(view: MonitorView) -> list[AdvisoryJson]:
    """The regional advisories, each with the request that ends it."""
    return [
        AdvisoryJson(
            region=one.region,
            since=from_unix_ms(one.since_ms),
            slots=one.slots,
            reason=one.words,
            drop=DropJson("DELETE", f"/api/v1/monitors/{view.id}/regions/{one.region}"),
        )
        for one in view.advisories
    ]


def _warnings(view: MonitorView, given: Sequence[Caution] | None) -> list[Caution] | UnsetType:
    if view.blocked_by is None:
        return UNSET if given is None else list(given)
    return [Caution(view.blocked_by["code"], view.blocked_by["message"]), *(given or ())]


def _sla_json(view: MonitorView) -> PromiseJson | None:
    if view.sla_target is None or view.sla_period_days is None:
        return None
    return PromiseJson(view.sla_target, view.sla_period_days)


def from_slot(slot: int | None) -> datetime | None:
    """The instant of a slot; None for none."""
    return None if slot is None else from_unix_ms(slot)


def _vote_json(region: RegionState, *, now_ms: int) -> RegionVoteJson:
    return RegionVoteJson(
        region=region.slug,
        vote=region.vote,
        fresh=region.fresh(now_ms),
        degraded=region.degraded,
        since=from_slot(region.vote_since),
        last_slot=from_slot(region.newest_slot or None),
        incapable=region.incapable,
    )
