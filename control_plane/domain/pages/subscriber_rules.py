"""Who subscribes to a status page, how they are asked first, and how often. Pure.

Nobody is told anything before whoever reads the address, runs the receiver or uses the browser has said yes. What is
sent before that, and what says "you are subscribed already", is counted: it goes to people who may have asked for
nothing.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

Kind = Literal["email", "webhook", "web_push"]
Source = Literal["public", "tenant"]
State = Literal["pending", "confirmed"]

CONFIRM_WITHIN = timedelta(hours=24)
"""How long somebody may take to say yes; then the subscription is deleted."""

A_DAY = timedelta(days=1)
ASKS_PER_PAGE, ASKS_PER_ADDRESS = 3, 10
"""Messages within a day that nobody has agreed to: to one address for one page, and for all pages there are."""

NOTE_LIMIT = 500
"""Characters of a tenant's note on how it came by an address."""

MOST_CHOSEN = 500
"""Components that one subscriber may choose: as many as a page may have."""

GIVEN_UP_LIMIT = 3
"""Messages in a row that were given up, after which nobody is taken to be there."""

BURST, BURST_REFILL = 5, timedelta(minutes=1)
"""So many messages at once to a person; after that one a minute, which tells all that has come meanwhile."""

_LABEL = b"page subscriber 1\n"


class Target(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a subscription leads: an e-mail address, a webhook's URL with its secret, or a browser with its keys.

    All of it is sealed. `address` is the mail address, the URL, or the endpoint of the push service.
    """

    address: str
    secret: str = ""
    p256dh: str = ""
    auth: str = ""


def target_digest(kind: Kind, address: str, *, pepper: bytes) -> bytes:
    """By which an address is found again: 32 bytes, the same on every page. Mailboxes differ in case to nobody."""
    folded = address.lower() if kind == "email" else address
    return hmac.digest(pepper, _LABEL + f"{kind}\n{folded}".encode("utf-8", "replace"), "sha256")


def shown_address(kind: Kind, address: str) -> str:
    """What a tenant reads of it: an e-mail address whole; of the rest the host, since paths there are credentials."""
    if kind == "email":
        return address
    return f"https://{urlsplit(address).hostname or ''}/…"
