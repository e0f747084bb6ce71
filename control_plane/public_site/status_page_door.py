"""The way to a status page: which page a request means, whether its reader may see it, and how its answers are kept.

A draft, a slug that nobody has and the page of a suspended tenant are one and the same: not there. A page with a
password is opened by a cookie for that page alone, which ends with the password.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
from collections.abc import Callable, Hashable, Mapping
from datetime import timedelta
from typing import NamedTuple

from aiohttp import web

from control_plane.domain.pages.public_page import PublicPage
from control_plane.errors import Forbidden, NotFound
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.services.uptime.read_availability import Horizon
from control_plane.settings import Settings
from control_plane.store.page_reads import PageFace
from control_plane.web.browser import is_secure
from control_plane.web.call import Call, Deps
from control_plane.web.dispatch import PUBLIC_READ
from control_plane.web.etag import is_known

OPEN_FOR = timedelta(days=7)
PRIVATE_READ = "private, max-age=10"
MOST_RENDERED = 64
"""Answers kept of one reading of a page: languages of filters and doors; what is beyond is made anew."""

_PAGE_COOKIE, _API_COOKIE = "farwatch_page", "farwatch_page_api"


def base_of(slug: str) -> str:
    """Where a page lies."""
    return f"/status/{slug}"


def api_of(slug: str) -> str:
    """Where a page's JSON lies."""
    return f"/api/public/v1/pages/{slug}"


def is_own_host(call: Call, face: PageFace) -> bool:
    """Whether the request came by the page's own domain."""
    return host_of(call) == face.custom_domain


def host_of(call: Call) -> str:
    """The host name that was asked for, without a port."""
    return call.request.host.rsplit(":", 1)[0].lower().rstrip(".")


def origin_of(call: Call, face: PageFace) -> str:
    """Scheme and host of absolute links: the installation's, or the page's own domain where that was asked for.

    Never what a Host header alone says, where the installation knows its address: answers are kept for everybody.
    """
    request, public_url = call.request, call.deps.settings.server.public_url.rstrip("/")
    if is_own_host(call, face):
        scheme = "https" if is_secure(request, call.deps.settings) else "http"
        return f"{scheme}://{request.host}"
    return public_url or str(request.url.origin())


async def find(call: Call, slug: str) -> Copy:
    """The page, whoever asks. Raises NotFound STATUS_PAGE_NOT_FOUND, and Unavailable."""
    found = await call.deps.pages.get(call.deps.database, slug, horizon=horizon(call.deps))
    if found is None:
        raise NotFound("There is no status page at this address", code="STATUS_PAGE_NOT_FOUND")
    return found


async def opened(call: Call) -> Copy:
    """The page of the path for somebody who may read it. Raises, besides, Forbidden PAGE_PASSWORD_NEEDED."""
    copy = await find(call, call.path["slug"])
    if not admitted(call, copy.face):
        message = f"This page asks for a password: give it at {base_of(copy.face.slug)}, and keep the cookies"
        raise Forbidden(message, code="PAGE_PASSWORD_NEEDED")
    return copy


def horizon(deps: Deps) -> Horizon:
    return Horizon(deps.now(), timedelta(days=deps.settings.retention.transitions_days))


def admitted(call: Call, face: PageFace) -> bool:
    """Whether the page is open to all, or the request has the cookie of one who knew its password."""
    if face.password_digest is None:
        return True
    paths = ((_PAGE_COOKIE, "/"), (_PAGE_COOKIE, base_of(face.slug)), (_API_COOKIE, api_of(face.slug)))
    given = (call.request.cookies.get(_named(name, path, call), "") for name, path in paths)
    return any(_is_good(value, face, call) for value in given)


def _named(name: str, path: str, call: Call) -> str:
    """Over HTTPS the prefix keeps neighbouring hosts, and plain http, from planting one (RFC 6265bis, 4.1.3)."""
    if not is_secure(call.request, call.deps.settings):
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"


def admit(call: Call, response: web.StreamResponse, face: PageFace, *, whole_host: bool) -> None:
    """Give the reader the cookies of this page. `whole_host`: the host is the page's own."""
    until = int((call.deps.now() + OPEN_FOR).timestamp())
    value = f"{until}.{_tag(face, until, call.deps.settings)}"
    paths = {_PAGE_COOKIE: "/" if whole_host else base_of(face.slug), _API_COOKIE: api_of(face.slug)}
    for name, path in paths.items():
        response.set_cookie(
            _named(name, path, call),
            value,
            path=path,
            max_age=int(OPEN_FOR.total_seconds()),
            httponly=True,
            samesite="Lax",
            secure=is_secure(call.request, call.deps.settings),
        )


def _is_good(value: str, face: PageFace, call: Call) -> bool:
    until, _, tag = value.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) <= 12) or int(until) < call.deps.now().timestamp():
        return False
    return hmac.compare_digest(tag.encode(), _tag(face, int(until), call.deps.settings).encode())


def _tag(face: PageFace, until: int, settings: Settings) -> str:
    what = f"status page\n{face.id}\n{face.password_digest}\n{until}"
    return hmac.digest(settings.security.pepper.encode(), what.encode(), "sha256").hex()


def answer(
    call: Call, copy: Copy, key: Hashable, make: Callable[[], str | bytes], *, media: str, more: Mapping[str, str] = {}
) -> web.Response:
    """What `make` says of this copy: made once for all who ask the same, with its entity tag; or 304."""
    made = _made(copy, (key, origin_of(call, copy.face), copy.stale_since), make)
    headers = {**_caching(copy), "ETag": made.tag, "Vary": "Accept-Encoding", **more}
    if is_known(call.request, made.tag):
        return web.Response(status=304, headers=headers)
    if "gzip" in call.request.headers.get("Accept-Encoding", ""):
        headers |= {"Content-Encoding": "gzip", "ETag": f"W/{made.tag}"}
        return web.Response(body=made.zipped, content_type=media, charset="utf-8", headers=headers)
    return web.Response(body=made.body, content_type=media, charset="utf-8", headers=headers)


class _Made(NamedTuple):
    """An answer, as it is and compressed, with the entity tag of the first."""

    body: bytes
    zipped: bytes
    tag: str


def _made(copy: Copy, key: Hashable, make: Callable[[], str | bytes]) -> _Made:
    rendered = copy.kept.rendered
    found: _Made | None = rendered.get(key)
    if found is None:
        text = make()
        body = text.encode() if isinstance(text, str) else text
        found = _Made(body, gzip.compress(body, 6, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:16]}"')
        rendered[key] = found
        if len(rendered) > MOST_RENDERED:
            rendered.popitem(last=False)
    return found


def _caching(copy: Copy) -> dict[str, str]:
    headers = {"Cache-Control": PRIVATE_READ if copy.page.protected else PUBLIC_READ}
    if copy.stale_since is not None:
        headers |= {"Age": str(copy.age_s), "Warning": '110 - "Response is Stale"'}  # RFC 9111 section 5.1
    if not copy.page.listed or copy.page.protected:
        headers["X-Robots-Tag"] = "noindex"
    return headers


def colours_path(page: PublicPage) -> str:
    """The style sheet of the page's own colours; empty when it has none."""
    of = page.branding
    named = [colour[1:] if colour else "-" for colour in (of.accent, of.accent_dark, of.background, of.background_dark)]
    return "" if set(named) == {"-"} else f"/static/colours/{'_'.join(named)}.css"
