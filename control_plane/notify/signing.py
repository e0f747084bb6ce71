"""Signatures on webhooks: ours, and those of the Standard Webhooks specification (standardwebhooks.com, v1).

Both are HMAC-SHA256 with the same key over the exact bytes of the body:
  X-Farwatch-Signature: sha256=<hex over "{timestamp}.{body}">
  webhook-signature: v1,<base64 over "{id}.{timestamp}.{body}">, one per secret, separated by spaces
"""

from __future__ import annotations

import base64
import binascii
import hmac

SECRET_PREFIX = "whsec_"  # noqa: S105  # the marker, not a secret

MIN_PLAIN_SECRET = 16
"""Characters of a secret that is not in the whsec_ form."""

MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64
"""Of a whsec_ secret, by the Standard Webhooks specification."""


def make_secret(entropy: bytes) -> str:
    """A secret of ours from 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(entropy).decode("ascii")


def signing_key(secret: str) -> bytes:
    """The HMAC key: the decoded bytes of "whsec_" + base64, else the UTF-8. ValueError says what is wrong."""
    if not secret.startswith(SECRET_PREFIX):
        if len(secret) < MIN_PLAIN_SECRET:
            raise ValueError(f"a secret needs at least {MIN_PLAIN_SECRET} characters")
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {SECRET_PREFIX} must be base64") from None
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(
            f"a {SECRET_PREFIX} secret holds {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, this one {len(key)}"
        )
    return key


def signature_headers(*, keys: tuple[bytes, ...], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The signing headers of one attempt. `timestamp`: Unix seconds. The first key is the newest and signs for us."""
    ours = hmac.digest(keys[0], b"%d.%b" % (timestamp, body), "sha256").hex()
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    standard = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii") for key in keys)
    return {
        "X-Farwatch-Timestamp": str(timestamp),
        "X-Farwatch-Signature": f"sha256={ours}",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{text}" for text in standard),
    }
