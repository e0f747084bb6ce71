"""/sd/prometheus: what monitors look at, for Prometheus' http_sd_configs."""

from __future__ import annotations

from msgspec import Struct

from control_plane.domain.checks.probe_target import probe_target
from control_plane.domain.checks.stored_check import read_check
from control_plane.store import exposition
from control_plane.store.exposition import Discovered
from control_plane.tenant_api.metrics import ExpositionQuery
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class TargetGroup(Struct, frozen=True):
    """One monitor (prometheus.io/docs, http_sd): what it looks at, and labels for relabelling.

    `__meta_farwatch_tags` and `…_regions` have a comma before and after each.
    """

    targets: list[str]
    labels: dict[str, str]


async def targets(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await exposition.targets(conn, tenant_id=tenant_id, which=call.query.which)
    return Reply([group for each in found if (group := _group(each)) is not None])


def _group(found: Discovered) -> TargetGroup | None:
    """None for a check that this version cannot read: it cannot say what that looks at."""
    check = read_check(found.check)
    target = None if check is None else probe_target(check)
    if target is None:
        return None
    labels = {
        "id": str(found.id),
        "number": str(found.number),
        "monitor": found.name,
        "kind": found.kind,
        "group": found.group or "",
        "tags": _listed(found.tags),
        "regions": _listed(found.regions),
        "severity": found.severity,
        "owner": found.owner or "",
        "interval_seconds": str(found.interval_s),
    }
    return TargetGroup([target], {f"__meta_farwatch_{name}": value for name, value in labels.items()})


def _listed(words: list[str]) -> str:
    return f",{','.join(words)}," if words else ""


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/sd/prometheus",
        handler=targets,
        operation="get_prometheus_targets",
        summary="What running monitors look at, for http_sd_configs of Prometheus",
        description="Heartbeats and composites look at nothing and are not among them.",
        tag="prometheus",
        door=Door.TENANT,
        scope="metrics:read",
        query=ExpositionQuery,
        reply=list[TargetGroup],
        errors=("INVALID_TAG", "INVALID_GROUP", "INVALID_KIND"),
    ),
)
