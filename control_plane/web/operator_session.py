"""The operator's session in a browser: a cookie that only the path /operator is sent, for one hour.

Nothing is stored: the cookie holds 32 random bytes, when it ends, and a tag under the pepper and the operator's secret.
Another secret, or pepper, ends all of them at once; signing out takes the cookie away. The reasons are in
docs/adr/0040-the-operator-signs-in-for-an-hour.md.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta

from aiohttp import web
from msgspec import Struct

from control_plane.settings import Settings
from control_plane.web.browser import is_secure

LASTS = timedelta(hours=1)
_NAME = "farwatch_operator"
_PATH = "/operator"
_SECRET_BYTES, _TIME_BYTES, _TAG_BYTES = 32, 8, 32
_LENGTH = (_SECRET_BYTES + _TIME_BYTES + _TAG_BYTES) * 4 // 3
"""Characters of a cookie of ours: 72 bytes in base64url need no padding."""


class OperatorSession(Struct, frozen=True):
    """What only the cookie holds, and until when it counts."""

    secret: bytes
    until_s: int

    def form_token(self) -> str:
        """What every form of this session carries."""
        return hmac.digest(self.secret, b"operator form", "sha256").hex()

    def issued(self, token: str) -> bool:
        return hmac.compare_digest(self.form_token().encode(), token.encode("utf-8", "replace"))


def open_operator_session(
    request: web.Request, response: web.StreamResponse, settings: Settings, *, now: datetime
) -> None:
    """Give the browser a session that nobody has seen before."""
    body = secrets.token_bytes(_SECRET_BYTES) + int((now + LASTS).timestamp()).to_bytes(_TIME_BYTES)
    response.set_cookie(
        _named(request, settings),
        base64.urlsafe_b64encode(body + _tag(body, settings)).decode(),
        max_age=int(LASTS.total_seconds()),
        path=_PATH,
        httponly=True,
        samesite="Strict",
        secure=is_secure(request, settings),
    )


def read_operator_session(request: web.Request, settings: Settings, *, now: datetime) -> OperatorSession | None:
    """The session of the request's cookie; None without one, once it has ended, and while there is no secret."""
    value = request.cookies.get(_named(request, settings), "")
    if not settings.operator.secret or len(value) != _LENGTH or not value.isascii():
        return None
    try:
        plain = base64.b64decode(value, altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, tag = plain[:-_TAG_BYTES], plain[-_TAG_BYTES:]
    session = OperatorSession(body[:_SECRET_BYTES], int.from_bytes(body[_SECRET_BYTES:]))
    if not hmac.compare_digest(tag, _tag(body, settings)) or session.until_s <= now.timestamp():
        return None
    return session


def close_operator_session(request: web.Request, response: web.StreamResponse, settings: Settings) -> None:
    """Take the session away from the browser."""
    name = _named(request, settings)
    response.del_cookie(name, path=_PATH, httponly=True, samesite="Strict", secure=is_secure(request, settings))


def _tag(body: bytes, settings: Settings) -> bytes:
    key = hmac.digest(settings.security.pepper.encode(), b"operator\n" + settings.operator.secret.encode(), "sha256")
    return hmac.digest(key, body, "sha256")


def _named(request: web.Request, settings: Settings) -> str:
    """__Host- would ask for the path /; this prefix still keeps plain http from planting one (RFC 6265bis, 4.1.3.1)."""
    return f"__Secure-{_NAME}" if is_secure(request, settings) else _NAME
