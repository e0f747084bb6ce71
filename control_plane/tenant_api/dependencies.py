"""/monitors/{id}/dependencies and /dependents: what holds a monitor's incidents, and whose incidents it holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.dependency_graph import distances
from control_plane.store import dependencies
from control_plane.store.dependencies import Related
from control_plane.tenant_api.one_monitor import CHANGES, PATH, READS, change, read_monitor
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class DependsOnBody(Struct, frozen=True):
    """Ids or keys of the monitors that this one depends on directly; all of them, so that [] means none."""

    depends_on: list[str]


class RelatedJson(Struct, frozen=True, kw_only=True):
    """A monitor up or down the stream. `distance` 1 is directly; `state` is paused, or its verdict."""

    id: UUID
    number: int
    name: str
    kind: str
    state: str
    verdict: str
    reason: str
    since: datetime
    distance: int


class DependenciesJson(Struct, frozen=True):
    """`depends_on` are the direct ones; `items` all of them, the nearest first. One that is down holds incidents."""

    depends_on: list[UUID]
    held_by: str | None
    items: list[RelatedJson]


class DependentsJson(Struct, frozen=True):
    """`dependents` depend on it directly; `items` are all whose incidents it holds while it is down."""

    dependents: list[UUID]
    items: list[RelatedJson]


async def get_dependencies(call: Call) -> Reply:
    view, tenant_id = await read_monitor(call, call.uuid("monitor_id")), call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        edges = await dependencies.edges_below(conn, tenant_id=tenant_id, monitor_ids=[view.id])
        steps = distances(edges, view.id)
        rows = await dependencies.related(conn, tenant_id=tenant_id, monitor_ids=list(steps))
    items = [_related_json(row, steps) for row in _nearest_first(rows, steps)]
    return Reply(DependenciesJson(list(view.depends_on), view.held_by, items), etag=view.revision)


async def put_dependencies(call: Call) -> Reply:
    await change(call, {"depends_on": call.body.depends_on})
    return await get_dependencies(call)


async def get_dependents(call: Call) -> Reply:
    view, tenant_id = await read_monitor(call, call.uuid("monitor_id")), call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        edges = await dependencies.edges_above(conn, tenant_id=tenant_id, monitor_ids=[view.id])
        steps = distances(edges, view.id)
        rows = await dependencies.related(conn, tenant_id=tenant_id, monitor_ids=list(steps))
    items = [_related_json(row, steps) for row in _nearest_first(rows, steps)]
    return Reply(DependentsJson(sorted(edges.get(view.id, [])), items), etag=view.revision)


def _nearest_first(rows: list[Related], steps: Mapping[UUID, int]) -> list[Related]:
    return sorted(rows, key=lambda row: (steps[row.id], row.number))


def _related_json(row: Related, steps: Mapping[UUID, int]) -> RelatedJson:
    return RelatedJson(
        id=row.id,
        number=row.number,
        name=row.name,
        kind=row.kind,
        state=row.verdict if row.enabled else "paused",
        verdict=row.verdict,
        reason=row.reason,
        since=row.since,
        distance=steps[row.id],
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{PATH}/dependencies",
        handler=get_dependencies,
        operation="get_monitor_dependencies",
        summary="What the monitor depends on, directly and further on",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        reply=DependenciesJson,
        errors=READS,
    ),
    Route(
        method="PUT",
        path=f"{PATH}/dependencies",
        handler=put_dependencies,
        operation="set_monitor_dependencies",
        summary="Choose what the monitor depends on",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        body=DependsOnBody,
        reply=DependenciesJson,
        errors=(*CHANGES, "INVALID_DEPENDENCY", "DEPENDENCY_CYCLE"),
        example={"depends_on": ["database"]},
    ),
    Route(
        method="GET",
        path=f"{PATH}/dependents",
        handler=get_dependents,
        operation="get_monitor_dependents",
        summary="What depends on the monitor, directly and further on",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        reply=DependentsJson,
        errors=READS,
    ),
)
