"""/status/{slug}/confirm, …/subscription and …/unsubscribe: what the links in messages to subscribers lead to.

GET only asks: programs that look at links before people do must say neither yes nor no. The one-click POST of mail
programs (RFC 8058) is the same as the button's. Unsubscribing works whatever became of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from control_plane.errors import BadRequest, NotFound, Unavailable
from control_plane.public_site.language import Language, language
from control_plane.public_site.rendering import calm
from control_plane.public_site.status_page import bare_shell, preferred
from control_plane.public_site.status_page_door import base_of, find
from control_plane.public_site.status_page_subscribe import Fields, copy_shell, step
from control_plane.public_site.subscribing import pepper
from control_plane.services.pages.answer_subscription import (
    Found,
    choose_components,
    confirm_subscription,
    end_subscription,
    find_question,
    find_subscription,
)
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.store.pool import Database
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

_Look = Callable[..., Coroutine[Any, Any, Found | None]]


@dataclass(frozen=True, slots=True)
class _Frame:
    """How a step is shown: as part of the page, or bare where there is none for everybody to see any more."""

    shell: Mapping[str, Any]
    words: Language
    copy: Copy | None

    def say(self, title: str, *texts: str, **more: Any) -> web.Response:
        """A step of this title that says these texts, each by its key."""
        return step(self.shell, self.words, title=title, lines=[self.words.say(text) for text in texts], **more)

    def about(self, found: Found) -> list[tuple[str, str]]:
        return [(self.words.say("sub_address"), found.address)]

    def over(self) -> web.Response:
        """One answer for links that are unknown, spent, replaced or too old: none of them tells which."""
        return self.say("sub_over_title", "sub_over", status=404)


async def show_question(call: Call) -> web.StreamResponse:
    frame = await _frame(call)
    found = await _ask(call, find_question)
    if found is None or frame.copy is None:
        return frame.over()
    return frame.say(
        "sub_confirm_title",
        "sub_confirm",
        named=frame.copy.page.title,
        facts=frame.about(found),
        button=frame.words.say("sub_confirm_go"),
    )


async def confirm(call: Call) -> web.StreamResponse:
    frame = await _frame(call)
    found = None if frame.copy is None else await _ask(call, confirm_subscription)
    return frame.over() if found is None else frame.say("sub_confirmed_title", "sub_confirmed")


async def show_choice(call: Call) -> web.StreamResponse:
    frame = await _frame(call)
    found = await _ask(call, find_subscription)
    return _choice(call, frame, found)


async def choose(call: Call) -> web.StreamResponse:
    frame = await _frame(call)
    found = await _ask(call, find_subscription)
    if found is None or found.ended:
        return frame.over()
    try:
        await choose_components(call.deps.database, found, component_ids=Fields(call.body).component_ids())
    except BadRequest as error:
        return _choice(call, frame, found, problem=frame.words.say("sub_bad_choice"), status=error.status)
    return _choice(call, frame, await _ask(call, find_subscription), done=frame.words.say("sub_saved"))


def _choice(call: Call, frame: _Frame, found: Found | None, **more: Any) -> web.Response:
    if found is None or found.ended or frame.copy is None:
        return frame.over()
    page = frame.copy.page
    return frame.say(
        "sub_manage_title",
        facts=frame.about(found),
        groups=page.groups,
        chosen=found.component_ids,
        button=frame.words.say("sub_manage_go"),
        link=(frame.words.say("sub_leave"), f"{base_of(page.slug)}/unsubscribe/{call.path['token']}"),
        **more,
    )


async def show_unsubscribe(call: Call) -> web.StreamResponse:
    frame = await _frame(call)
    found = await _ask(call, find_subscription)
    if found is None:
        return frame.over()
    if found.ended:
        return frame.say("sub_left_title", "sub_left")
    button = frame.words.say("sub_leave_go")
    return frame.say("sub_leave_title", "sub_leave_lead", facts=frame.about(found), button=button)


async def unsubscribe(call: Call) -> web.StreamResponse:
    frame = await _frame(call)
    found = await _ask(call, end_subscription)
    return frame.over() if found is None else frame.say("sub_left_title", "sub_left")


async def _frame(call: Call) -> _Frame:
    try:
        copy: Copy | None = await find(call, call.path["slug"])
    except (NotFound, Unavailable):
        copy = None
    words = preferred(call) if copy is None else language(copy.page.language)
    if copy is None or copy.page.protected:
        return _Frame(bare_shell("Farwatch"), words, None)
    return _Frame(copy_shell(copy), words, copy)


async def _ask(call: Call, look: _Look) -> Found | None:
    database: Database = call.deps.database
    return await look(database, call.path["token"], sealer=call.deps.sealer, pepper=pepper(call))


def _route(method: str, part: str, handler: Any, *, operation: str, summary: str, form: bool = False) -> Route:
    return Route(
        method=method,
        path=f"/status/{{slug}}/{part}/{{token}}",
        handler=calm(handler),
        operation=operation,
        summary=summary,
        tag="Public",
        door=Door.PUBLIC,
        body=bytes if form else None,
        form=form,
        cut_body=method == "POST" and not form,  # nothing in it is read
        in_openapi=False,
    )


_CONFIRM, _MANAGE, _LEAVE = "confirm", "subscription", "unsubscribe"

ROUTES: tuple[Route, ...] = (
    _route("GET", _CONFIRM, show_question, operation="show_page_question", summary="Ask whether to be told"),
    _route("POST", _CONFIRM, confirm, operation="confirm_by_link", summary="Say yes by the link in a message"),
    _route("GET", _MANAGE, show_choice, operation="show_page_choice", summary="What a subscriber is told"),
    _route("POST", _MANAGE, choose, operation="choose_by_link", summary="Choose what to be told", form=True),
    _route("GET", _LEAVE, show_unsubscribe, operation="show_page_unsubscribe", summary="Ask whether to send no more"),
    _route("POST", _LEAVE, unsubscribe, operation="unsubscribe_by_link", summary="Be told no more"),
)
