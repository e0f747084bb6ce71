"""/api/v1/me/sessions: the browsers in which the caller is signed in. Nobody sees, or ends, anybody else's."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from control_plane.services.people.end_session import end_all_sessions, end_session
from control_plane.store import sessions
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class MySession(Struct, frozen=True):
    """A session. `current`: the one that asks."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    current: bool


class MySessions(Struct, frozen=True):
    """The live ones, the one used last first; at most 200."""

    items: list[MySession]


async def list_sessions(call: Call) -> Reply:
    caller = call.tenant()
    async with call.deps.database.tenant(caller.tenant_id) as conn:
        found = await sessions.list_mine(
            conn,
            tenant_id=caller.tenant_id,
            user_id=caller.user_id,
            key_id=caller.key_id,
            idle=timedelta(days=call.deps.settings.auth.session_idle_days),
        )
    return Reply(MySessions([MySession(**asdict(each), current=each.id == caller.session_id) for each in found]))


async def end(call: Call) -> Reply:
    caller = call.tenant()
    await end_session(
        call.deps.database,
        caller.tenant_id,
        call.uuid("session_id"),
        user_id=caller.user_id,
        key_id=caller.key_id,
    )
    return _ended(call)


async def end_all(call: Call) -> Reply:
    caller = call.tenant()
    await end_all_sessions(call.deps.database, caller.tenant_id, user_id=caller.user_id, key_id=caller.key_id)
    return _ended(call)


def _ended(call: Call) -> Reply:
    call.deps.authenticator.forget_sessions()  # the notice comes round to this process as well, a moment later
    return Reply()


_route = partial(Route, door=Door.TENANT, tag="Me", any_key=True)

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/me/sessions",
        handler=list_sessions,
        operation="list_my_sessions",
        summary="Where am I signed in",
        reply=MySessions,
        cache="no-store",
    ),
    _route(
        method="DELETE",
        path="/api/v1/me/sessions",
        handler=end_all,
        operation="end_my_sessions",
        summary="Sign out everywhere",
        status=204,
    ),
    _route(
        method="DELETE",
        path="/api/v1/me/sessions/{session_id}",
        handler=end,
        operation="end_my_session",
        summary="End one of my sessions",
        status=204,
        errors=("SESSION_NOT_FOUND",),
    ),
)
