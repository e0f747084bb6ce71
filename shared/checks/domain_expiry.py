"""The `domain_expiry` check: how long a domain's registration is still paid for, by RDAP (RFC 9082, RFC 9083)."""

from __future__ import annotations

from msgspec import Struct


class DomainExpiryCheck(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="domain_expiry", forbid_unknown_fields=True
):
    """Parameters of a `domain_expiry` check. `timeout` in ms, `warn_days` and `critical_days` in days.

    `domain` is a registrable domain: one label below a public suffix.
    """

    domain: str
    warn_days: int = 30
    critical_days: int = 7
    timeout: int = 10_000
