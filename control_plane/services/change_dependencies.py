"""Write what a monitor depends on, inside the caller's transaction, so that the tenant's graph never has a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from control_plane.domain.dependency_graph import cycle_words, find_cycle
from control_plane.domain.monitor_fields import named_monitors
from control_plane.errors import Refused
from control_plane.store import dependencies
from control_plane.store.pool import Connection


async def hold_named(conn: Connection, *, tenant_id: UUID, body: Mapping[str, Any]) -> list[UUID]:
    """Hold the graph if the body is about it, before anything else is locked; returns the monitors that it names."""
    if "depends_on" not in body:
        return []
    await dependencies.hold_graph(conn, tenant_id=tenant_id)
    names = named_monitors(body)
    return sorted((await dependencies.known_monitors(conn, tenant_id=tenant_id, names=names)).values())


async def change_dependencies(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, depends_on: Sequence[UUID]
) -> None:
    """Make these the upstreams of the monitor. The caller holds the graph and the state, and judges afterwards.

    Raises Refused DEPENDENCY_CYCLE with the way round, BadRequest INVALID_DEPENDENCY when one of them is gone.
    """
    edges = await dependencies.edges_below(conn, tenant_id=tenant_id, monitor_ids=depends_on)
    path = find_cycle(edges, start=monitor_id, wanted=depends_on)
    if path is not None:
        raise await _refusal(conn, tenant_id=tenant_id, path=path)
    await dependencies.replace_upstreams(conn, tenant_id=tenant_id, monitor_id=monitor_id, depends_on=depends_on)


async def _refusal(conn: Connection, *, tenant_id: UUID, path: Sequence[UUID]) -> Refused:
    names = await dependencies.monitor_names(conn, tenant_id=tenant_id, monitor_ids=path)
    return Refused(
        f"These would depend on each other in a circle: {cycle_words(path, names)}. Leave one of the steps out",
        code="DEPENDENCY_CYCLE",
        field="/depends_on",
        details={"cycle": [str(monitor) for monitor in path]},
    )
