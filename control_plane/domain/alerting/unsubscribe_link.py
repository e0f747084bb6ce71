"""Links in e-mails by which whoever reads them wants no more of them: signed, for one channel and address. Pure.

    16 bytes    tenant
    16 bytes    channel
    16 bytes    HMAC-SHA256 over a label, the above and the address, cut

The address is proven and not named: a link from before the channel's address changed is good for nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from uuid import UUID

from msgspec import Struct

_LABEL = b"unsubscribe link 1\n"
_NAMED = 32
_PROOF = 16


class Unsubscribable(Struct, frozen=True):
    """The channel that a link says it is for, and the proof of it, to be held against the channel's address."""

    tenant_id: UUID
    channel_id: UUID
    proof: bytes

    def is_proven(self, address: str, *, pepper: bytes) -> bool:
        """Whether we made the link for a message to this address."""
        named = self.tenant_id.bytes + self.channel_id.bytes
        return hmac.compare_digest(self.proof, _proof(named, address, pepper))


def unsubscribe_token(*, tenant_id: UUID, channel_id: UUID, address: str, pepper: bytes) -> str:
    """The token of the link in a message to this address."""
    named = tenant_id.bytes + channel_id.bytes
    return base64.urlsafe_b64encode(named + _proof(named, address, pepper)).decode().rstrip("=")


def read_unsubscribe_token(token: str) -> Unsubscribable | None:
    """What a token says; None: it is none. Nothing is proven yet."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _NAMED + _PROOF:
        return None
    return Unsubscribable(UUID(bytes=raw[:16]), UUID(bytes=raw[16:_NAMED]), raw[_NAMED:])


def _proof(named: bytes, address: str, pepper: bytes) -> bytes:
    return hmac.digest(pepper, _LABEL + named + address.encode(), "sha256")[:_PROOF]
