"""What the two ways to subscribe to a status page share, the one for people and the one for programs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.subscriber_rules import Kind
from control_plane.errors import Forbidden, TooMany
from control_plane.notify import transports
from control_plane.services.pages.ask_subscriber import Asking, ask_subscriber
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.services.pages.subscription_target import Wanted, read_target, require_kind
from control_plane.settings import Settings
from control_plane.web.call import Call

WAYS: tuple[Kind, ...] = ("email", "webhook", "web_push")


class Request(Struct, frozen=True, kw_only=True):
    """What somebody asks for. `component_ids` None: all of the page."""

    wanted: Wanted
    component_ids: Sequence[UUID] | None


def ways_of(settings: Settings, *, protected: bool) -> frozenset[Kind]:
    """How a page's readers may be told. None for a page with a password: what it says is not for whoever has a mail."""
    if protected:
        return frozenset()
    available = transports(settings)
    return frozenset(kind for kind in WAYS if kind in available)


async def ask(call: Call, copy: Copy, request: Request) -> str:
    """Ask whoever it is about, and nobody else: the secret of a new webhook, else empty.

    Raises TooMany RATE_LIMITED, Forbidden PAGE_PASSWORD_NEEDED, and what `read_target` and `ask_subscriber` raise.
    """
    count(call)
    if copy.page.protected:
        raise Forbidden("A page with a password has no subscribers", code="PAGE_PASSWORD_NEEDED")
    deps = call.deps
    available = transports(deps.settings)
    require_kind(request.wanted.kind, transports=available)
    target = read_target(request.wanted, transports=available, entropy=secrets.token_bytes(32))
    asking = Asking(
        kind=request.wanted.kind,
        target=target,
        component_ids=request.component_ids,
        source="public",
        most=deps.settings.subscribers.per_page,
    )
    await ask_subscriber(
        deps.database,
        asking,
        tenant_id=copy.face.tenant_id,
        page_id=copy.face.id,
        sealer=deps.sealer,
        pepper=pepper(call),
    )
    return target.secret


def count(call: Call) -> None:
    """Count a request of this address. Raises TooMany RATE_LIMITED."""
    address, now = call.deps.authenticator.address_of(call.request), time.monotonic()
    wait_s = call.deps.subscribing.wait_s(address, now)
    if wait_s:
        raise TooMany("Too many subscriptions from your address: go on in a moment", retry_after_s=wait_s)
    call.deps.subscribing.failed(address, now)


def pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()
