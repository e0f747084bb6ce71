"""/operator/ui/kill-switch: stop all checks of everybody, or let them go on. Stopping wants a reason and a yes."""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.operator.door import HERE, OperatorVisit, form, page, show
from control_plane.dashboard.visit import see_other
from control_plane.dashboard.words import maybe_moment
from control_plane.services.safety.read_gate import switch_of
from control_plane.services.safety.switch_dispatch import switch_dispatch
from control_plane.store import safety
from control_plane.web.routes import Route

_PATH = f"{HERE}/kill-switch"
_LONGEST = 500


async def show_switch(visit: OperatorVisit) -> web.StreamResponse:
    return await _switch(visit)


async def _switch(visit: OperatorVisit, *, problem: str = "", status: int = 200) -> web.Response:
    async with visit.deps.database.app() as conn:
        switch = switch_of(await safety.read_kill_switch(conn))
    context = {
        "on": switch.on,
        "reason": switch.reason or "",
        "since": maybe_moment(switch.since, visit.deps.now()),
        "typed": visit.text("reason"),
        "problem": problem,
    }
    return show(visit, "operator_switch.html", context, status=status)


async def stop(visit: OperatorVisit) -> web.StreamResponse:
    reason = visit.text("reason")
    if not 1 <= len(reason) <= _LONGEST:
        problem = f"Give a reason of 1 to {_LONGEST} characters: agents, and whoever asks for a check, are told it."
        return await _switch(visit, problem=problem, status=400)
    if visit.text("sure") != "yes":
        return await _switch(visit, problem="Nothing was stopped: tick the box as well.", status=400)
    await switch_dispatch(visit.deps.database, on=True, reason=reason)
    return see_other(_PATH)


async def go_on(visit: OperatorVisit) -> web.StreamResponse:
    await switch_dispatch(visit.deps.database, on=False, reason="")
    return see_other(_PATH)


ROUTES: tuple[Route, ...] = (
    page(_PATH, show_switch, operation="show_kill_switch", summary="Whether checks are dispatched"),
    form(f"{_PATH}/stop", stop, operation="stop_checks_from_page", summary="Stop all checks"),
    form(f"{_PATH}/go-on", go_on, operation="resume_checks_from_page", summary="Let checks go on"),
)
