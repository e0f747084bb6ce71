"""/app/dependencies: what depends on what, drawn from left to right, and the same as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.charts.graph import Drawing, draw
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Visit, frame, page
from control_plane.domain.judging.dependency_graph import Edges, distances
from control_plane.store import dependency_map
from control_plane.store.dependency_map import MapNode
from control_plane.web.routes import Route

MOST = 500
_NAME = 21
"""Characters of a name that fit into a box."""


async def show_dependencies(visit: Visit) -> web.StreamResponse:
    """With ?group=, ?tag= or ?monitor= those monitors, all that they depend on and all that depends on them."""
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        edges = await dependency_map.edges(conn, tenant_id=visit.tenant_id)
        everybody = {*edges, *(up for ups in edges.values() for up in ups)}
        nodes = await dependency_map.nodes(conn, tenant_id=visit.tenant_id, monitor_ids=sorted(everybody))
    wanted = {name: visit.query(name) for name in ("group", "tag", "monitor")}
    chosen = _chosen(nodes, edges, wanted)
    shown = chosen[:MOST]
    drawing = draw([node.id for node in shown], edges)
    context: dict[str, Any] = {
        "frame": frame(visit),
        "total": len(nodes),
        "left_out": len(chosen) - len(shown),
        "groups": sorted({node.group for node in nodes if node.group}, key=str.lower),
        "tags": sorted({tag for node in nodes for tag in node.tags}, key=str.lower),
        "wanted": wanted,
        "focus": next((node.name for node in nodes if str(node.id) == wanted["monitor"]), ""),
        "filtered": any(wanted.values()),
        "drawing": _drawn(drawing, shown),
        "layers": _listed(drawing, shown, edges),
    }
    return html("dependencies.html", context)


def _chosen(nodes: Sequence[MapNode], edges: Edges, wanted: Mapping[str, str]) -> list[MapNode]:
    """The nodes that are asked for, with all up and down the stream of them."""
    if not any(wanted.values()):
        return list(nodes)
    asked = [node.id for node in nodes if _fits(node, wanted)]
    above: dict[UUID, list[UUID]] = {}
    for monitor, ups in edges.items():
        for up in ups:
            above.setdefault(up, []).append(monitor)
    kept = set(asked)
    for start in asked:
        kept |= {*distances(edges, start), *distances(above, start)}
    return [node for node in nodes if node.id in kept]


def _fits(node: MapNode, wanted: Mapping[str, str]) -> bool:
    return (
        (not wanted["group"] or node.group == wanted["group"])
        and (not wanted["tag"] or wanted["tag"] in node.tags)
        and (not wanted["monitor"] or str(node.id) == wanted["monitor"])
    )


def _drawn(drawing: Drawing, shown: Sequence[MapNode]) -> dict[str, Any]:
    by_id = {node.id: node for node in shown}
    down = {node.id for node in shown if node.shown == "down"}
    boxes = []
    for box in drawing.boxes:
        node = by_id[box.key]  # type: ignore[index]
        name = node.name if len(node.name) <= _NAME else node.name[: _NAME - 1] + "…"
        boxes.append({"id": node.id, "x": box.x, "y": box.y, "name": name, "whole": node.name, "state": node.shown})
    lines = [(line.path, "bad" if line.upstream in down else "") for line in drawing.lines]
    lines.sort(key=lambda line: line[1])  # what holds incidents now lies above
    return {"boxes": boxes, "lines": lines, "width": round(drawing.width), "height": round(drawing.height)}


def _listed(drawing: Drawing, shown: Sequence[MapNode], edges: Edges) -> list[dict[str, Any]]:
    """The same, layer by layer: each monitor with what it depends on and whose incidents it holds."""
    names = {node.id: node for node in shown}
    holds: dict[UUID, list[MapNode]] = {}
    for node in shown:
        for up in edges.get(node.id, ()):
            holds.setdefault(up, []).append(node)
    layers: dict[int, list[dict[str, Any]]] = {}
    for box in drawing.boxes:
        node = names[box.key]  # type: ignore[index]
        needs = [names[up] for up in edges.get(node.id, ()) if up in names]
        layers.setdefault(box.layer, []).append({"node": node, "needs": needs, "holds": holds.get(node.id, [])})
    return [{"layer": layer, "monitors": monitors} for layer, monitors in sorted(layers.items())]


ROUTES: tuple[Route, ...] = (
    page(
        "/app/dependencies",
        show_dependencies,
        operation="show_dependencies",
        summary="What depends on what",
        scope="monitors:read",
    ),
)
