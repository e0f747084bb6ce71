"""Which names can be proven, and what counts as a proof. Pure.

A proof is the token of the domain, alone on a line of `/.well-known/farwatch/<path_token>.txt` or in a TXT record of
`_farwatch.<domain>`. It speaks for every name below; so a public suffix (publicsuffix.org) can belong to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from control_plane.domain.field_rules import refuse
from control_plane.domain.safety.registrable_domain import domain_of
from control_plane.domain.safety.safety import read_name
from shared.netpolicy import UrlRefused

State = Literal["pending", "verified", "grace", "lapsed"]
Method = Literal["file", "txt"]

RECHECK = timedelta(days=7)
GRACE = timedelta(days=7)
AGAIN_IN_GRACE = timedelta(hours=12)
MAX_DOMAINS = 100
"""Of one tenant."""


class Standing(Struct, frozen=True):
    """What is known of a proof. `next_check_at` is None while nobody looks by himself."""

    state: State
    method: Method | None = None
    verified_at: datetime | None = None
    next_check_at: datetime | None = None
    failed_since: datetime | None = None


def read_domain(value: str, pointer: str = "/domain") -> str:
    """The canonical domain of a name or URL. Raises BadRequest INVALID_DOMAIN."""
    try:
        name = read_name(value.strip())
    except (UrlRefused, ValueError) as refused:
        refuse("INVALID_DOMAIN", f"this is no domain such as example.com: {refused}", pointer)
    if domain_of(name) is None or name.replace(".", "").isdigit() or ":" in name:
        refuse("INVALID_DOMAIN", f"{name[:100]} is an address, a public suffix or no public name", pointer)
    return name


def covers(proven: str, domain: str) -> bool:
    """Whether a proof of the one counts for the other: for itself, and for all below it."""
    return domain == proven or domain.endswith(f".{proven}")


def path_of(path_token: str) -> str:
    """Where the file is looked for."""
    return f"/.well-known/farwatch/{path_token}.txt"


def record_of(domain: str) -> str:
    """Where the record is looked for."""
    return f"_farwatch.{domain}"


def is_proof(texts: Iterable[str], token: str) -> bool:
    """Whether one of the texts has the token alone on a line."""
    return any(line.strip() == token for text in texts for line in text.splitlines())


def after_look(before: Standing, method: Method | None, *, now: datetime) -> Standing:
    """The standing after a look that found a proof by this method, or none.

    A domain once verified keeps that for GRACE after the first look that failed; then it has lapsed.
    """
    if method is not None:
        return Standing("verified", method, now, now + RECHECK)
    if before.state in ("pending", "lapsed"):
        return Standing(before.state, before.method, before.verified_at, None, before.failed_since)
    failed_since = before.failed_since or now
    if now - failed_since >= GRACE:
        return Standing("lapsed", before.method, before.verified_at, None, failed_since)
    at = min(now + AGAIN_IN_GRACE, failed_since + GRACE)
    return Standing("grace", before.method, before.verified_at, at, failed_since)
