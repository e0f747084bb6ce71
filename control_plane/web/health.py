"""/healthz and /readyz: for whoever restarts or routes to this process."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Literal

from msgspec import Struct

from control_plane.errors import Unavailable
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

_PATIENCE_S = 2.0


class Health(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


async def alive(_call: Call) -> Reply:
    return Reply(Health())


async def ready(call: Call) -> Reply:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await call.deps.database.ping()
    except TimeoutError:
        raise Unavailable("The database does not answer") from None
    return Reply(Health())


_route = partial(Route, method="GET", door=Door.PUBLIC, tag="Health", reply=Health, cache="no-store")

ROUTES: tuple[Route, ...] = (
    _route(path="/healthz", handler=alive, operation="get_health", summary="Whether the process is alive"),
    _route(
        path="/readyz",
        handler=ready,
        operation="get_readiness",
        summary="Whether the process can serve: 503 while the database is away",
        errors=("UNAVAILABLE",),
    ),
)
