"""Links by which somebody connects a chat or a channel: how long they count, what each may make. Pure.

A code is 192 random bits, in letters that may stand in a URL and in the start parameter of a Telegram deep link, which
takes up to 64 of A-Z a-z 0-9 _ - (https://core.telegram.org/bots/features#deep-linking). Only its digest is stored.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Literal

Purpose = Literal["telegram", "whatsapp", "delegate"]
State = Literal["pending", "consumed", "expired"]
"""A link that was revoked reads as expired."""

LASTS: Mapping[Purpose, timedelta] = {
    "telegram": timedelta(minutes=15),
    "whatsapp": timedelta(minutes=15),
    "delegate": timedelta(days=7),
}

MAX_PENDING = 10
"""Links of one purpose that a tenant may have outstanding."""

LIMIT_CODES: Mapping[Purpose, str] = {
    "telegram": "TELEGRAM_LINK_LIMIT",
    "whatsapp": "WHATSAPP_LINK_LIMIT",
    "delegate": "DELEGATE_LINK_LIMIT",
}

ENTROPY_BYTES = 24

CODE = re.compile(r"[A-Za-z0-9_-]{32}")
"""What a code looks like; nothing else is looked up."""

NAME_LIMIT = 100

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_MADE_BY: Mapping[Purpose, frozenset[str]] = {
    "telegram": frozenset({"telegram_app"}),
    "whatsapp": frozenset({"whatsapp_app"}),
}


def make_code(entropy: bytes) -> str:
    """The code made of ENTROPY_BYTES random bytes drawn by the caller."""
    assert len(entropy) == ENTROPY_BYTES
    return base64.urlsafe_b64encode(entropy).decode()


def code_digest(code: str, pepper: bytes) -> bytes:
    """What is stored of a code: 32 bytes."""
    return hmac.digest(pepper, b"channel link\n" + code.encode("utf-8", "replace"), "sha256")


def may_make(purpose: Purpose, only: str | None, kind: str) -> bool:
    """Whether a link may make a channel of this kind. `only`: the one kind that a delegation names, or None."""
    made = _MADE_BY.get(purpose)
    return kind in made if made is not None else only in (None, kind)


def shown_name(*given: str | None) -> str:
    """The first of these that says something, as a channel's name: one line of at most NAME_LIMIT characters."""
    for each in given:
        plain = " ".join(_UNPRINTABLE.sub(" ", each or "").split())[:NAME_LIMIT].strip()
        if plain:
            return plain
    return "Linked channel"


def free_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, with a number behind it where a channel has that name already."""
    number, name = 1, wanted
    while name in taken:
        number += 1
        end = f" ({number})"
        name = wanted[: NAME_LIMIT - len(end)].rstrip() + end
    return name
