"""/api/v1/keys: the keys of a tenant's programs."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.tenants.credentials import beyond
from control_plane.errors import Forbidden, NotFound
from control_plane.services.tenants.issue_api_key import issue_api_key
from control_plane.services.tenants.revoke_api_key import revoke_api_key
from control_plane.services.tenants.rotate_api_key import rotate_api_key
from control_plane.store import api_keys
from control_plane.store.api_keys import ApiKey
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match
from control_plane.web.keys import Label, NewKey, Scope, new_key
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class KeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new key; without scopes it has those of the key that makes it, and never more."""

    label: Label
    scopes: tuple[Scope, ...] | UnsetType = UNSET


class KeysQuery(PageQuery, frozen=True):
    """`q` is looked for in the label, or heads the key itself; `scope` is one that the key has."""

    q: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    scope: Scope | None = None


async def list_keys(call: Call) -> Reply:
    caller, query = call.tenant(), call.query
    async with call.deps.database.tenant(caller.tenant_id) as conn:
        items, total = await api_keys.list_live(
            conn,
            tenant_id=caller.tenant_id,
            q=query.q,
            scope=query.scope,
            limit=capped(query.limit),
            offset=query.offset,
        )
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await api_keys.get_live(conn, tenant_id=tenant_id, key_id=call.uuid("key_id"))
    if found is None:
        raise NotFound("There is no such key", code="KEY_NOT_FOUND")
    return Reply(found, etag=found.revision)


async def create(call: Call) -> Reply:
    caller = call.tenant()
    scopes = sorted(caller.scopes) if call.body.scopes is UNSET else call.body.scopes
    if missing := beyond(scopes, caller.scopes):
        message = f"Your key lacks {', '.join(missing)}, so it cannot hand them on"
        raise Forbidden(message, code="MISSING_SCOPE", field="/scopes", details={"scopes": missing})
    issued = await issue_api_key(
        call.deps.database, caller.tenant_id, label=call.body.label, scopes=scopes, pepper=_pepper(call)
    )
    return Reply(new_key(issued), headers={"Location": f"/api/v1/keys/{issued.record.id}"})


async def rotate(call: Call) -> Reply:
    caller = call.tenant()
    issued = await rotate_api_key(
        call.deps.database, caller.tenant_id, call.uuid("key_id"), own_scopes=caller.scopes, pepper=_pepper(call)
    )
    return Reply(new_key(issued), headers={"Location": f"/api/v1/keys/{issued.record.id}"})


async def delete(call: Call) -> Reply:
    ended = await revoke_api_key(
        call.deps.database, call.tenant().tenant_id, call.uuid("key_id"), accepted=if_match(call.request)
    )
    call.deps.authenticator.forget(ended)  # the notices come round to this process as well, a moment later
    call.deps.authenticator.forget_sessions()
    return Reply()


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


_route = partial(Route, door=Door.TENANT, tag="Keys")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/keys",
        handler=list_keys,
        operation="list_keys",
        summary="List keys",
        scope="keys:read",
        query=KeysQuery,
        reply=Page[ApiKey],
    ),
    _route(
        method="GET",
        path="/api/v1/keys/{key_id}",
        handler=get,
        operation="get_key",
        summary="Read a key, without its secret",
        scope="keys:read",
        reply=ApiKey,
        errors=("KEY_NOT_FOUND", "INVALID_ID"),
    ),
    _route(
        method="POST",
        path="/api/v1/keys",
        handler=create,
        operation="create_key",
        summary="Make a key; it is shown once",
        scope="keys:write",
        body=KeyBody,
        reply=NewKey,
        status=201,
        errors=("QUOTA_EXCEEDED", "INVALID_LABEL", "INVALID_SCOPES"),
        example={"label": "deploy pipeline", "scopes": ["monitors:read"]},
    ),
    _route(
        method="POST",
        path="/api/v1/keys/{key_id}/rotate",
        handler=rotate,
        operation="rotate_key",
        summary="Replace a key; the one before counts for five more minutes",
        scope="keys:write",
        reply=NewKey,
        status=201,
        errors=("KEY_NOT_FOUND", "KEY_EXPIRING"),
    ),
    _route(
        method="DELETE",
        path="/api/v1/keys/{key_id}",
        handler=delete,
        operation="delete_key",
        summary="Delete a key, but not the last that makes keys where there is no owner",
        scope="keys:write",
        status=204,
        errors=("KEY_NOT_FOUND", "LAST_KEY", "PRECONDITION_FAILED"),
    ),
)
