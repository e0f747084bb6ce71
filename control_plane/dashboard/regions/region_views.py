"""Regions and agents as the pages show them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from control_plane.dashboard.words import count, maybe_moment, sentence
from control_plane.store.agents import Agent
from control_plane.store.coverage import Duty
from control_plane.store.regions import Region
from shared.protocol import ANY_KIND

_STRAINED = 0.8
_SKEWED_MS = 2000


def health(region: Region, heard: datetime | None, now: datetime) -> dict[str, Any]:
    """Shape, word, and since when nobody was heard."""
    mark, word = _health(region)
    quiet = maybe_moment(heard, now) if word in ("silent", "disabled") else None
    return {"mark": mark, "word": word, "quiet": quiet, "agents": _agents(region)}


def _health(region: Region) -> tuple[str, str]:
    if not region.enabled:
        return "paused", "disabled"
    if region.agents == 0:
        return "unknown", "no agent"
    if region.live == 0:
        return "down", "silent"
    return ("up", "live") if region.healthy else ("degraded", "unhealthy")


def _agents(region: Region) -> str:
    if region.agents == 0:
        return "no agent"
    return f"{region.healthy} of {count(region.agents, 'agent')} live and well"


def place(region: Region) -> str:
    return ", ".join(part for part in (region.city, region.country) if part)


def duty_words(duty: Duty | None) -> str:
    """What of yours is watched there."""
    if duty is None:
        return "watches none of your monitors"
    if duty.without_vote == 0:
        return f"watches {count(duty.monitors, 'monitor')}"
    return f"watches {duty.monitors - duty.without_vote} of {count(duty.monitors, 'monitor')}"


def agent_view(agent: Agent, now: datetime) -> dict[str, Any]:
    """An agent: shape and word for the worst that is true of it, and the figures."""
    mark, word = _agent_state(agent)
    return {
        "id": agent.id,
        "name": agent.name,
        "mark": mark,
        "word": word,
        "why": sentence(agent.health_reason or "") if not agent.healthy else "",
        "enabled": agent.enabled,
        "seen": maybe_moment(agent.last_seen_at, now),
        "version": agent.version or "not known yet",
        "kinds": ", ".join(sorted({*agent.capabilities} - {ANY_KIND})) or "not said yet",
        "figures": _figures(agent),
    }


def _agent_state(agent: Agent) -> tuple[str, str]:
    if not agent.enabled:
        return "paused", "disabled"
    if agent.last_seen_at is None:
        return "unknown", "never seen"
    if not agent.live:
        return "down", "silent"
    if not agent.healthy:
        return "degraded", "does not trust itself"
    if agent.saturation is not None and agent.saturation >= _STRAINED:
        return "degraded", "saturated"
    return "up", "live"


def _figures(agent: Agent) -> list[tuple[str, str]]:
    found = []
    if agent.saturation is not None:
        found.append(("Saturation", f"{agent.saturation:.0%} of its check slots"))
    if agent.lag_ms is not None:
        found.append(("Lateness", f"{agent.lag_ms:.0f} ms"))
    if agent.spooled:
        found.append(("Waiting to be sent", count(agent.spooled, "result")))
    if agent.clock_offset_ms is not None and abs(agent.clock_offset_ms) >= _SKEWED_MS:
        found.append(("Clock", f"{agent.clock_offset_ms / 1000:+.1f} s off"))
    return found
