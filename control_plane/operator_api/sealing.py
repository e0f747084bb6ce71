"""/operator/sealing: which keys seal the stored secrets, and how far turning them has come."""

from __future__ import annotations

from functools import partial

from control_plane.services.safety.reseal import Resealed, SealingState, reseal, sealing_state
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


async def get_state(call: Call) -> Reply:
    return Reply(await sealing_state(call.deps.database, call.deps.sealer))


async def run(call: Call) -> Reply:
    return Reply(await reseal(call.deps.database, call.deps.sealer))


_route = partial(Route, door=Door.OPERATOR, tag="Safety")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/sealing",
        handler=get_state,
        operation="get_sealing",
        summary="Which keys hold how many stored secrets",
        reply=SealingState,
    ),
    _route(
        method="POST",
        path="/operator/sealing/reseal",
        handler=run,
        operation="reseal",
        summary="Seal anew now what older keys have sealed",
        description="A job does the same every ten minutes while there is more than one key.",
        reply=Resealed,
    ),
)
