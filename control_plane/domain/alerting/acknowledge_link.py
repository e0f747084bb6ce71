"""Links in messages by which whoever reads them acknowledges the incident: signed, and good for nothing else. Pure.

    16 bytes    tenant
    16 bytes    incident
    16 bytes    channel that was told
    16 bytes    HMAC-SHA256 over a label and the above, cut; 128 bits that nobody can try out over HTTP

No row is kept for them: what they allow ends with the incident, and an acknowledged incident takes no second one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from uuid import UUID

from msgspec import Struct

_LABEL = b"acknowledge link 1\n"
_PROOF = 16


class Acknowledgeable(Struct, frozen=True):
    """What a link is for."""

    tenant_id: UUID
    incident_id: UUID
    channel_id: UUID


def acknowledge_token(what: Acknowledgeable, *, pepper: bytes) -> str:
    """The token of the link."""
    named = what.tenant_id.bytes + what.incident_id.bytes + what.channel_id.bytes
    return base64.urlsafe_b64encode(named + _proof(named, pepper)).decode().rstrip("=")


def read_acknowledge_token(token: str, *, pepper: bytes) -> Acknowledgeable | None:
    """What a token is for; None: we did not make it."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    named, proof = raw[:-_PROOF], raw[-_PROOF:]
    if len(raw) != 48 + _PROOF or not hmac.compare_digest(proof, _proof(named, pepper)):
        return None
    return Acknowledgeable(UUID(bytes=named[:16]), UUID(bytes=named[16:32]), UUID(bytes=named[32:]))


def _proof(named: bytes, pepper: bytes) -> bytes:
    return hmac.digest(pepper, _LABEL + named, "sha256")[:_PROOF]
