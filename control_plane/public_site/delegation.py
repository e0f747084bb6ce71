"""/c/{code}: a page on which whoever holds a delegation link connects one channel, and reads nothing.

It shows who asks and what this installation can connect. A link that is spent, revoked, too old or unknown has one
answer for all of these. The page knows of no session, so another site can make nobody's browser do anything here: the
code in the address is all the credential there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import segno
from aiohttp import web
from msgspec import Struct

from control_plane.domain.channels import channel_rules
from control_plane.domain.channels.channel_link import code_digest, may_make
from control_plane.domain.channels.connect_form import FORMS, Form, read_form
from control_plane.domain.tenants.people import SIGNING_IN_FOR
from control_plane.errors import BadRequest, FarwatchError, NotFound, TooMany, Unavailable
from control_plane.notify import transports
from control_plane.public_site.rendering import calm, form_fields, link_over, page
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.ask_chat import TITLES, connects_of
from control_plane.services.alerting.channel_config import Prepared
from control_plane.services.alerting.connect_chat import Asker, begin_connect
from control_plane.services.alerting.create_linked_channel import Passage, create_linked_channel, told_to_holder
from control_plane.services.alerting.link_codes import find_code
from control_plane.store.channel_links import OpenLink
from control_plane.store.channels import ChannelRow
from control_plane.web.browser import begin_sign_in as mark_browser
from control_plane.web.call import Call
from control_plane.web.routes import Door, Handler, Route
from control_plane.web.trace import OPERATION, TRACE_ID


class Chat(Struct, frozen=True):
    """A chat that takes the code: links by what they say, what to do there, and a QR code of the first link."""

    title: str
    links: dict[str, str]
    then: str
    picture: str


async def show(call: Call) -> web.StreamResponse:
    try:
        link = await _find(call)
    except TooMany as error:
        return _wait(error)
    return link_over(call) if link is None else _page(call, link)


async def connect(call: Call) -> web.StreamResponse:
    try:
        link = await _find(call)
    except TooMany as error:
        return _wait(error)
    if link is None:
        return link_over(call)
    given = form_fields(call.body)
    try:
        prepared = _prepared(call, link, given)
        row = await _created(call, link, prepared)
    except NotFound:
        return link_over(call)
    except Unavailable:
        raise
    except FarwatchError as error:
        return _page(call, link, given=given, error=error)
    return _done(link, row, prepared)


async def add(call: Call) -> web.StreamResponse:
    """Off to the vendor of an app, which sends back to /connect/{kind} what becomes the channel."""
    try:
        link = await _find(call)
    except TooMany as error:
        return _wait(error)
    settings, kind = call.deps.settings, call.path["kind"]
    if link is None or kind not in _apps(call, link):
        return link_over(call)
    response = web.Response(status=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    mark = mark_browser(call.request, response, settings, lasts_s=int(SIGNING_IN_FOR.total_seconds()))
    asker = Asker(link.tenant_id, link=code_digest(call.path["code"], _pepper(call)))
    response.headers["Location"] = await begin_connect(
        call.deps.database, settings, asker, sealer=call.deps.sealer, kind=kind, browser=mark
    )
    return response


async def _find(call: Call) -> OpenLink | None:
    """What the code leads to. Raises TooMany: codes that lead nowhere count as failed authentications."""
    authenticator = call.deps.authenticator
    authenticator.refuse_limited(call.request)
    link = await find_code(call.deps.database, call.path["code"], purposes=("delegate",), pepper=_pepper(call))
    if link is None:
        authenticator.count_unknown_link(call.request)
    return link


def _prepared(call: Call, link: OpenLink, given: Mapping[str, str]) -> Prepared:
    kind = given.get("kind", "")
    if kind not in _forms(call, link):
        raise BadRequest("Choose one of the kinds below")
    config = read_form(kind, given)
    channel_rules.refuse_mask(config, pointer="/config")
    return channel_config.prepare(config, transports(call.deps.settings))


async def _created(call: Call, link: OpenLink, prepared: Prepared) -> ChannelRow:
    deps, request = call.deps, call.request
    address = deps.authenticator.address_of(request)
    return await create_linked_channel(
        deps.database,
        link,
        sealer=deps.sealer,
        channel_id=deps.new_id(),
        prepared=prepared,
        called=FORMS[prepared.kind].title,
        passage=Passage(source="ui", operation=request[OPERATION], address=address, trace_id=request[TRACE_ID]),
    )


def _forms(call: Call, link: OpenLink) -> dict[str, Form]:
    """The forms of what this link may make here."""
    available = transports(call.deps.settings)
    return {kind: form for kind, form in FORMS.items() if kind in available and may_make(link.purpose, link.kind, kind)}


def _apps(call: Call, link: OpenLink) -> dict[str, str]:
    """Kinds that are connected by adding an app of the operator's, by their names."""
    kinds = connects_of(call.deps.settings)
    return {kind: TITLES[kind] for kind in kinds if may_make(link.purpose, link.kind, kind)}


