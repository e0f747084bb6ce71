"""How somebody who reads an address agrees that alerts are sent to it. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal

VERIFY_WITHIN = timedelta(hours=24)
"""How long a link counts."""

A_DAY = timedelta(days=1)
MAILS_PER_CHANNEL, MAILS_PER_TENANT = 3, 20
"""Links that may be mailed within a day: whom they go to has asked for nothing yet."""

State = Literal["verified", "pending", "expired"]

UNSUBSCRIBED = "Whoever reads this address asked for no more mail"
"""Why a channel is disabled after that."""


def verification_digest(token: str) -> bytes:
    """What is stored of a link's token, which is 256 random bits: 32 bytes."""
    return hashlib.sha256(b"verify an address\n" + token.encode("utf-8", "replace")).digest()


def verification_state(*, verified_at: datetime | None, is_over: bool) -> State:
    """What a channel shows. `is_over`: the newest link counts no more. Without any link it is pending still."""
    if verified_at is not None:
        return "verified"
    return "expired" if is_over else "pending"
