"""Tokens that stand in URLs of what is passed on: share links and feeds. 192 random bits; only a digest is stored.

What a token is for is part of its digest, so a share's token opens no feed.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import Literal

Purpose = Literal["share", "feed"]

ENTROPY_BYTES = 24
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
"""What a token looks like; nothing else is looked up."""


def make_token(entropy: bytes) -> str:
    """The token made of ENTROPY_BYTES random bytes drawn by the caller."""
    assert len(entropy) == ENTROPY_BYTES
    return base64.urlsafe_b64encode(entropy).decode()


def token_digest(token: str, purpose: Purpose, pepper: bytes) -> bytes | None:
    """What is stored of a token: 32 bytes. None where the text is no token at all."""
    if TOKEN.fullmatch(token) is None:
        return None
    return hmac.digest(pepper, f"{purpose}\n{token}".encode(), "sha256")
