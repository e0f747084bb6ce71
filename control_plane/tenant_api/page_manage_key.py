"""/status-pages/{id}/manage-key: the key of a status page that was created without an account."""

from __future__ import annotations

from functools import partial

from msgspec.structs import asdict

from control_plane.services.pages.keep_page_manage_key import read_page_key, revoke_page_key, rotate_page_key
from control_plane.store.page_manage_keys import PageManageKey
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

PATH = "/api/v1/status-pages/{page_id}/manage-key"


class NewPageManageKey(PageManageKey, frozen=True, kw_only=True):
    """A manage key with its secret, which is shown this once."""

    manage_key: str


async def get_key(call: Call) -> Reply:
    return Reply(
        await read_page_key(call.deps.database, tenant_id=call.tenant().tenant_id, page_id=call.uuid("page_id"))
    )


async def rotate_key(call: Call) -> Reply:
    issued = await rotate_page_key(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        page_id=call.uuid("page_id"),
        pepper=call.deps.settings.security.pepper.encode(),
    )
    if issued.ended is not None:
        call.deps.authenticator.forget(issued.ended)  # the notice comes round to this process as well, a moment later
    shown = NewPageManageKey(**asdict(issued.record), manage_key=issued.key)
    return Reply(shown, headers={"Location": PATH.format(page_id=issued.record.page_id)})


async def delete_key(call: Call) -> Reply:
    ended = await revoke_page_key(call.deps.database, tenant_id=call.tenant().tenant_id, page_id=call.uuid("page_id"))
    call.deps.authenticator.forget(ended)
    return Reply()


_route = partial(
    Route, door=Door.TENANT, tag="status pages", errors=("KEY_NOT_FOUND", "STATUS_PAGE_NOT_FOUND", "INVALID_ID")
)

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path=PATH,
        handler=get_key,
        operation="get_page_manage_key",
        summary="The manage key of a status page that was created without an account, without its secret",
        scope="status-pages:read",
        reply=PageManageKey,
    ),
    _route(
        method="POST",
        path=f"{PATH}/rotate",
        handler=rotate_key,
        operation="rotate_page_manage_key",
        summary="Replace a page's manage key; it is shown once, and the one before stops at once",
        scope="status-pages:write",
        reply=NewPageManageKey,
        status=201,
    ),
    _route(
        method="DELETE",
        path=PATH,
        handler=delete_key,
        operation="delete_page_manage_key",
        summary="Take a page's manage key away; nobody changes the page any more",
        scope="status-pages:write",
        status=204,
    ),
)
