"""/monitors/{id}/manage-key: the key of a monitor that was created without an account."""

from __future__ import annotations

from functools import partial

from msgspec.structs import asdict

from control_plane.services.tenants.issue_manage_key import read_manage_key, revoke_manage_key, rotate_manage_key
from control_plane.store.manage_keys import ManageKey
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

PATH = "/api/v1/monitors/{monitor_id}/manage-key"


class NewManageKey(ManageKey, frozen=True, kw_only=True):
    """A manage key with its secret, which is shown this once."""

    manage_key: str


async def get(call: Call) -> Reply:
    return Reply(
        await read_manage_key(call.deps.database, tenant_id=call.tenant().tenant_id, monitor_id=call.uuid("monitor_id"))
    )


async def rotate(call: Call) -> Reply:
    issued = await rotate_manage_key(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        monitor_id=call.uuid("monitor_id"),
        pepper=call.deps.settings.security.pepper.encode(),
    )
    if issued.ended is not None:
        call.deps.authenticator.forget(issued.ended)  # the notice comes round to this process as well, a moment later
    shown = NewManageKey(**asdict(issued.record), manage_key=issued.key)
    return Reply(shown, headers={"Location": PATH.format(monitor_id=issued.record.monitor_id)})


async def delete(call: Call) -> Reply:
    ended = await revoke_manage_key(
        call.deps.database, tenant_id=call.tenant().tenant_id, monitor_id=call.uuid("monitor_id")
    )
    call.deps.authenticator.forget(ended)
    return Reply()


_route = partial(Route, door=Door.TENANT, tag="monitors", errors=("KEY_NOT_FOUND", "MONITOR_NOT_FOUND", "INVALID_ID"))

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path=PATH,
        handler=get,
        operation="get_manage_key",
        summary="The manage key of a monitor that was created without an account, without its secret",
        scope="monitors:read",
        reply=ManageKey,
    ),
    _route(
        method="POST",
        path=f"{PATH}/rotate",
        handler=rotate,
        operation="rotate_manage_key",
        summary="Replace a manage key; it is shown once, and the one before stops at once",
        scope="monitors:write",
        reply=NewManageKey,
        status=201,
    ),
    _route(
        method="DELETE",
        path=PATH,
        handler=delete,
        operation="delete_manage_key",
        summary="Take a manage key away; nobody changes the monitor any more",
        scope="monitors:write",
        status=204,
    ),
)
