"""The password of a status page: asked for, limited, and turned into cookies for that page alone."""

from __future__ import annotations

import time

from aiohttp import web

from control_plane.errors import Forbidden, NotFound, TooMany, Unavailable
from control_plane.public_site.rendering import form_fields
from control_plane.public_site.status_page import ask_password, refused
from control_plane.public_site.status_page_door import admit, base_of, find, is_own_host
from control_plane.services.pages.check_page_password import knows_password
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.web.browser import is_foreign
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route


async def unlock(call: Call) -> web.StreamResponse:
    """Let in whoever knows the password, and back to where they wanted to go."""
    try:
        copy = await find(call, call.path["slug"])
        fields = form_fields(call.body)
        await _prove(call, copy, fields.get("password", ""))
    except (Forbidden, TooMany) as error:
        return await ask_password(call, error=error)
    except (NotFound, Unavailable) as error:
        return refused(call, error)
    base = base_of(copy.face.slug)
    there = fields.get("next", "")
    inner = there.startswith(f"{base}/") and there.isascii() and there.isprintable() and not set(there) & set("\\\"'<>")
    headers = {"Location": there if inner else base, "Cache-Control": "no-store"}
    response = web.Response(status=303, headers=headers)
    admit(call, response, copy.face, whole_host=is_own_host(call, copy.face))
    return response


async def _prove(call: Call, copy: Copy, given: str) -> None:
    """Raises Forbidden for a wrong password, TooMany after too many of them. A page without one takes any."""
    deps, digest = call.deps, copy.face.password_digest
    if digest is None:
        return
    if is_foreign(call.request, deps.settings):
        raise Forbidden("This form was sent by another site", code="PAGE_PASSWORD_NEEDED")
    who = f"{copy.face.id} {deps.authenticator.address_of(call.request)}"
    wait_s = deps.page_attempts.wait_s(who, time.monotonic())
    if wait_s:
        raise TooMany("Too many wrong passwords", retry_after_s=wait_s)
    if not await knows_password(digest, given, turns=deps.pages.password_turns):
        deps.page_attempts.failed(who, time.monotonic())
        raise Forbidden("This password is not right", code="PAGE_PASSWORD_NEEDED")


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/status/{slug}/unlock",
        handler=unlock,
        operation="unlock_status_page",
        summary="Open a status page by its password",
        tag="Public",
        door=Door.PUBLIC,
        body=bytes,
        form=True,
        in_openapi=False,
    ),
)
