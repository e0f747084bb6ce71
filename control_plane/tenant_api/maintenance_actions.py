"""/api/v1/maintenance: planning, changing, ending and deleting windows."""

from __future__ import annotations

from functools import partial

from control_plane.services.maintenance.change_maintenance import change_maintenance
from control_plane.services.maintenance.create_maintenance import create_maintenance
from control_plane.services.maintenance.delete_maintenance import delete_maintenance
from control_plane.services.maintenance.end_maintenance import end_maintenance
from control_plane.tenant_api.maintenance import reply_with
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.maintenance_view import EXAMPLE, WRITE_ERRORS, MaintenanceWindow, NewWindow, WindowPatch
from control_plane.web.routes import Door, Route


async def post_window(call: Call) -> Reply:
    caller, window_id = call.tenant(), call.deps.new_id()
    await create_maintenance(
        call.deps.database,
        tenant_id=caller.tenant_id,
        window_id=window_id,
        terms=caller.terms,
        body=call.body,
        write_source=caller.write_source,
    )
    made = await reply_with(call, window_id)
    return Reply(made.value, headers={"Location": f"/api/v1/maintenance/{window_id}"}, etag=made.etag)


async def patch_window(call: Call) -> Reply:
    caller, window_id = call.tenant(), call.uuid("maintenance_id")
    await change_maintenance(
        call.deps.database,
        tenant_id=caller.tenant_id,
        window_id=window_id,
        body=call.body,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return await reply_with(call, window_id)


async def end_window(call: Call) -> Reply:
    caller, window_id = call.tenant(), call.uuid("maintenance_id")
    await end_maintenance(
        call.deps.database,
        tenant_id=caller.tenant_id,
        window_id=window_id,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return await reply_with(call, window_id)


async def remove_window(call: Call) -> Reply:
    await delete_maintenance(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        window_id=call.uuid("maintenance_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/api/v1/maintenance",
        handler=post_window,
        operation="create_maintenance",
        summary="Plan a maintenance window",
        description="Once, with starts_at and ends_at, or recurring, with cron or rrule, duration and timezone.",
        tag="maintenance",
        door=Door.TENANT,
        scope="maintenance:write",
        body=dict,
        schema=NewWindow,
        reply=MaintenanceWindow,
        status=201,
        errors=("QUOTA_EXCEEDED", *WRITE_ERRORS),
        example=EXAMPLE,
    ),
    Route(
        method="PATCH",
        path="/api/v1/maintenance/{maintenance_id}",
        handler=patch_window,
        operation="change_maintenance",
        summary="Change a maintenance window by JSON merge patch, until it is over",
        tag="maintenance",
        door=Door.TENANT,
        scope="maintenance:write",
        body=dict,
        schema=WindowPatch,
        reply=MaintenanceWindow,
        errors=(
            *("MAINTENANCE_NOT_FOUND", "MAINTENANCE_ENDED", "MAINTENANCE_ACTIVE", "PRECONDITION_FAILED"),
            *WRITE_ERRORS,
        ),
        example={"title": "Longer database upkeep"},
    ),
    Route(
        method="POST",
        path="/api/v1/maintenance/{maintenance_id}/end",
        handler=end_window,
        operation="end_maintenance",
        summary="End now what a window holds; a recurring one holds again at its next time",
        tag="maintenance",
        door=Door.TENANT,
        scope="maintenance:write",
        reply=MaintenanceWindow,
        errors=("MAINTENANCE_NOT_FOUND", "MAINTENANCE_NOT_ACTIVE", "PRECONDITION_FAILED"),
    ),
    Route(
        method="DELETE",
        path="/api/v1/maintenance/{maintenance_id}",
        handler=remove_window,
        operation="delete_maintenance",
        summary="Delete a maintenance window; one that holds ends now",
        tag="maintenance",
        door=Door.TENANT,
        scope="maintenance:write",
        status=204,
        errors=("MAINTENANCE_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
)
