"""/api/public/v1/pages/{slug}/subscribe and …/subscriptions/{token}: being told of what a page says, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.pages.subscriber_rules import MOST_CHOSEN, Kind
from control_plane.errors import BadRequest, NotFound
from control_plane.public_site.status_page_door import opened
from control_plane.public_site.status_page_json import BASE
from control_plane.public_site.subscribing import Request, ask, pepper
from control_plane.services.pages.answer_subscription import (
    Found,
    choose_components,
    confirm_subscription,
    end_subscription,
    find_subscription,
)
from control_plane.services.pages.subscription_target import Wanted
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

SUBSCRIPTION = f"{BASE}/subscriptions/{{token}}"
NO_STORE = "no-store"

Chosen = Annotated[list[UUID], Meta(max_length=MOST_CHOSEN)]


class BrowserKeys(Struct, frozen=True, kw_only=True):
    """The keys of a browser's subscription, in base64url."""

    p256dh: Annotated[str, Meta(max_length=200)]
    auth: Annotated[str, Meta(max_length=100)]


class BrowserSubscription(Struct, frozen=True, kw_only=True):
    """What PushSubscription.toJSON() gives (https://www.w3.org/TR/push-api/)."""

    endpoint: Annotated[str, Meta(max_length=2000)]
    keys: BrowserKeys


class NewSubscription(Struct, frozen=True, kw_only=True):
    """Whom to tell: `email`, or `url` of a webhook, or a browser's `subscription`, as `type` says.

    `component_ids`: of these components alone; all of the page without it.
    """

    type: Kind
    email: Annotated[str, Meta(max_length=320)] | None = None
    url: Annotated[str, Meta(max_length=2000)] | None = None
    subscription: BrowserSubscription | None = None
    component_ids: Chosen | None = None


class SubscriptionAsked(Struct, frozen=True, kw_only=True):
    """The same for everybody: only the address itself hears whether it was subscribed before.

    `secret` signs what a webhook is sent (docs/webhooks.md). It is shown this once.
    """

    type: Kind
    status: Literal["pending"] = "pending"
    secret: str | None = None


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription. Of webhooks and browsers `address` tells the host alone; `component_ids` null is all."""

    type: Kind
    address: str
    component_ids: Sequence[UUID] | None


class SubscriptionPatch(Struct, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396): null is all components of the page."""

    component_ids: Chosen | UnsetType | None = UNSET


async def subscribe(call: Call) -> Reply:
    copy = await opened(call)
    body: NewSubscription = call.body
    secret = await ask(call, copy, Request(wanted=_wanted(body), component_ids=body.component_ids))
    return Reply(SubscriptionAsked(type=body.type, secret=secret or None))


def _wanted(body: NewSubscription) -> Wanted:
    match body:
        case NewSubscription(type="email", email=str() as address):
            return Wanted(kind="email", address=address)
        case NewSubscription(type="webhook", url=str() as url):
            return Wanted(kind="webhook", address=url)
        case NewSubscription(type="web_push", subscription=BrowserSubscription() as given):
            keys = given.keys
            return Wanted(kind="web_push", address=given.endpoint, p256dh=keys.p256dh, auth=keys.auth)
        case _:
            field = {"email": "email", "webhook": "url", "web_push": "subscription"}[body.type]
            raise BadRequest(f"{field} is missing", code="MISSING_FIELD", field=f"/{field}")


async def confirm(call: Call) -> Reply:
    found = await confirm_subscription(
        call.deps.database, call.path["token"], sealer=call.deps.sealer, pepper=pepper(call)
    )
    return Reply(_view(found))


async def read(call: Call) -> Reply:
    return Reply(_view(await _find(call)))


async def change(call: Call) -> Reply:
    found = await _find(call)
    shown = _view(found)
    assert found is not None
    chosen = call.body.component_ids
    if chosen is UNSET:
        return Reply(shown)
    after = await choose_components(call.deps.database, found, component_ids=chosen)
    return Reply(Subscription(type=shown.type, address=shown.address, component_ids=after))


async def end(call: Call) -> Reply:
    found = await end_subscription(call.deps.database, call.path["token"], sealer=call.deps.sealer, pepper=pepper(call))
    if found is None:
        raise _unknown()
    return Reply()


async def _find(call: Call) -> Found | None:
    return await find_subscription(call.deps.database, call.path["token"], sealer=call.deps.sealer, pepper=pepper(call))


def _view(found: Found | None) -> Subscription:
    if found is None or found.ended:
        raise _unknown()
    return Subscription(type=found.kind, address=found.address, component_ids=found.component_ids)


def _unknown() -> NotFound:
    return NotFound("This is no link of ours, or it counts no more", code="SUBSCRIPTION_NOT_FOUND")


_route = partial(Route, tag="public pages", door=Door.PUBLIC, cache=NO_STORE)

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path=f"{BASE}/subscribe",
        handler=subscribe,
        operation="subscribe_to_public_page",
        summary="Ask to be told of what a status page says",
        description=(
            "Whoever reads the address, runs the receiver or uses the browser is asked first, and has 24 hours to say "
            'yes. A webhook says it by answering 2xx with `{"challenge": …}` and nothing else.'
        ),
        body=NewSubscription,
        reply=SubscriptionAsked,
        status=202,
        errors=(
            *("STATUS_PAGE_NOT_FOUND", "PAGE_PASSWORD_NEEDED", "INVALID_EMAIL", "INVALID_SUBSCRIPTION"),
            *("SSRF_BLOCKED", "MISSING_FIELD", "INVALID_COMPONENTS", "SUBSCRIBERS_FULL"),
            *("CHANNEL_KIND_UNAVAILABLE", "RATE_LIMITED"),
        ),
        example={"type": "email", "email": "reader@example.com"},
    ),
    _route(
        method="POST",
        path=f"{SUBSCRIPTION}/confirm",
        handler=confirm,
        operation="confirm_public_subscription",
        summary="Say yes, by the token of the message that asked",
        reply=Subscription,
        errors=("SUBSCRIPTION_NOT_FOUND",),
        cut_body=True,
    ),
    _route(
        method="GET",
        path=SUBSCRIPTION,
        handler=read,
        operation="get_public_subscription",
        summary="Read a subscription, by the token of the links in its messages",
        reply=Subscription,
        errors=("SUBSCRIPTION_NOT_FOUND",),
    ),
    _route(
        method="PATCH",
        path=SUBSCRIPTION,
        handler=change,
        operation="change_public_subscription",
        summary="Choose the components that a subscription is about",
        body=SubscriptionPatch,
        reply=Subscription,
        errors=("SUBSCRIPTION_NOT_FOUND", "INVALID_COMPONENTS"),
        example={"component_ids": None},
    ),
    _route(
        method="DELETE",
        path=SUBSCRIPTION,
        handler=end,
        operation="end_public_subscription",
        summary="Be told no more; twice is as once",
        status=204,
        errors=("SUBSCRIPTION_NOT_FOUND",),
    ),
)
