"""A channel's configuration on its way in and out: read, prepared by its transport, its secrets sealed and opened."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from control_plane.domain.channels import channel_rules
from control_plane.domain.channels.channel_rules import Kinds
from control_plane.notify import TRANSPORTS
from control_plane.notify.transport import Transport
from control_plane.sealing import Sealer, UnsealError

Transports = Mapping[str, Transport[Any]]

_CLOSED = "The channel's stored secrets cannot be opened: save them again"
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_FIELD = re.compile(r"field `(?P<name>[^`]*)`")


class UnusableChannelError(Exception):
    """What is stored cannot be used: its kind is not there any more, or its secrets do not open."""


class Prepared(Struct, frozen=True, kw_only=True):
    """A configuration as it will be stored. `made` are the secrets that are ours: shown once, in the reply."""

    kind: str
    config: Any
    shown: dict[str, Any]
    secrets: dict[str, Any]
    made: dict[str, Any]
    host: str


def prepare(given: Mapping[str, Any], transports: Transports) -> Prepared:
    """Read a configuration from outside. Raises BadRequest or Refused naming the field below /config."""
    kind = channel_rules.kind_of(given, kinds_of(transports))
    return prepare_as(kind, given, transports)


def kinds_of(transports: Transports) -> Kinds:
    """What this installation offers."""
    managed = frozenset(kind for kind, transport in TRANSPORTS.items() if transport.managed)
    return Kinds(frozenset(transports), frozenset(TRANSPORTS), managed)


def prepare_as(kind: str, given: Mapping[str, Any], transports: Transports) -> Prepared:
    """The same for a kind that is known already, also one that linking makes."""
    transport = transports[kind]
    try:
        config = msgspec.convert(given, transport.configuration)
    except msgspec.ValidationError as wrong:
        raise channel_rules.invalid(_sentence(wrong, transport.configuration), field=_pointer(wrong)) from None
    ready = transport.prepared(config, entropy=secrets.token_bytes(32))
    parts = transport.parts(ready)
    made = {name: value for name, value in parts.secrets.items() if value and given.get(name) is None}
    return Prepared(kind=kind, config=ready, shown=parts.shown, secrets=parts.secrets, made=made, host=parts.host)


def seal(prepared: Prepared, sealer: Sealer, *, tenant_id: UUID, channel_id: UUID) -> bytes:
    """The secrets, bound to the row they belong to."""
    return sealer.seal(msgspec.json.encode(prepared.secrets), context=channel_context(tenant_id, channel_id))


def unseal(
    *,
    kind: str,
    shown: Mapping[str, Any],
    sealed: bytes | None,
    sealer: Sealer,
    transports: Transports,
    tenant_id: UUID,
    channel_id: UUID,
) -> Any:
    """The whole configuration of a stored channel. Raises UnusableChannelError."""
    transport = transports.get(kind)
    if transport is None:
        raise UnusableChannelError(f"Channels of kind {kind} are not available in this installation")
    opened = opened_secrets(sealed, sealer, tenant_id=tenant_id, channel_id=channel_id)
    try:
        return transport.whole(shown=shown, secrets=opened)
    except msgspec.MsgspecError:
        raise UnusableChannelError(_CLOSED) from None


def opened_secrets(sealed: bytes | None, sealer: Sealer, *, tenant_id: UUID, channel_id: UUID) -> dict[str, Any]:
    """The secrets of a stored channel. Raises UnusableChannelError."""
    try:
        opened = sealer.open(sealed, context=channel_context(tenant_id, channel_id)) if sealed else b"{}"
        return msgspec.json.decode(opened, type=dict[str, Any])
    except (UnsealError, msgspec.MsgspecError):
        raise UnusableChannelError(_CLOSED) from None


def channel_context(tenant_id: UUID, channel_id: UUID) -> str:
    """What a channel's sealed secrets are bound to: they open for no other row."""
    return f"channel:{tenant_id}:{channel_id}"


def _sentence(wrong: msgspec.ValidationError, configuration: type[Struct]) -> str:
    said = _PLACE.sub("", str(wrong)).replace("Object contains", "There is an").replace("Object missing", "Missing")
    if "unknown field" not in said or _PLACE.search(str(wrong)):
        return said
    return f"{said}; known here: {', '.join(sorted(field.encode_name for field in structs.fields(configuration)))}"


def _pointer(wrong: msgspec.ValidationError) -> str:
    text = str(wrong)
    place, field = _PLACE.search(text), _FIELD.search(text)
    path = (place["path"] if place else "").replace("[...]", "").replace(".", "/")
    return "/config" + path + (f"/{field['name']}" if field else "")
