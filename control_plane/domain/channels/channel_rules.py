"""What a channel may be: names of kinds, the mask of secrets, the headers of a webhook. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from control_plane.errors import BadRequest, Refused
from shared.netpolicy import UrlRefused

MASK = "***"
"""What stands where a secret is. A write that contains it is refused: it was read, not known."""

MAX_HEADERS = 20
MAX_HEADER_BYTES = 8192
"""Names and values together."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

RESERVED_HEADERS = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "forwarded",
        "host", "keep-alive", "metadata", "metadata-flavor", "te", "trailer", "transfer-encoding", "upgrade", "via",
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
    }
)  # fmt: skip
"""Framing and routing are ours; Metadata headers unlock cloud metadata services; forwarding headers spoof a source."""

RESERVED_PREFIXES = ("x-farwatch-", "webhook-", "proxy-", "x-aws-ec2-metadata-")


def invalid(message: str, *, field: str) -> BadRequest:
    """The refusal of a configuration."""
    return BadRequest(message, code="INVALID_CHANNEL_CONFIG", field=field)


def refused_url(refused: UrlRefused, *, field: str = "/config/url") -> BadRequest:
    """The refusal of a URL, with the guard's code where the address guard speaks, as for a check."""
    if refused.code in ("SSRF_BLOCKED", "PORT_BLOCKED"):
        return BadRequest(refused.message, code=refused.code, field=field, details=refused.details or None)
    return invalid(refused.message, field=field)


NEVER_SENT = frozenset({"url", "secret", "former"})
"""Secrets that no receiver gets to read: a URL is where it is sent, a signing secret only signs."""


def refuse_exfiltration(kept: Mapping[str, Any], patch: Mapping[str, Any], *, host: str) -> None:
    """Raise BadRequest CREDENTIAL_RESUPPLY_REQUIRED when a stored secret would go to another host unseen.

    Otherwise whoever may edit a channel, but not read its secrets, could have them sent to a host of their own.
    """
    silent = [name for name, value in kept.items() if value and name not in patch and name not in NEVER_SENT]
    if silent:
        raise BadRequest(
            f"The channel would send to {host} now: give {', '.join(sorted(silent))} again, or null to remove it",
            code="CREDENTIAL_RESUPPLY_REQUIRED",
            field=f"/config/{_escaped(min(silent))}",
        )


def refuse_mask(value: Any, *, pointer: str) -> None:
    """Raise BadRequest REDACTION_SENTINEL where a string anywhere in `value` contains the mask."""
    match value:
        case str() if MASK in value:
            raise BadRequest(
                f"{MASK} stands for a secret that is not shown: send the secret itself, or leave the field out",
                code="REDACTION_SENTINEL",
                field=pointer,
            )
        case dict():
            for key, item in value.items():
                refuse_mask(item, pointer=f"{pointer}/{_escaped(str(key))}")
        case list():
            for index, item in enumerate(value):
                refuse_mask(item, pointer=f"{pointer}/{index}")


class Kinds(Struct, frozen=True):
    """Kinds of channels: those that this installation offers, those there are, and those that linking makes.

    A body that names one of the last would let any caller page an arbitrary chat.
    """

    available: frozenset[str]
    known: frozenset[str] = frozenset()
    managed: frozenset[str] = frozenset()


def kind_of(config: Mapping[str, Any], kinds: Kinds) -> str:
    """The kind that a configuration names.

    Raises Refused CHANNEL_KIND_MANAGED or CHANNEL_KIND_UNAVAILABLE, or BadRequest INVALID_CHANNEL_CONFIG.
    """
    kind = config.get("type")
    listed = ", ".join(sorted(kinds.available - kinds.managed))
    if not isinstance(kind, str):
        raise invalid(f"config.type names the kind of channel: {listed}", field="/config/type")
    if kind in kinds.managed:
        raise Refused(
            f"A {kind} channel comes to be by linking a chat or a browser, not by a request",
            code="CHANNEL_KIND_MANAGED",
            field="/config/type",
        )
    if kind in kinds.known and kind not in kinds.available:
        raise Refused(
            f"This installation has not set up {kind} channels; its operator can. Available: {listed}",
            code="CHANNEL_KIND_UNAVAILABLE",
            field="/config/type",
        )
    if kind not in kinds.available:
        raise invalid(f"config.type is a kind that is not available; available: {listed}", field="/config/type")
    return kind


def refuse_managed_change(kind: str, *, stored: Mapping[str, Any], merged: Mapping[str, Any]) -> None:
    """Raise Refused CHANNEL_KIND_MANAGED where a write would point a linked channel at another chat."""
    if merged != stored:
        raise Refused(
            f"What a {kind} channel sends to is set by linking: link again instead",
            code="CHANNEL_KIND_MANAGED",
            field="/config",
        )


def merged(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch (RFC 7396): absent keeps, null clears, an object merges."""
    result = dict(stored)
    for key, value in patch.items():
        before = result.pop(key, None)
        if isinstance(value, dict):
            result[key] = merged(before if isinstance(before, dict) else {}, value)
        elif value is not None:
            result[key] = value
    return result


def patched(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a whole configuration. A signing secret that is replaced stops at once: rotating lets it overlap."""
    result = merged(stored, patch)
    if "former" not in patch and result.get("secret") != stored.get("secret"):
        result.pop("former", None)
    return result


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise BadRequest INVALID_HEADER unless all may be sent along (RFC 9110 section 5)."""
    if len(headers) > MAX_HEADERS:
        raise _bad_header(f"at most {MAX_HEADERS} headers, not {len(headers)}", name=None)
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADER_BYTES:
        raise _bad_header(f"headers hold at most {MAX_HEADER_BYTES} bytes in all", name=None)
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise _bad_header("a header's name is 1 to 100 letters, digits, - and _", name=name)
        if lower in RESERVED_HEADERS or lower.startswith(RESERVED_PREFIXES):
            raise _bad_header(f"{name} is reserved", name=name)
        if lower in seen:
            raise _bad_header(f"{name} is given twice", name=name)
        if not _HEADER_VALUE.fullmatch(value) or value != value.strip():
            raise _bad_header("a header's value is one line of Latin-1 text without blanks around it", name=name)
        seen.add(lower)


def _bad_header(message: str, *, name: str | None) -> BadRequest:
    field = "/config/headers" if name is None else f"/config/headers/{_escaped(name)}"
    return BadRequest(message[0].upper() + message[1:], code="INVALID_HEADER", field=field)


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")
