"""/status/{slug}/subscribe: every way to be told of what a page says, as people find it. It works without scripts.

The answer to a form is the same for an address that is subscribed already: only the address itself hears it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from aiohttp import web

from control_plane.domain.pages.subscriber_rules import MOST_CHOSEN, Kind
from control_plane.errors import BadRequest, FarwatchError, Forbidden, NotFound, Refused, TooMany, Unavailable
from control_plane.notify import vapid
from control_plane.public_site.language import Language, language
from control_plane.public_site.rendering import asset_content, rendered
from control_plane.public_site.status_page import HEADERS, HTML, ask_password, in_words, refused, shell, told
from control_plane.public_site.status_page_door import answer, api_of, opened
from control_plane.public_site.subscribing import Request, ask, ways_of
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.services.pages.subscription_target import Wanted
from control_plane.web.browser import is_foreign
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

_MOST_FIELDS = MOST_CHOSEN + 10
_WAYS: Mapping[str, tuple[Kind, str]] = {"email": ("email", "email"), "webhook": ("webhook", "url")}
_ASKED: Mapping[Kind, tuple[str, str]] = {
    "email": ("sub_asked_title", "sub_asked"),
    "webhook": ("sub_asked_hook_title", "sub_asked_hook"),
}
_PROBLEMS = {
    "INVALID_EMAIL": "sub_bad_email",
    "INVALID_SUBSCRIPTION": "sub_bad_url",
    "SSRF_BLOCKED": "sub_bad_url",
    "INVALID_COMPONENTS": "sub_bad_choice",
    "SUBSCRIBERS_FULL": "sub_bad_full",
}
_WORKER_HEADERS = {
    "Cache-Control": "no-cache",
    # Governs what the worker itself fetches: our own door, to say yes.
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
}


class Fields:
    """What a form holds; `ticked` are the ids of its boxes."""

    def __init__(self, body: bytes) -> None:
        try:
            pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
            )
        except ValueError:
            raise BadRequest("The form cannot be read", code="INVALID_FORM") from None
        self.all = {name: value.replace("\x00", "").strip() for name, value in pairs}
        self.ticked = [value for name, value in pairs if name == "c"]

    def component_ids(self) -> Sequence[UUID] | None:
        """None: all. Raises BadRequest INVALID_COMPONENTS."""
        if self.all.get("about", "all") != "some":
            return None
        try:
            return [UUID(each) for each in self.ticked]
        except ValueError:
            raise BadRequest("There is no such system", code="INVALID_COMPONENTS", field="/component_ids") from None


async def show_form(call: Call) -> web.Response:
    copy = await opened(call)
    return answer(call, copy, "subscribe", partial(_form, call, copy), media=HTML, more=HEADERS)


def _form(call: Call, copy: Copy, *, problem: str = "", fields: Fields | None = None) -> str:
    words = language(copy.page.language)
    settings = call.deps.settings
    ways = ways_of(settings, protected=copy.page.protected)
    given = fields.all if fields else {}
    ticked = fields.ticked if fields and given.get("about") == "some" else None
    return rendered(
        "status_subscribe_page.html",
        {
            "words": words,
            "shell": shell(copy),
            "ways": ways,
            "way": given.get("way", ""),
            "given": {"email": given.get("email", ""), "url": given.get("url", "")},
            "groups": copy.page.groups,
            "chosen": ticked,
            "problem": problem,
            "push_key": vapid.public_key(settings) if "web_push" in ways else "",
            "api": api_of(copy.page.slug),
        },
    )


async def take_form(call: Call) -> web.StreamResponse:
    try:
        copy = await opened(call)
    except Forbidden:
        return await ask_password(call)
    except (NotFound, Unavailable) as error:
        return refused(call, error)
    fields = Fields(call.body)
    try:
        return await _asked(call, copy, fields)
    except (BadRequest, Refused, TooMany, Forbidden) as error:
        return _again(call, copy, fields, error)


async def _asked(call: Call, copy: Copy, fields: Fields) -> web.Response:
    if is_foreign(call.request, call.deps.settings):
        raise Forbidden("This form was sent by another site", code="FOREIGN_FORM")
    kind, name = _WAYS.get(fields.all.get("way", ""), _WAYS["email"])
    wanted = Wanted(kind=kind, address=fields.all.get(name, ""))
    secret = await ask(call, copy, Request(wanted=wanted, component_ids=fields.component_ids()))
    words = language(copy.page.language)
    title, line = _ASKED[kind]
    facts = [(words.say("sub_secret"), secret)] if secret else []
    return step(copy_shell(copy), words, title=title, lines=[words.say(line)], facts=facts)


def _again(call: Call, copy: Copy, fields: Fields, error: FarwatchError) -> web.Response:
    words = language(copy.page.language)
    problem = _said(error, words)
    text = _form(call, copy, problem=problem, fields=fields)
    headers = {**HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    return web.Response(text=text, status=error.status, content_type=HTML, charset="utf-8", headers=headers)


def _said(error: FarwatchError, words: Language) -> str:
    if isinstance(error, TooMany):
        return words.say("sub_bad_wait", wait=words.lasting(timedelta(seconds=error.retry_after_s)))
    return words.say(_PROBLEMS.get(error.code, "sub_bad"))


def copy_shell(copy: Copy) -> dict[str, Any]:
    """The frame of a step, which no search engine should find."""
    return {**shell(copy), "listed": False}


def step(
    frame: Mapping[str, Any],
    words: Language,
    *,
    title: str,
    status: int = 200,
    lines: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    named: str = "",
    **more: Any,
) -> web.Response:
    """One step of a subscription. `title` is a key of the texts, `named` the page that it names."""
    empty = {"done": "", "problem": "", "button": "", "groups": (), "chosen": None, "link": None}
    said = words.say(title, page=named) if named else words.say(title)
    context = {"words": words, "shell": frame, "title": said, "lines": lines, "facts": facts, **empty, **more}
    return told("status_subscription.html", context, status=status)


async def worker(_call: Call) -> web.StreamResponse:
    """Below the page, because a worker governs only what lies below its own address."""
    body = asset_content("status_worker.js")
    return web.Response(body=body, content_type="text/javascript", charset="utf-8", headers=_WORKER_HEADERS)


_route = partial(Route, path="/status/{slug}/subscribe", tag="Public", door=Door.PUBLIC, in_openapi=False)

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        handler=partial(in_words, show_form),
        operation="show_subscribe_form",
        summary="Every way to be told of what a status page says",
    ),
    _route(
        method="POST",
        handler=take_form,
        operation="take_subscribe_form",
        summary="Ask whether an address wants to be told",
        body=bytes,
        form=True,
    ),
    _route(
        method="GET",
        path="/status/{slug}/sw.js",
        handler=worker,
        operation="get_status_worker",
        summary="The service worker of a status page",
    ),
)
