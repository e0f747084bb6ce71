"""/api/v1/push-subscriptions: the caller's own browsers that want to be told. Nobody sees, or ends, anybody else's."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.domain.alerting.delivery import UNWELL_AFTER
from control_plane.errors import NotFound
from control_plane.notify import transports, vapid
from control_plane.services.alerting.subscribe_push import Wanted, subscribe_push, unsubscribe_push
from control_plane.services.alerting.test_channel import Tested, test_channel
from control_plane.store import push_subscriptions
from control_plane.store.push_subscriptions import Owner, Subscription
from control_plane.web.call import Call, Reply
from control_plane.web.channel_view import DENIED
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

EXAMPLE = {
    "endpoint": "https://push.example.net/send/abc",
    "keys": {
        "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
        "auth": "tBHItJI5svbpez7KI4CCXg",
    },
    "name": "Firefox on my phone",
}


class PushKey(Struct, frozen=True):
    """What a browser subscribes with: `applicationServerKey` of PushManager.subscribe, in base64url."""

    public_key: str


class PushSubscription(Struct, frozen=True, kw_only=True):
    """A browser that is told. `service` is the host of its push service; the rest of its address is never shown."""

    id: UUID
    name: str
    service: str | None
    everything: bool
    enabled: bool
    disabled_reason: str | None
    state: Literal["ok", "not_delivering", "unknown"]
    last_delivered_at: datetime | None
    last_error: str | None
    created_at: datetime


def _view(row: Subscription) -> PushSubscription:
    state: Literal["ok", "not_delivering", "unknown"] = "ok" if row.last_delivered_at else "unknown"
    return PushSubscription(
        id=row.id,
        name=row.name,
        service=row.service,
        everything=row.route_id is not None,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        state="not_delivering" if row.consecutive_failures >= UNWELL_AFTER else state,
        last_delivered_at=row.last_delivered_at,
        last_error=row.last_error,
        created_at=row.created_at,
    )


def _owner(call: Call) -> Owner:
    """The person; a key owns what it subscribed itself."""
    caller = call.tenant()
    return Owner(caller.user_id, None if caller.user_id is not None else caller.key_id)


async def get_push_key(call: Call) -> Reply:
    return Reply(PushKey(vapid.public_key(call.deps.settings)))


async def list_subscriptions(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await push_subscriptions.list_of(
            conn, tenant_id=tenant_id, owner=_owner(call), limit=capped(query.limit), offset=query.offset
        )
        total = await push_subscriptions.count_of(conn, tenant_id=tenant_id, owner=_owner(call))
    return page_reply(call, [_view(row) for row in rows], total=total)


async def _found(call: Call) -> Subscription:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await push_subscriptions.find(
            conn, tenant_id=tenant_id, owner=_owner(call), channel_id=call.uuid("subscription_id")
        )
    if found is None:
        raise NotFound("You have no such subscription")
    return found


async def get_subscription(call: Call) -> Reply:
    found = await _found(call)
    return Reply(_view(found), etag=found.revision)


async def post_subscription(call: Call) -> Reply:
    caller, deps = call.tenant(), call.deps
    made = await subscribe_push(
        deps.database,
        call.body,
        sealer=deps.sealer,
        transports=transports(deps.settings),
        tenant_id=caller.tenant_id,
        owner=_owner(call),
        terms=caller.terms,
        write_source=caller.write_source,
    )
    return Reply(_view(made), headers={"Location": f"/api/v1/push-subscriptions/{made.id}"}, etag=made.revision)


async def remove_subscription(call: Call) -> Reply:
    gone = await unsubscribe_push(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        owner=_owner(call),
        channel_id=call.uuid("subscription_id"),
        check_revision=partial(require_match, call.request),
    )
    if gone is None:
        raise NotFound("You have no such subscription")
    return Reply()


async def test_subscription(call: Call) -> Reply:
    found, deps = await _found(call), call.deps
    tested = await test_channel(
        deps.database,
        sealer=deps.sealer,
        transports=transports(deps.settings),
        tenant_id=call.tenant().tenant_id,
        channel_id=found.id,
        delivery_id=deps.new_id(),
        timeout=timedelta(seconds=deps.settings.delivery.timeout_s),
        now=deps.now,
    )
    return Reply(tested)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/push-subscriptions",
        handler=list_subscriptions,
        operation="list_push_subscriptions",
        summary="List my browsers that are told, oldest first",
        tag="push-subscriptions",
        door=Door.TENANT,
        scope="push-subscriptions:read",
        query=PageQuery,
        reply=Page[PushSubscription],
    ),
    Route(
        method="POST",
        path="/api/v1/push-subscriptions",
        handler=post_subscription,
        operation="create_push_subscription",
        summary="Subscribe this browser",
        description=(
            "The body is what PushManager.subscribe gives, as JSON. A browser that was subscribed before takes the "
            "place of what was known of it, and that of your own subscription that `replaces` names, which ends. It is "
            "told of every incident, unless `everything` is false."
        ),
        tag="push-subscriptions",
        door=Door.TENANT,
        scope="push-subscriptions:write",
        body=Wanted,
        reply=PushSubscription,
        status=201,
        errors=(
            *("NAME_INVALID", "INVALID_CHANNEL_CONFIG", "INVALID_REPLACES", "SSRF_BLOCKED", "PORT_BLOCKED"),
            *("QUOTA_EXCEEDED", "PLAN_FEATURE", *DENIED),
        ),
        example=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/api/v1/push-subscriptions/key",
        handler=get_push_key,
        operation="get_push_key",
        summary="Read the key that browsers subscribe with",
        tag="push-subscriptions",
        door=Door.TENANT,
        scope="push-subscriptions:read",
        reply=PushKey,
    ),
    Route(
        method="GET",
        path="/api/v1/push-subscriptions/{subscription_id}",
        handler=get_subscription,
        operation="get_push_subscription",
        summary="Read one of my subscriptions",
        tag="push-subscriptions",
        door=Door.TENANT,
        scope="push-subscriptions:read",
        reply=PushSubscription,
    ),
    Route(
        method="DELETE",
        path="/api/v1/push-subscriptions/{subscription_id}",
        handler=remove_subscription,
        operation="delete_push_subscription",
        summary="End one of my subscriptions",
        tag="push-subscriptions",
        door=Door.TENANT,
        scope="push-subscriptions:write",
        status=204,
        errors=("PRECONDITION_FAILED",),
    ),
    Route(
        method="POST",
        path="/api/v1/push-subscriptions/{subscription_id}/test",
        handler=test_subscription,
        operation="test_push_subscription",
        category="test_now",
        summary="Send a test to one of my browsers",
        tag="push-subscriptions",
        door=Door.TENANT,
        scope="push-subscriptions:write",
        reply=Tested,
        errors=("CHANNEL_TEST_FAILED", *DENIED),
    ),
)
