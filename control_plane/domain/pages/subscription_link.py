"""Links by which a subscriber of a status page says yes, changes what they are told, or ends it. Pure.

    16 bytes    tenant
    16 bytes    subscriber
    16 bytes    HMAC-SHA256 over a label with what the link is for, the above and, to confirm, the row's nonce, cut

Nothing of a token is stored. A link to confirm ends with its nonce, which every new one replaces; the other one holds
as long as the subscription.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Literal
from uuid import UUID

from msgspec import Struct

Purpose = Literal["confirm", "manage"]

_NAMED, _PROOF = 32, 16


class SubscriptionToken(Struct, frozen=True):
    """Whom a token says it is for, and its proof."""

    tenant_id: UUID
    subscriber_id: UUID
    proof: bytes

    def is_proven(self, purpose: Purpose, *, pepper: bytes, nonce: bytes = b"") -> bool:
        """Whether we made it for this. `nonce`: the subscriber's, of a link to confirm."""
        named = self.tenant_id.bytes + self.subscriber_id.bytes
        return hmac.compare_digest(self.proof, _proof(purpose, named, nonce, pepper))


def subscription_token(
    purpose: Purpose, *, tenant_id: UUID, subscriber_id: UUID, pepper: bytes, nonce: bytes = b""
) -> str:
    """The token of a link: 64 characters."""
    named = tenant_id.bytes + subscriber_id.bytes
    return base64.urlsafe_b64encode(named + _proof(purpose, named, nonce, pepper)).decode()


def read_subscription_token(text: str) -> SubscriptionToken | None:
    """What a token says; None: it is none. Nothing is proven yet."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _NAMED + _PROOF:
        return None
    return SubscriptionToken(UUID(bytes=raw[:16]), UUID(bytes=raw[16:_NAMED]), raw[_NAMED:])


def _proof(purpose: Purpose, named: bytes, nonce: bytes, pepper: bytes) -> bytes:
    return hmac.digest(pepper, f"subscription link 1 {purpose}\n".encode() + named + nonce, "sha256")[:_PROOF]
