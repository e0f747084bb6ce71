"""Write what a monitor depends on, inside the caller's transaction, so that the tenant's graph never has a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.judging.dependency_graph import cycle_words, find_cycle
from control_plane.domain.monitors.monitor_fields import named_monitors
from control_plane.errors import Refused
from control_plane.store import composites, dependencies
from control_plane.store.pool import Connection


async def hold_named(conn: Connection, *, tenant_id: UUID, body: Mapping[str, Any]) -> list[UUID]:
    """Hold the graph if the body is about it, before anything else is locked; returns the monitors that it names."""
    if "depends_on" not in body and not isinstance(body.get("check"), dict):
        return []
    names = named_monitors(body)
    if "depends_on" not in body and not names:
        return []
    await dependencies.hold_graph(conn, tenant_id=tenant_id)
    return sorted((await dependencies.known_monitors(conn, tenant_id=tenant_id, names=names)).values())


async def hold_all_named(conn: Connection, *, tenant_id: UUID, bodies: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """As `hold_named`, for what any of these bodies names."""
    names = sorted({name for body in bodies for name in named_monitors(body)})
    if not names and not any("depends_on" in body for body in bodies):
        return []
    await dependencies.hold_graph(conn, tenant_id=tenant_id)
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
        raise await _refusal(conn, tenant_id=tenant_id, path=path, field="/depends_on")
    await dependencies.replace_upstreams(conn, tenant_id=tenant_id, monitor_id=monitor_id, depends_on=depends_on)


async def refuse_circle_of_composites(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, check: object) -> None:
    """A composite does not count for itself, however many others lie between. The caller holds the graph.

    Lists and dependencies are graphs of their own: a composite may depend on what it counts. Raises Refused
    DEPENDENCY_CYCLE.
    """
    if not isinstance(check, CompositeCheck) or check.of.monitors is None:
        return
    edges = await composites.composites_below(conn, tenant_id=tenant_id, monitor_ids=check.of.monitors)
    path = find_cycle(edges, start=monitor_id, wanted=check.of.monitors)
    if path is not None:
        raise await _refusal(conn, tenant_id=tenant_id, path=path, field="/check/of/monitors")


async def _refusal(conn: Connection, *, tenant_id: UUID, path: Sequence[UUID], field: str) -> Refused:
    names = await dependencies.monitor_names(conn, tenant_id=tenant_id, monitor_ids=path)
    return Refused(
        f"These would depend on each other in a circle: {cycle_words(path, names)}. Leave one of the steps out",
        code="DEPENDENCY_CYCLE",
        field=field,
        details={"cycle": [str(monitor) for monitor in path]},
    )
