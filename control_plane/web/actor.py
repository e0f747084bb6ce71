"""Who acts in a request, for the audit log."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

from control_plane.domain.tenants.actor import Actor
from control_plane.web.call import Deps
from control_plane.web.caller import OperatorCaller, TenantCaller
from control_plane.web.trace import OPERATION, TRACE_ID


def actor_of(caller: TenantCaller | OperatorCaller, request: web.Request, deps: Deps) -> Actor:
    """The caller as the audit log names it."""
    operation, trace_id = request[OPERATION], request[TRACE_ID]
    address = deps.authenticator.address_of(request)
    match caller:
        case OperatorCaller():
            return Actor(
                kind="operator",
                id=None,
                label="operator",
                source="api",
                operation=operation,
                address=address,
                trace_id=trace_id,
            )
        case TenantCaller():
            return Actor(
                kind=_kind_of(caller),
                id=None if caller.anonymous else caller.id,
                label=caller.label,
                source=caller.write_source,
                operation=operation,
                address=address,
                trace_id=trace_id,
            )


def _kind_of(caller: TenantCaller) -> Literal["key", "member", "manage_key"]:
    if caller.anonymous or caller.managed is not None:
        return "manage_key"
    return "key" if caller.user_id is None else "member"
