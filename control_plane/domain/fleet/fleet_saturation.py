"""When agents that have more to do than they can are a matter of the whole fleet. Values in, values out.

| kind | opens | ends |
|---|---|---|
| fleet_saturated | half of the live agents of shared regions, and at least two, are saturated | it is fewer |

An agent's own agent_saturated opens and ends with patience (domain/fleet), so this needs none of its own. Agents of
private regions are their tenants' to add to.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

FLEET_SATURATED = "fleet_saturated"

LEAST_AGENTS = 2
SHARE = 0.5


def is_saturated(*, live: Collection[UUID], saturated: Collection[UUID]) -> bool:
    """Whether it is the fleet that is too small, and not an agent that is busy."""
    many = len(set(live) & set(saturated))
    return many >= LEAST_AGENTS and many >= SHARE * len(live)


def told(*, live: Collection[UUID], saturated: Collection[UUID]) -> str:
    """In words."""
    many = len(set(live) & set(saturated))
    return f"{many} of {len(live)} agents have more to do than they can: add agents to the regions"
