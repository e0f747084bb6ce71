"""A server that a tenant runs themselves: how we sign in to it, what its answers mean, what of them may be shown."""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol

from control_plane.domain.alerting.delivery import retry_after
from control_plane.notify.excerpt import basic, excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError


class Credentials(Protocol):
    """Either an access token, or a name and a password, or nothing."""

    @property
    def access_token(self) -> str | None: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...


def authorization(config: Credentials) -> dict[str, str]:
    """The header that signs in, if there is anything to sign in with."""
    if config.access_token is not None:
        return {"Authorization": f"Bearer {config.access_token}"}
    if config.username is not None:
        return {"Authorization": f"Basic {basic(config.username, config.password or '')}"}
    return {}


def kept(body: bytes, config: Credentials, *, url: str | None = None) -> str | None:
    """What may be kept of an answer: nothing that we signed in with."""
    proofs = [config.access_token or "", config.password or ""]
    if config.username is not None:
        proofs.append(basic(config.username, config.password or ""))
    return excerpt(body, secrets=proofs, url=url)


def judged(answer: Answer, *, server: str, given_up: Set[int], message: Message, response: str | None) -> Sent:
    """2xx is delivered; a redirect and what is `given_up` never will be; anything else is tried again.

    `server` is its name in a sentence. Raises TransportError.
    """
    status = answer.status
    if 200 <= status < 300:
        return Sent(http_status=status, response=response)
    told = f"answered {status}"
    if 300 <= status < 400:
        told += ": redirects are not followed, so set the final URL"
    elif status in given_up and response:
        told += f": {response}"
    raise TransportError(
        f"The {server} {told}",
        permanent=300 <= status < 400 or status in given_up,
        retry_after=retry_after(answer.retry_after, now=message.sent_at),
        http_status=status,
        response=response,
    )
