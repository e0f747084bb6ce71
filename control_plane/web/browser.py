"""What a browser carries of a session, and how it is told from another site's doing.

The cookie holds a secret of 32 random bytes and a tag over it, the database its digest. By the tag a made-up cookie is
refused without a look-up. Form tokens are derived from the secret: they are worth nothing in another session.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct

from control_plane.settings import Settings

_NAME = "farwatch_session"
_SIGNING_IN = "farwatch_signing_in"
_SECRET_BYTES = 32
_TAG_BYTES = 16
_LENGTH = (_SECRET_BYTES + _TAG_BYTES) * 4 // 3
"""Characters of a cookie of ours: 48 bytes in base64url need no padding."""


class BrowserSession(Struct, frozen=True):
    """The secret of a session, which only its cookie holds, and the digest that the database knows it by."""

    secret: bytes
    digest: bytes

    def form_token(self) -> str:
        """What every form of this session carries, and X-CSRF-Token on the tenant's door."""
        return hmac.digest(self.secret, b"form", "sha256").hex()

    def issued(self, token: str) -> bool:
        return hmac.compare_digest(self.form_token().encode(), token.encode("utf-8", "replace"))


def new_session(settings: Settings) -> BrowserSession:
    """A session that nobody has seen before."""
    return _session(secrets.token_bytes(_SECRET_BYTES), settings)


def read_session(request: web.Request, settings: Settings) -> BrowserSession | None:
    """The session of the request's cookie; None without one, and with one that is not ours."""
    secret = _opened(request.cookies.get(cookie_name(request, settings), ""), settings)
    return None if secret is None else _session(secret, settings)


def write_session(
    request: web.Request, response: web.StreamResponse, session: BrowserSession, settings: Settings
) -> None:
    """Give the browser the session, in place of any other."""
    name = cookie_name(request, settings)
    _set(request, response, name, session.secret, settings, max_age=settings.auth.session_days * 86_400)


def clear_session(request: web.Request, response: web.StreamResponse, settings: Settings) -> None:
    """Take the session away from the browser."""
    _clear(request, response, cookie_name(request, settings), settings)


def cookie_name(request: web.Request, settings: Settings) -> str:
    """Over HTTPS the prefix keeps neighbouring hosts from planting one (RFC 6265bis section 4.1.3.2)."""
    return _named(_NAME, request, settings)


def begin_sign_in(request: web.Request, response: web.StreamResponse, settings: Settings, *, lasts_s: int) -> bytes:
    """Mark the browser that sets out for a provider: the digest to know it by when it comes back."""
    secret = secrets.token_bytes(_SECRET_BYTES)
    name = _named(_SIGNING_IN, request, settings)
    _set(request, response, name, secret, settings, max_age=lasts_s)
    return _digest(b"signing in", secret, settings)


def signing_in(request: web.Request, settings: Settings) -> bytes | None:
    """The digest of the browser that set out; None for one that did not."""
    secret = _opened(request.cookies.get(_named(_SIGNING_IN, request, settings), ""), settings)
    return None if secret is None else _digest(b"signing in", secret, settings)


def end_sign_in(request: web.Request, response: web.StreamResponse, settings: Settings) -> None:
    """Take the mark away."""
    _clear(request, response, _named(_SIGNING_IN, request, settings), settings)


def is_foreign(request: web.Request, settings: Settings) -> bool:
    """Whether another site made the browser send this: by Sec-Fetch-Site, or by Origin where that is not sent."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    ours = {request.host.lower(), urlsplit(settings.server.public_url).netloc.lower()}
    return origin is not None and _host_of(origin) not in ours


def _session(secret: bytes, settings: Settings) -> BrowserSession:
    return BrowserSession(secret, _digest(b"session", secret, settings))


def _digest(what: bytes, secret: bytes, settings: Settings) -> bytes:
    return hmac.digest(settings.security.pepper.encode(), what + b"\n" + secret, "sha256")


def _tag(secret: bytes, settings: Settings) -> bytes:
    return _digest(b"cookie", secret, settings)[:_TAG_BYTES]


def _opened(value: str, settings: Settings) -> bytes | None:
    if len(value) != _LENGTH or not value.isascii():
        return None
    try:
        plain = base64.b64decode(value, altchars=b"-_", validate=True)
    except ValueError:
        return None
    secret, tag = plain[:_SECRET_BYTES], plain[_SECRET_BYTES:]
    return secret if hmac.compare_digest(tag, _tag(secret, settings)) else None


def _set(
    request: web.Request, response: web.StreamResponse, name: str, secret: bytes, settings: Settings, *, max_age: int
) -> None:
    response.set_cookie(
        name,
        base64.urlsafe_b64encode(secret + _tag(secret, settings)).decode(),
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure(request, settings),
    )


def _clear(request: web.Request, response: web.StreamResponse, name: str, settings: Settings) -> None:
    response.del_cookie(name, path="/", httponly=True, samesite="Lax", secure=is_secure(request, settings))


def _named(name: str, request: web.Request, settings: Settings) -> str:
    return f"__Host-{name}" if is_secure(request, settings) else name


def _host_of(origin: str) -> str | None:
    """The host and port of an Origin; None for `null` and what is none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def is_secure(request: web.Request, settings: Settings) -> bool:
    """Whether the browser speaks https with us, perhaps through a proxy: then its cookies belong to https alone."""
    return request.scheme == "https" or settings.server.public_url.startswith("https://")
