"""What every provider of identities offers, and the one way in which its answers are fetched.

A provider's addresses come from the operator and from the provider itself. They are reached under the same guard as
what tenants name, with auth.allow_cidrs for one in a private network.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from control_plane.errors import Forbidden, Unavailable
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.transport_error import TransportError
from control_plane.services.people.admit_person import Identity
from shared.netpolicy import UrlRefused, parse_http_url

ANSWER_LIMIT = 512 * 1024
"""Bytes of a provider's answer: key sets of large providers have tens of thousands."""

USER_AGENT = "Farwatch"

T = TypeVar("T")


class Attempt(Struct, frozen=True):
    """One sign-in: what leaves with the browser has to come back, and the rest stays here until it does."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Provider(Protocol):
    """Where people prove who they are."""

    async def begin(self, attempt: Attempt) -> str:
        """Where to send the browser. Raises Unavailable PROVIDER_UNAVAILABLE."""

    async def finish(self, attempt: Attempt, query: Mapping[str, str], *, now: datetime) -> Identity:
        """Who came back with this query. Raises Unavailable PROVIDER_UNAVAILABLE, Forbidden SIGN_IN_REFUSED."""


class ProviderHttp:
    """Requests to one provider, whose answers are JSON."""

    def __init__(self, http: GuardedHttp, *, title: str) -> None:
        self._http = http
        self.title = title

    async def get(self, url: str, kind: type[T], *, token: str = "", accept: str = "application/json") -> T:
        """The JSON at `url`, asked for with the access token."""
        headers = {"Accept": accept, **({"Authorization": f"Bearer {token}"} if token else {})}
        status, body = await self._send("GET", url, headers=headers)
        if status != 200:
            raise self.unavailable(f"answered {status}")
        return self._decoded(body, kind)

    async def post(self, url: str, kind: type[T], *, headers: Mapping[str, str], body: str) -> T:
        """The JSON that answers a form. A refusal in the shape of RFC 6749 section 5.2 is JSON as well."""
        form = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **headers}
        status, answer = await self._send("POST", url, headers=form, body=body.encode())
        if status >= 500:
            raise self.unavailable(f"answered {status}")
        return self._decoded(answer, kind)

    def unavailable(self, why: str) -> Unavailable:
        """The provider does not do its part."""
        return Unavailable(f"{self.title} {why}. Try again shortly", code="PROVIDER_UNAVAILABLE")

    def refused(self, why: str) -> Forbidden:
        """What came back proves nothing."""
        return Forbidden(f"{self.title} did not prove who you are: {why}. Sign in again", code="SIGN_IN_REFUSED")

    async def _send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, bytes]:
        every = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        try:
            answer = await self._http.fetch(method, parse_http_url(url), headers=every, body=body, limit=ANSWER_LIMIT)
        except UrlRefused as refused:
            raise self.unavailable(f"names a URL that cannot be used: {refused.message}") from None
        except TransportError as fault:
            raise self.unavailable(f"cannot be reached: {fault.message}") from fault
        return answer.status, answer.body

    def _decoded(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.unavailable("answered with something else than was asked for") from None


class TokenAnswer(Struct, frozen=True):
    """RFC 6749 sections 5.1 and 5.2. GitHub tells its refusals with status 200."""

    access_token: str = ""
    id_token: str = ""
    error: str = ""


def code_of(query: Mapping[str, str], http: ProviderHttp) -> str:
    """The authorization code of a callback. Raises Forbidden SIGN_IN_REFUSED when there is an error in its place."""
    if query.get("error") == "access_denied":
        raise http.refused("you did not allow it")
    code = query.get("code", "")
    if not code or "error" in query:
        raise http.refused("it sent you back without a code")
    return code


def as_text(value: Any) -> str | None:
    """A claim that has to be text."""
    return value if isinstance(value, str) and value else None
