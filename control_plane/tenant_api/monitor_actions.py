"""/monitors/{id}: pause, resume, clone, regions."""

from __future__ import annotations

from msgspec import Struct

from control_plane.services.monitors.clone_monitor import clone_monitor
from control_plane.services.monitors.drop_region import drop_region
from control_plane.services.monitors.pause_monitor import pause_monitor, resume_monitor
from control_plane.store import assignments_write
from control_plane.store.assignments_write import RegionRow
from control_plane.tenant_api.heartbeat_views import parts_of
from control_plane.tenant_api.monitor_views import MonitorJson, MonitorPatch, monitor_json
from control_plane.tenant_api.one_monitor import CHANGES, PATH, READS, RULES, change, created, read_monitor
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match
from control_plane.web.routes import Door, Route
from shared.ids import MonitorId


class RegionsBody(Struct, frozen=True):
    """The ids of the regions that the monitor is checked from, at least one."""

    regions: list[str]


class RegionChoiceJson(Struct, frozen=True):
    """A region that the monitor is, or may be, checked from."""

    id: str
    name: str
    private: bool
    enabled: bool
    selected: bool


class MonitorRegionsJson(Struct, frozen=True):
    regions: list[str]
    available: list[RegionChoiceJson]


async def clone(call: Call) -> Reply:
    caller = call.tenant()
    monitor_id = MonitorId(call.deps.new_id())
    warnings = await clone_monitor(
        call.deps.database,
        call.deps.sealer,
        tenant_id=caller.tenant_id,
        source_id=MonitorId(call.uuid("monitor_id")),
        monitor_id=monitor_id,
        body=call.body,
        write_source=caller.write_source,
        ports=call.deps.settings.security.tcp_ports,
    )
    return await created(call, monitor_id, warnings)


async def pause(call: Call) -> Reply:
    caller = call.tenant()
    await pause_monitor(
        call.deps.database,
        call.deps.sealer,
        tenant_id=caller.tenant_id,
        monitor_id=MonitorId(call.uuid("monitor_id")),
        write_source=caller.write_source,
        accepted=if_match(call.request),
    )
    return await _shown(call)


async def resume(call: Call) -> Reply:
    caller = call.tenant()
    await resume_monitor(
        call.deps.database,
        call.deps.sealer,
        tenant_id=caller.tenant_id,
        monitor_id=MonitorId(call.uuid("monitor_id")),
        write_source=caller.write_source,
        accepted=if_match(call.request),
    )
    return await _shown(call)


async def get_regions(call: Call) -> Reply:
    view = await read_monitor(call, call.uuid("monitor_id"))
    async with call.deps.database.tenant(call.tenant().tenant_id) as conn:
        rows = await assignments_write.visible_regions(conn, tenant_id=call.tenant().tenant_id)
    chosen = [region.slug for region in view.regions]
    return Reply(MonitorRegionsJson(chosen, [_region_json(row, chosen) for row in rows]), etag=view.revision)


async def put_regions(call: Call) -> Reply:
    await change(call, {"regions": call.body.regions})
    return await get_regions(call)


async def delete_region(call: Call) -> Reply:
    caller = call.tenant()
    await drop_region(
        call.deps.database,
        call.deps.sealer,
        tenant_id=caller.tenant_id,
        monitor_id=MonitorId(call.uuid("monitor_id")),
        region=call.path["region"],
        write_source=caller.write_source,
        ports=call.deps.settings.security.tcp_ports,
        accepted=if_match(call.request),
    )
    return Reply()


async def _shown(call: Call) -> Reply:
    view = await read_monitor(call, call.uuid("monitor_id"))
    return Reply(monitor_json(view, heartbeats=await parts_of(call, [view])), etag=view.revision)


def _region_json(row: RegionRow, chosen: list[str]) -> RegionChoiceJson:
    return RegionChoiceJson(row.slug, row.name, row.tenant_id is not None, row.enabled, row.slug in chosen)


ROUTES = (
    Route(
        method="POST",
        path=f"{PATH}/pause",
        handler=pause,
        operation="pause_monitor",
        summary="Pause a monitor",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        reply=MonitorJson,
        errors=CHANGES,
    ),
    Route(
        method="POST",
        path=f"{PATH}/resume",
        handler=resume,
        operation="resume_monitor",
        summary="Resume a monitor",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        reply=MonitorJson,
        errors=CHANGES,
    ),
    Route(
        method="POST",
        path=f"{PATH}/clone",
        handler=clone,
        operation="clone_monitor",
        summary="Clone a monitor, changing what the body says",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        body=dict,
        schema=MonitorPatch,
        optional_body=True,
        reply=MonitorJson,
        status=201,
        errors=(*READS, *RULES, "QUOTA_EXCEEDED", "CREDENTIAL_UNAVAILABLE"),
        example={"name": "API (staging)"},
        max_body=256 * 1024,
    ),
    Route(
        method="GET",
        path=f"{PATH}/regions",
        handler=get_regions,
        operation="get_monitor_regions",
        summary="The regions of a monitor, and those it could have",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        reply=MonitorRegionsJson,
        errors=READS,
    ),
    Route(
        method="PUT",
        path=f"{PATH}/regions",
        handler=put_regions,
        operation="set_monitor_regions",
        summary="Choose the regions of a monitor",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        body=RegionsBody,
        reply=MonitorRegionsJson,
        errors=(*CHANGES, "INVALID_REGIONS", "NOT_FOR_THIS_KIND", "SSRF_BLOCKED", "PORT_BLOCKED", "PLAN_FEATURE"),
        example={"regions": ["eu"]},
    ),
    Route(
        method="DELETE",
        path=f"{PATH}/regions/{{region}}",
        handler=delete_region,
        operation="drop_monitor_region",
        summary="Take one region out of a monitor",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        status=204,
        errors=(*CHANGES, "REGION_NOT_FOUND", "INVALID_REGIONS"),
    ),
)
