"""/operator/ui/deliveries: what nobody tries to send any more, of all tenants; sent again one by one or together."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from control_plane.dashboard.operator.door import HERE, OperatorVisit, form, page, show
from control_plane.dashboard.visit import see_other
from control_plane.dashboard.words import count, maybe_moment, sentence
from control_plane.errors import Conflict, NotFound
from control_plane.services.alerting.replay_dead_letters import replay_dead_letters
from control_plane.services.alerting.replay_delivery import replay_delivery
from control_plane.store import dead_letters
from control_plane.store.dead_letters import DeadLetter, LetterFilter
from control_plane.web.routes import Route
from shared.ids import TenantId

_PATH = f"{HERE}/deliveries"
_A_PAGE = 50
_AT_ONCE = 100


async def show_letters(visit: OperatorVisit) -> web.StreamResponse:
    return await _letters(visit)


async def _letters(visit: OperatorVisit, *, said: str = "", problem: str = "", status: int = 200) -> web.Response:
    kind, offset = visit.query("kind") or visit.text("kind"), visit.offset()
    async with visit.deps.database.app() as conn:
        found, total = await dead_letters.list_letters(
            conn, wanted=LetterFilter(channel_kind=kind or None), limit=_A_PAGE, offset=offset
        )
    context = {
        "letters": [_view(visit, each) for each in found],
        "total": total,
        "kind": kind,
        "at_once": _AT_ONCE,
        "older": offset + _A_PAGE if offset + _A_PAGE < total else 0,
        "said": said,
        "problem": problem,
    }
    return show(visit, "operator_letters.html", context, status=status)


async def replay(visit: OperatorVisit) -> web.StreamResponse:
    delivery_id = visit.id("delivery_id")
    async with visit.deps.database.app() as conn:
        found = await dead_letters.find_letter(conn, delivery_id=delivery_id)
    if found is None:
        raise NotFound("There is no such delivery", code="DELIVERY_NOT_FOUND")
    try:
        await replay_delivery(visit.deps.database, tenant_id=TenantId(found.tenant_id), delivery_id=delivery_id)
    except Conflict as error:
        return await _letters(visit, problem=f"{error.message}.", status=error.status)
    return see_other(_PATH)


async def replay_all(visit: OperatorVisit) -> web.StreamResponse:
    wanted = LetterFilter(channel_kind=visit.text("kind") or None)
    done = await replay_dead_letters(visit.deps.database, wanted=wanted, most=_AT_ONCE)
    return await _letters(visit, said=f"{count(done.replayed, 'message')} sent again")


def _view(visit: OperatorVisit, letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "tenant": letter.tenant,
        "channel": letter.channel_name,
        "kind": letter.channel_kind,
        "what": letter.event,
        "reason": sentence(letter.reason or "nobody said why"),
        "attempts": count(letter.attempts, "attempt"),
        "at": maybe_moment(letter.finished_at or letter.created_at, visit.deps.now()),
        "gone": letter.channel_id is None,
    }


ROUTES: tuple[Route, ...] = (
    page(_PATH, show_letters, operation="show_letters", summary="Dead letters"),
    form(f"{_PATH}/replay", replay_all, operation="replay_letters_from_page", summary="Send many again"),
    form(f"{_PATH}/{{delivery_id}}/replay", replay, operation="replay_letter_from_page", summary="Send one again"),
)
