"""/operator/ui: how every region and every agent is, and what is wrong with the installation now."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from control_plane.dashboard.operator.door import HERE, OperatorVisit, page, show
from control_plane.dashboard.words import count, maybe_moment, milliseconds
from control_plane.services.safety.read_gate import switch_of
from control_plane.store import fleet_reads, fleet_regions, operator_incidents, safety
from control_plane.store.fleet_reads import FleetAgent
from control_plane.store.fleet_regions import RegionOfFleet
from control_plane.store.operator_incidents import Filter
from control_plane.web.routes import Route
from shared.clock import to_unix_ms

_A_PAGE = 200
_MARKS = {
    "ok": "up",
    "silent": "down",
    "offline": "down",
    "unhealthy": "degraded",
    "disabled": "paused",
    "never_seen": "unknown",
}


async def show_fleet(visit: OperatorVisit) -> web.StreamResponse:
    """With ?region= that region's agents alone, with ?troubled=yes those with an open incident."""
    region, troubled, offset = visit.query("region") or None, visit.query("troubled") == "yes", visit.offset()
    async with visit.deps.database.app() as conn:
        now_ms = to_unix_ms(await fleet_reads.database_clock(conn))
        places, _ = await fleet_regions.health(conn, now_ms=now_ms, limit=500, offset=0)
        agents, total = await fleet_reads.fleet(conn, region=region, troubled=troubled, limit=_A_PAGE, offset=offset)
        _, open_ = await operator_incidents.list_all(conn, where=Filter(state="open"), limit=1, offset=0)
        switch = switch_of(await safety.read_kill_switch(conn))
    context = {
        "regions": [_region(visit, each) for each in places],
        "agents": [_agent(visit, each) for each in agents],
        "versions": _versions(agents),
        "total": total,
        "region": region or "",
        "troubled": troubled,
        "older": offset + _A_PAGE if offset + _A_PAGE < total else 0,
        "open_incidents": open_,
        "switch": switch,
    }
    return show(visit, "operator_fleet.html", context)


def _region(visit: OperatorVisit, region: RegionOfFleet) -> dict[str, Any]:
    lost = region.without_vote
    return {
        "slug": region.region,
        "name": region.name,
        "private": region.private,
        "mark": _MARKS.get(region.state, "unknown"),
        "word": region.state.replace("_", " ").replace("ok", "live"),
        "since": maybe_moment(region.silent_since, visit.deps.now()),
        "agents": f"{region.live} of {region.agents}",
        "duty": f"{region.assignments}{f', {lost} without a vote' if lost else ''}",
        "saturation": "–" if region.saturation is None else f"{region.saturation:.0%}",
        "lag": milliseconds(region.lag_ms) or "–",
        "alerts": [each.replace("_", " ") for each in region.alerts],
    }


def _agent(visit: OperatorVisit, agent: FleetAgent) -> dict[str, Any]:
    skew = agent.clock_offset_ms
    return {
        "name": agent.name,
        "region": agent.region,
        "mark": _MARKS.get(agent.state, "unknown"),
        "word": agent.state.replace("_", " ").replace("ok", "live"),
        "why": agent.health_reason or "",
        "seen": maybe_moment(agent.last_seen_at, visit.deps.now()),
        "version": agent.version or "–",
        "saturation": "–" if agent.saturation is None else f"{agent.saturation:.0%}",
        "strained": agent.strained,
        "lag": milliseconds(agent.lag_ms) or "–",
        "skew": "–" if skew is None else f"{skew:+d} ms",
        "skewed": agent.skewed,
        "spooled": agent.spooled or 0,
        "alerts": [each.replace("_", " ") for each in agent.alerts],
    }


def _versions(agents: list[FleetAgent]) -> str:
    """How many agents run which version."""
    found: dict[str, int] = {}
    for agent in agents:
        if agent.version:
            found[agent.version] = found.get(agent.version, 0) + 1
    return ", ".join(f"{version} on {count(many, 'agent')}" for version, many in sorted(found.items(), reverse=True))


ROUTES: tuple[Route, ...] = (page(HERE, show_fleet, operation="show_fleet", summary="The fleet"),)