def _page(
    call: Call, link: OpenLink, *, given: Mapping[str, str] | None = None, error: FarwatchError | None = None
) -> web.Response:
    given = given or {}
    forms = _forms(call, link)
    return page(
        "connect.html",
        status=200 if error is None else error.status,
        tenant=link.tenant_name,
        name=link.name,
        until=f"{link.expires_at:%-d %B %Y, %H:%M} UTC",
        chats=_chats(call, link),
        apps={f"{call.request.path}/{kind}": title for kind, title in _apps(call, link).items()},
        forms=[_form(kind, form, given, error) for kind, form in forms.items()],
        alone=len(forms) == 1,
        problem=None if error is None else told_to_holder(error),
    )


def _form(kind: str, form: Form, given: Mapping[str, str], error: FarwatchError | None) -> dict[str, Any]:
    """A form as it was sent: what is secret is given anew."""
    chosen = given.get("kind") == kind
    at = (error.field or "").rpartition("/")[2] if chosen and error is not None else None
    fields = [
        {
            "spec": field,
            "value": given.get(field.name, "") if chosen and not field.secret else "",
            "bad": field.name == at,
        }
        for field in form.fields
    ]
    return {"kind": kind, "title": form.title, "fields": fields, "chosen": chosen}


def _chats(call: Call, link: OpenLink) -> list[Chat]:
    """The chats that the installation links, by one tap or from another device by a QR code.

    The code of the link is the code that the bot, or the number, takes.
    """
    settings, code = call.deps.settings, call.path["code"]
    offered = [kind for kind in transports(settings) if may_make(link.purpose, link.kind, kind)]
    chats = []
    if "telegram_app" in offered:
        base = f"https://t.me/{settings.telegram.bot_name}"
        private, group = f"{base}?start={code}", f"{base}?startgroup={code}"
        chats.append(Chat("Telegram", {"Open Telegram": private, "Add to a group": group}, "tap Start", _qr(private)))
    if "whatsapp_app" in offered:
        url = f"https://wa.me/{''.join(each for each in settings.whatsapp.number if each.isdigit())}?text={code}"
        chats.append(Chat("WhatsApp", {"Open WhatsApp": url}, "send the message that is there", _qr(url)))
    return chats


def _qr(url: str) -> str:
    return str(segno.make(url, micro=False).svg_inline(border=2, omitsize=True, dark="#000", title="QR code"))


def _done(link: OpenLink, row: ChannelRow, prepared: Prepared) -> web.Response:
    text = f"{link.tenant_name} can send alerts there now, as the channel “{row.name}”. This link is used up."
    if prepared.kind == "email":
        text = "A mail is on its way to that address. Open the link in it to say yes: nothing is sent before."
    facts = [("Signing secret, shown this once", prepared.made["secret"])] if "secret" in prepared.made else []
    return page("connected.html", title="Connected", text=text, facts=facts)


def _wait(error: TooMany) -> web.Response:
    text = f"Too many links that do not count were opened from this address. Try again in {error.retry_after_s} s."
    response = page("said.html", status=429, title="Wait a moment", text=text, mark="stop")
    response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


def _route(method: str, handler: Handler, *, operation: str, summary: str, path: str = "/c/{code}") -> Route:
    posts = method == "POST"
    return Route(
        method=method,
        path=path,
        handler=calm(handler),
        operation=operation,
        summary=summary,
        tag="Public",
        door=Door.PUBLIC,
        body=bytes if posts else None,
        form=posts,
        in_openapi=False,
        head=path == "/c/{code}",
    )


ROUTES: tuple[Route, ...] = (
    _route("GET", show, operation="show_delegation", summary="What a delegation link can connect"),
    _route(
        "GET",
        add,
        operation="add_delegated_app",
        summary="Off to Slack or Discord, to add an app for a delegation link",
        path="/c/{code}/{kind}",
    ),
    _route("POST", connect, operation="follow_delegation", summary="Connect the one channel of a delegation link"),
)
