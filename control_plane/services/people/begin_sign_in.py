"""Set out for a provider, and come back: what leaves is remembered for ten minutes, and counts once, in one browser."""

from __future__ import annotations

import secrets

import msgspec
from msgspec import Struct

from control_plane.domain.tenants.people import SIGNING_IN_FOR, link_digest
from control_plane.errors import Forbidden
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.people.provider import Attempt, Provider
from control_plane.store import sessions
from control_plane.store.pool import Database
from control_plane.store.sessions import LoginState


class SetOut(Struct, frozen=True):
    """Who sets out: with which provider, from which browser, and where to go on to."""

    provider: str
    browser: bytes
    redirect_uri: str
    next: str = ""
    link: bytes | None = None


class CameBack(Struct, frozen=True):
    """What was remembered of it."""

    attempt: Attempt
    next: str
    link: bytes | None


async def begin_sign_in(database: Database, sealer: Sealer, provider: Provider, who: SetOut, *, pepper: bytes) -> str:
    """Where to send the browser. Raises Unavailable PROVIDER_UNAVAILABLE."""
    attempt = Attempt(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),  # 64 characters; RFC 7636 section 4.1 wants 43 to 128
        redirect_uri=who.redirect_uri,
    )
    where = await provider.begin(attempt)
    digest = link_digest(attempt.state, pepper)
    sealed = sealer.seal(msgspec.msgpack.encode((attempt.nonce, attempt.verifier)), context=_context(digest))
    remembered = LoginState(provider=who.provider, sealed=sealed, next=who.next, link=who.link)
    async with database.app() as conn:
        await sessions.insert_login(conn, digest=digest, browser=who.browser, state=remembered, lasts=SIGNING_IN_FOR)
    return where


async def take_sign_in(
    database: Database,
    sealer: Sealer,
    *,
    state: str,
    provider: str,
    browser: bytes | None,
    redirect_uri: str,
    pepper: bytes,
) -> CameBack:
    """The sign-in that this state belongs to, once. Raises Forbidden SIGN_IN_STALE."""
    digest = link_digest(state, pepper)
    found = None
    if browser is not None:
        async with database.app() as conn:
            found = await sessions.take_login(conn, digest=digest, browser=browser, provider=provider)
    if found is None:
        raise _stale()
    try:
        nonce, verifier = msgspec.msgpack.decode(
            sealer.open(found.sealed, context=_context(digest)), type=tuple[str, str]
        )
    except UnsealError:  # the key was taken away meanwhile
        raise _stale() from None
    return CameBack(Attempt(state, nonce, verifier, redirect_uri), found.next, found.link)


def _context(digest: bytes) -> str:
    return f"sign-in:{digest.hex()}"


def _stale() -> Forbidden:
    message = "This sign-in was not begun in this browser, took longer than ten minutes, or is over. Start again"
    return Forbidden(message, code="SIGN_IN_STALE")
