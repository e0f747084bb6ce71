"""The session: a sealed cookie that holds the digest of the API key it was opened with, and a secret of its own.

Nothing is stored. The key is looked up on each request: a session ends with its key, and after MAX_AGE_S in any case.
The secret never leaves the cookie; form tokens are derived from it, so that they are worth nothing in another session.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from msgspec import Struct

from control_plane.sealing import Sealer, UnsealError
from control_plane.settings import Settings

MAX_AGE_S = 30 * 86_400

_NAME = "farwatch_session"
_CONTEXT = "dashboard session"
_LONGEST = 1024
"""Characters of a cookie that are worth opening."""


class Session(Struct, frozen=True, array_like=True):
    """`digest` is of the API key, `started` in Unix seconds."""

    digest: bytes
    started: int
    secret: bytes

    def form_token(self) -> str:
        """What every form of this session carries."""
        return hmac.digest(self.secret, b"form", "sha256").hex()

    def issued(self, token: str) -> bool:
        return hmac.compare_digest(self.form_token().encode(), token.encode("utf-8", "replace"))


def new_session(digest: bytes, *, now: datetime) -> Session:
    """A session that nobody has seen before, for whoever just proved a key."""
    return Session(digest, int(now.timestamp()), secrets.token_bytes(32))


def read_session(request: web.Request, sealer: Sealer, settings: Settings, *, now: datetime) -> Session | None:
    """The session of the request's cookie; None without one, with one that is not ours, and with one too old."""
    value = request.cookies.get(cookie_name(request, settings), "")
    if not 0 < len(value) <= _LONGEST or not value.isascii():
        return None
    try:
        plain = sealer.open(base64.urlsafe_b64decode(value + "=="), context=_CONTEXT)
        session = msgspec.msgpack.decode(plain, type=Session)
    except (ValueError, UnsealError, msgspec.DecodeError):
        return None
    age_s = now.timestamp() - session.started
    return session if age_s < MAX_AGE_S else None


def write_session(
    request: web.Request, response: web.StreamResponse, session: Session, sealer: Sealer, settings: Settings
) -> None:
    """Give the browser the session, in place of any other."""
    sealed = sealer.seal(msgspec.msgpack.encode(session), context=_CONTEXT)
    response.set_cookie(
        cookie_name(request, settings),
        base64.urlsafe_b64encode(sealed).decode().rstrip("="),
        max_age=MAX_AGE_S,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=_is_secure(request, settings),
    )


def clear_session(request: web.Request, response: web.StreamResponse, settings: Settings) -> None:
    """Take the session away from the browser."""
    response.del_cookie(
        cookie_name(request, settings),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=_is_secure(request, settings),
    )


def cookie_name(request: web.Request, settings: Settings) -> str:
    """Over HTTPS the prefix keeps neighbouring hosts from planting one (RFC 6265bis section 4.1.3.2)."""
    return f"__Host-{_NAME}" if _is_secure(request, settings) else _NAME


def is_foreign(request: web.Request, settings: Settings) -> bool:
    """Whether another site made the browser send this: by Sec-Fetch-Site, or by Origin where that is not sent."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    ours = {request.host.lower(), urlsplit(settings.server.public_url).netloc.lower()}
    return origin is not None and _host_of(origin) not in ours


def _host_of(origin: str) -> str | None:
    """The host and port of an Origin; None for `null` and what is none."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _is_secure(request: web.Request, settings: Settings) -> bool:
    return request.scheme == "https" or settings.server.public_url.startswith("https://")
