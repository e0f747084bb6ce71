"""/verify/{token} and /unsubscribe/{token}: whoever reads an address says yes to alerts, or no more of them.

GET only asks: programs that look at links before people do must say neither. The one-click POST of mail programs (RFC
8058) is the same as the button's, whatever form its body has.
"""

from __future__ import annotations

from aiohttp import web

from control_plane.domain.alerting.unsubscribe_link import Unsubscribable, read_unsubscribe_token
from control_plane.public_site.language import Language
from control_plane.public_site.rendering import calm, link_over, page, words_for
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
    return link_over(call) if found is None else _ask_verification(found, words_for(call))


def _ask_verification(found: OpenLink, words: Language) -> web.Response:
    return page(
        "ask.html",
        words=words,
        title=words.say("verify_title"),
        text=words.say("verify"),
        facts=[
            (words.say("sub_address"), found.address),
            (words.say("verify_for"), found.tenant_name),
            (words.say("verify_channel"), found.channel_name),
        ],
        asks_name=False,
        button=words.say("verify_go"),
    )


async def verify(call: Call) -> web.StreamResponse:
    found = await verify_address(call.deps.database, call.path["token"])
    if found is None:
        return link_over(call)
    words = words_for(call)
    text = words.say("verified", tenant=words.apart(found.tenant_name), address=words.apart(found.address))
    return page("said.html", words=words, title=words.say("verified_title"), text=text, mark="done")


async def show_unsubscribe(call: Call) -> web.StreamResponse:
    what = read_unsubscribe_token(call.path["token"])
    found = None if what is None else await find_subscription(call.deps.database, what, pepper=_pepper(call))
    if found is None:
        return link_over(call)
    return _ended(found, words_for(call)) if found.ended else _ask_unsubscribe(found, words_for(call))


def _ask_unsubscribe(found: Subscription, words: Language) -> web.Response:
    return page(
        "ask.html",
        words=words,
        title=words.say("end_title"),
        text=words.say("end"),
        facts=[(words.say("sub_address"), found.address), (words.say("verify_channel"), found.channel.name)],
        asks_name=False,
        button=words.say("end_go"),
    )


async def end_subscription(call: Call) -> web.StreamResponse:
    what: Unsubscribable | None = read_unsubscribe_token(call.path["token"])
    found = None if what is None else await unsubscribe(call.deps.database, what, pepper=_pepper(call))
    return link_over(call) if found is None else _ended(found, words_for(call))


def _ended(found: Subscription, words: Language) -> web.Response:
    text = words.say("ended_text", address=words.apart(found.address), channel=words.apart(found.channel.name))
    return page("said.html", words=words, title=words.say("ended_title"), text=text, mark="done")


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
