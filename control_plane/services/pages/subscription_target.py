"""Where a subscription may lead: one e-mail address, a webhook that the address guard lets through, or a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from control_plane.domain.pages.subscriber_rules import Kind, Target
from control_plane.domain.tenants.people import read_email
from control_plane.errors import BadRequest, FarwatchError, Refused
from control_plane.notify.transport import Transport
from control_plane.notify.web_push import WebPush
from control_plane.notify.webhook import Webhook

Transports = Mapping[str, Transport[Any]]


class Wanted(Struct, frozen=True, kw_only=True):
    """What somebody asks for, unread. `address`: an e-mail address, a URL, or a push service's endpoint."""

    kind: Kind
    address: str
    p256dh: str = ""
    auth: str = ""


def read_target(wanted: Wanted, *, transports: Transports, entropy: bytes) -> Target:
    """The target, in its one form; a webhook with a secret of its own, made of 32 random bytes.

    Raises BadRequest INVALID_EMAIL, INVALID_SUBSCRIPTION, SSRF_BLOCKED, Refused CHANNEL_KIND_UNAVAILABLE.
    """
    require_kind(wanted.kind, transports=transports)
    if wanted.kind == "email":
        return Target(address=read_email(wanted.address, field="/email"))
    transport = transports[wanted.kind]
    try:
        if wanted.kind == "webhook":
            hook: Webhook = transport.prepared(Webhook(url=wanted.address), entropy=entropy)
            return Target(address=hook.url, secret=hook.secret or "")
        given = WebPush(endpoint=wanted.address, p256dh=wanted.p256dh, auth=wanted.auth)
        push: WebPush = transport.prepared(given, entropy=entropy)
        return Target(address=push.endpoint, p256dh=push.p256dh, auth=push.auth)
    except BadRequest as error:
        raise _renamed(error, wanted.kind) from None


def require_kind(kind: Kind, *, transports: Transports) -> None:
    """Raise Refused CHANNEL_KIND_UNAVAILABLE where this installation cannot send it."""
    if kind not in transports:
        raise Refused("This installation cannot send that: choose another way", code="CHANNEL_KIND_UNAVAILABLE")


def _renamed(error: FarwatchError, kind: Kind) -> FarwatchError:
    """The same about a field of ours."""
    code = error.code if error.code != "INVALID_CHANNEL_CONFIG" else "INVALID_SUBSCRIPTION"
    return BadRequest(error.message, code=code, field="/url" if kind == "webhook" else "/subscription")
