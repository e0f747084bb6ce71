"""/app/settings/push: one's own browsers that are told. Nobody sees, or ends, anybody else's.

Subscribing needs the browser's own interface, so static/push.js does it, against the tenant's door; the rest is forms.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp import web

from control_plane.dashboard.settings.frame import REFUSALS, again, settings_page
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.dashboard.words import maybe_moment, moment, sentence
from control_plane.domain.alerting.delivery import UNWELL_AFTER
from control_plane.errors import NotFound
from control_plane.notify import transports
from control_plane.services.alerting.subscribe_push import unsubscribe_push
from control_plane.services.alerting.test_channel import test_channel
from control_plane.store import push_subscriptions
from control_plane.store.push_subscriptions import Owner, Subscription
from control_plane.web import rate_limits
from control_plane.web.routes import Route

_HERE = "/app/settings/push"
_MOST = 100


async def show_push(visit: Visit) -> web.StreamResponse:
    return await _push(visit)


async def _push(visit: Visit, *, sent: str = "", problem: str = "", status: int = 200) -> web.Response:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        rows = await push_subscriptions.list_of(
            conn, tenant_id=visit.tenant_id, owner=_owner(visit), limit=_MOST, offset=0
        )
    context = {
        "browsers": [_view(visit, row) for row in rows],
        "whose": visit.caller.label,
        "of_a_key": visit.caller.user_id is None,
        "may_change": visit.may("push-subscriptions:write"),
        "sent": sent,
        "problem": problem,
    }
    return settings_page(visit, "settings_push.html", context, status=status)


async def test(visit: Visit) -> web.StreamResponse:
    rate_limits.count(visit.call.request, visit.deps.limits, visit.caller, "test_now")
    found, deps = await _found(visit), visit.deps
    try:
        await test_channel(
            deps.database,
            sealer=deps.sealer,
            transports=transports(deps.settings),
            tenant_id=visit.tenant_id,
            channel_id=found.id,
            delivery_id=deps.new_id(),
            timeout=timedelta(seconds=deps.settings.delivery.timeout_s),
            now=deps.now,
        )
    except REFUSALS as error:
        return await again(_push, visit, error)
    return await _push(visit, sent=found.name)


async def remove(visit: Visit) -> web.StreamResponse:
    gone = await unsubscribe_push(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        owner=_owner(visit),
        channel_id=visit.id("subscription_id"),
        check_revision=lambda _revision: None,
    )
    if gone is None:
        raise NotFound("You have no such subscription")
    return see_other(_HERE)


async def _found(visit: Visit) -> Subscription:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        found = await push_subscriptions.find(
            conn, tenant_id=visit.tenant_id, owner=_owner(visit), channel_id=visit.id("subscription_id")
        )
    if found is None:
        raise NotFound("You have no such subscription")
    return found


def _owner(visit: Visit) -> Owner:
    """The person; who signed in with a key has what that key subscribed."""
    caller = visit.caller
    return Owner(caller.user_id, None if caller.user_id is not None else caller.key_id)


def _view(visit: Visit, row: Subscription) -> dict[str, Any]:
    mark, words = _state(row)
    now = visit.deps.now()
    return {
        "id": row.id,
        "name": row.name,
        "service": row.service or "",
        "mark": mark,
        "words": words,
        "everything": row.route_id is not None,
        "told": maybe_moment(row.last_delivered_at, now),
        "since": moment(row.created_at, now),
        "error": sentence(row.last_error or ""),
    }


def _state(row: Subscription) -> tuple[str, str]:
    if not row.enabled:
        return "paused", f"ended: {row.disabled_reason}" if row.disabled_reason else "ended"
    if row.consecutive_failures >= UNWELL_AFTER:
        return "down", "not arriving"
    return ("up", "arriving") if row.last_delivered_at else ("unknown", "not used yet")


_writes = partial(form, scope="push-subscriptions:write")
_ONE = f"{_HERE}/{{subscription_id}}"

ROUTES: tuple[Route, ...] = (
    page(_HERE, show_push, operation="show_push", summary="My browsers that are told", scope="push-subscriptions:read"),
    _writes(f"{_ONE}/test", test, operation="test_push_from_page", summary="Send a test to a browser"),
    _writes(f"{_ONE}/remove", remove, operation="remove_push_from_page", summary="End a subscription"),
)
