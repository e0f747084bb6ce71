"""/verify/{token} and /unsubscribe/{token}: whoever reads an address says yes to alerts, or no more of them.

GET only asks: programs that look at links before people do must say neither. The one-click POST of mail programs (RFC
8058) is the same as the button's, whatever form its body has.
"""

from __future__ import annotations

from aiohttp import web

from control_plane.domain.alerting.unsubscribe_link import Unsubscribable, read_unsubscribe_token
from control_plane.public_site.rendering import calm, link_over, page
from control_plane.services.alerting.answer_address import (
    Subscription,
    find_subscription,
    find_verification,
    unsubscribe,
    verify_address,
)
from control_plane.store.verifications import OpenLink
from control_plane.web.call import Call
from control_plane.web.routes import Door, Handler, Route


async def show_verification(call: Call) -> web.StreamResponse:
    found = await find_verification(call.deps.database, call.path["token"])
    return link_over(call) if found is None else _ask_verification(found)


def _ask_verification(found: OpenLink) -> web.Response:
    return page(
        "ask.html",
        title="May Farwatch send alerts to this address?",
        text="Only if you say yes is anything sent, and every mail has a link that ends it.",
        facts=[("Address", found.address), ("For", found.tenant_name), ("Channel", found.channel_name)],
        asks_name=False,
        button="Yes, send alerts here",
    )


async def verify(call: Call) -> web.StreamResponse:
    found = await verify_address(call.deps.database, call.path["token"])
    if found is None:
        return link_over(call)
    text = f"Alerts of {found.tenant_name} may be sent to {found.address} now."
    return page("said.html", title="Thank you", text=text, mark="done")


async def show_unsubscribe(call: Call) -> web.StreamResponse:
    what = read_unsubscribe_token(call.path["token"])
    found = None if what is None else await find_subscription(call.deps.database, what, pepper=_pepper(call))
    if found is None:
        return link_over(call)
    return _ended(found) if found.ended else _ask_unsubscribe(found)


def _ask_unsubscribe(found: Subscription) -> web.Response:
    return page(
        "ask.html",
        title="No more alerts to this address?",
        text="The channel is disabled for everybody. To be told again, its owners have to ask you again.",
        facts=[("Address", found.address), ("Channel", found.channel.name)],
        asks_name=False,
        button="Send no more",
    )


async def end_subscription(call: Call) -> web.StreamResponse:
    what: Unsubscribable | None = read_unsubscribe_token(call.path["token"])
    found = None if what is None else await unsubscribe(call.deps.database, what, pepper=_pepper(call))
    return link_over(call) if found is None else _ended(found)


def _ended(found: Subscription) -> web.Response:
    text = f"Nothing is sent to {found.address} through {found.channel.name} any more."
    return page("said.html", title="No more alerts", text=text, mark="done")


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


def _route(method: str, path: str, handler: Handler, *, operation: str, summary: str) -> Route:
    return Route(
        method=method,
        path=path,
        handler=calm(handler),
        operation=operation,
        summary=summary,
        tag="Public",
        door=Door.PUBLIC,
        cut_body=method == "POST",  # nothing in it is read
        in_openapi=False,
    )


_VERIFY, _UNSUBSCRIBE = "/verify/{token}", "/unsubscribe/{token}"

ROUTES: tuple[Route, ...] = (
    _route("GET", _VERIFY, show_verification, operation="show_verification", summary="Ask whether to verify"),
    _route("POST", _VERIFY, verify, operation="verify_address", summary="Verify an address by the link in a mail"),
    _route("GET", _UNSUBSCRIBE, show_unsubscribe, operation="show_unsubscribe", summary="Ask whether to send no more"),
    _route(
        "POST", _UNSUBSCRIBE, end_subscription, operation="unsubscribe_address", summary="Send no more to an address"
    ),
)
