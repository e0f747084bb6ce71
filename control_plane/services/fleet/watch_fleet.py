"""The watch over the fleet, every 10 s: what is wrong with an agent or a region becomes an operator's incident."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from msgspec import Struct

from control_plane.domain.fleet.fleet import AGENT_KINDS, UNWATCHED_FOR, AgentState, Alert, alerts_of, severity_of
from control_plane.domain.fleet.fleet_regions import REGION_KINDS
from control_plane.domain.fleet.fleet_saturation import FLEET_SATURATED
from control_plane.metrics import (
    OPERATOR_INCIDENTS_OPEN,
    REGION_LIVE_AGENTS,
    REGION_MONITORS,
    REGION_VOTES_EXPIRED,
)
from control_plane.services.fleet.watch_regions import Regions, judge_regions, read_regions, told
from control_plane.services.fleet.watch_saturation import judge_saturation
from control_plane.services.fleet.write_operator_incidents import Change, Place, ending, write_operator_incidents
from control_plane.services.installation.identity import new_id
from control_plane.store import fleet_reads, fleet_regions, fleet_watch, operator_incidents, safety
from control_plane.store.operator_incidents import OperatorIncident
from control_plane.store.pool import Connection, Database

_log = structlog.get_logger("farwatch.fleet")

WATCHED_KINDS = (*AGENT_KINDS, *REGION_KINDS, FLEET_SATURATED)

_RESOLVED_WORDS: Mapping[str, str] = {
    "recovered": "It is well again",
    "disabled": "It was disabled",
    "removed": "It was removed",
}


class _Judged(Struct, frozen=True):
    changes: Sequence[Change]
    reworded: Sequence[tuple[UUID, str, dict[str, Any]]]


async def watch_fleet(database: Database, *, release: str) -> list[Change]:
    """Open and end what is due; what changed, none while another process is at it. `release` is our own version."""
    async with database.app_transaction() as conn:
        changes = await _watch(conn, release=release) if await fleet_watch.try_watch(conn) else []
    for change in changes:
        _tell_log(change)
    async with database.app() as conn:
        counts = await operator_incidents.count_open(conn)
    for kind in {*WATCHED_KINDS, *counts}:
        OPERATOR_INCIDENTS_OPEN.labels(kind).set(counts.get(kind, 0))
    return changes


async def _watch(conn: Connection, *, release: str) -> list[Change]:
    held = await operator_incidents.hold_open(conn, kinds=WATCHED_KINDS)
    now = await fleet_reads.database_clock(conn)
    watched_since = await fleet_watch.note_watch(conn, longest_break=UNWATCHED_FOR)
    agents = await fleet_watch.agent_states(conn)
    dispatching_since = await safety.dispatching_since(conn)  # who is given nothing has nothing to say
    heard_since = max(watched_since, dispatching_since or watched_since)
    regions = await read_regions(conn, now=now, watched_since=heard_since)
    await fleet_regions.remember(conn, regions.noted)
    of_agents = [incident for incident in held if incident.kind in AGENT_KINDS]
    judged = _judge(agents, of_agents, now=now, watched_since=watched_since, release=release, silent=regions.silent)
    whole = judge_regions(regions, [incident for incident in held if incident.kind != FLEET_SATURATED])
    _measure(regions)
    await operator_incidents.reword(conn, [*judged.reworded, *whole.reworded])
    fleet = judge_saturation(agents, held, judged.changes, now=now)
    return await write_operator_incidents(conn, [*fleet, *whole.changes, *judged.changes], now=now)


def _measure(regions: Regions) -> None:
    """The operator's own regions alone: no label names what is a tenant's."""
    for gauge in (REGION_LIVE_AGENTS, REGION_MONITORS, REGION_VOTES_EXPIRED):
        gauge.clear()
    for slug, live, monitors, expired in told(regions):
        REGION_LIVE_AGENTS.labels(slug).set(live)
        REGION_MONITORS.labels(slug).set(monitors)
        REGION_VOTES_EXPIRED.labels(slug).set(expired)


def _judge(
    agents: Sequence[AgentState],
    held: Sequence[OperatorIncident],
    *,
    now: datetime,
    watched_since: datetime,
    release: str,
    silent: Collection[int],
) -> _Judged:
    open_: dict[str, dict[str, OperatorIncident]] = {}
    for incident in held:
        open_.setdefault(incident.subject, {})[incident.kind] = incident
    changes: list[Change] = []
    reworded = []
    for agent in agents:
        mine = open_.pop(str(agent.id), {})
        details = {kind: incident.details for kind, incident in mine.items()}
        alerts = alerts_of(
            agent,
            open_kinds=details,
            now=now,
            watched_since=watched_since,
            release=release,
            in_silent_region=agent.region_id in silent,
        )
        changes += _changes(agent, mine, alerts)
        reworded += [
            (mine[kind].id, alert.reason, _details(agent, alert))
            for kind, alert in alerts.items()
            if kind in mine and mine[kind].reason != alert.reason
        ]
    removed = [incident for kinds in open_.values() for incident in kinds.values()]
    return _Judged([*changes, *(_ended(incident, "removed") for incident in removed)], reworded)


def _changes(agent: AgentState, mine: Mapping[str, OperatorIncident], alerts: Mapping[str, Alert]) -> Iterator[Change]:
    for kind, incident in mine.items():
        if kind not in alerts:
            yield _ended(incident, "recovered" if agent.enabled else "disabled")
    for kind, alert in alerts.items():
        if kind not in mine:
            yield _opening(agent, alert)


def _opening(agent: AgentState, alert: Alert) -> Change:
    place = Place(
        agent_id=agent.id,
        agent=agent.name,
        region_id=agent.region_id,
        region=agent.region,
        region_name=agent.region_name,
        private_to=agent.private_to,
    )
    return Change(
        id=new_id(),
        kind=alert.kind,
        subject=str(agent.id),
        severity=severity_of(alert.kind),
        place=place,
        cause=_cause(alert.kind, agent.name, agent.region, alert.reason),
        reason=alert.reason,
        details=_details(agent, alert),
    )


def _ended(incident: OperatorIncident, resolution: str) -> Change:
    """Of an agent that is gone, what is left is what was noted."""
    noted = incident.details
    place = Place(
        agent_id=incident.agent_id or UUID(incident.subject),
        agent=incident.agent_name or noted.get("agent"),
        region=incident.region or noted.get("region"),
        region_name=incident.region_name,
        private_to=incident.private_to,
    )
    return ending(
        incident,
        cause=_cause(incident.kind, place.agent or "?", place.region or "?", incident.reason),
        reason=_RESOLVED_WORDS[resolution],
        place=place,
        resolution=resolution,
    )


def _cause(kind: str, agent: str, region: str, reason: str) -> str:
    return f"Agent {agent} of region {region} is {kind.removeprefix('agent_')}. {reason}"


def _details(agent: AgentState, alert: Alert) -> dict[str, Any]:
    return {"agent": agent.name, "region": agent.region, **alert.details}


def _tell_log(change: Change) -> None:
    _log.warning(
        "operator_incident_opened" if change.resolution is None else "operator_incident_resolved",
        kind=change.kind,
        number=change.number,
        agent=change.place.agent,
        region=change.place.region,
        reason=change.reason,
    )
