"""What a push subscription may be: what a browser's PushManager hands out (https://www.w3.org/TR/push-api/). Pure."""

from __future__ import annotations

import base64
import binascii

from control_plane.domain.channels import channel_rules

POINT_BYTES = 65
"""Of `p256dh`: an uncompressed point of P-256 (RFC 8291 section 3.1)."""

AUTH_BYTES = 16
"""Of `auth` (RFC 8291 section 3.2)."""

ENDPOINT_LIMIT = 2000


def check_keys(*, p256dh: str, auth: str) -> None:
    """Raise BadRequest INVALID_CHANNEL_CONFIG unless both are what they are called."""
    point = decoded(p256dh, field="/config/p256dh")
    if len(point) != POINT_BYTES or point[0] != 4:
        raise channel_rules.invalid(
            f"p256dh is a point of P-256, uncompressed: {POINT_BYTES} bytes in base64url", field="/config/p256dh"
        )
    if len(decoded(auth, field="/config/auth")) != AUTH_BYTES:
        raise channel_rules.invalid(f"auth is {AUTH_BYTES} bytes in base64url", field="/config/auth")


def decoded(text: str, *, field: str) -> bytes:
    """The bytes of base64url, padded or not."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise channel_rules.invalid("This is not base64url", field=field) from None
