"""What one region saw for one slot of a monitor: the item that agents ship and the control plane stores.

The numbers of outcomes and reasons are stored and sent: a name may be added at the end, never moved.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

MESSAGE_LIMIT = 500
"""Characters of a result's message."""

BODY_EXCERPT_LIMIT = 2048
"""Bytes of a target's body kept as evidence."""


class Outcome(StrEnum):
    """`error` is our own inability to judge: it never votes and never counts in uptime."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    ERROR = "error"


class Reason(StrEnum):
    """Why a check came out as it did: a closed list, used on the wire, in metrics and on screens."""

    NONE = "none"  # up, nothing to say
    TIMEOUT = "timeout"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    PROTOCOL = "protocol"  # the peer broke its protocol
    STATUS = "status"
    ASSERTION = "assertion"
    EXPIRED = "expired"
    EXPIRING = "expiring"
    SLOW = "slow"  # above degraded_above_ms
    RATE_LIMITED = "rate_limited"  # 429, or 503 with Retry-After
    REDIRECT = "redirect"  # too many, or one that we refuse to follow
    LOSS = "loss"
    # reasons of `error`
    BLOCKED = "blocked"  # the address guard refused
    UNHEALTHY = "unhealthy"  # the agent's own self-test fails
    CREDENTIAL = "credential"  # the stored credential could not be opened
    INTERNAL = "internal"  # our own fault
    INCAPABLE = "incapable"  # this agent lacks what the check needs: ICMP, IPv6, an RDAP server for the domain
    UPSTREAM = "upstream"  # a third party that the check depends on does not answer: RDAP


OUTCOMES: tuple[Outcome, ...] = tuple(Outcome)
REASONS: tuple[Reason, ...] = tuple(Reason)


class Timings(Struct, frozen=True, omit_defaults=True):
    """Phase durations in milliseconds; null where the phase did not happen or did not end.

    Same meaning as blackbox_exporter's phases: `ttfb` runs from the request's last byte to the response's first
    ("processing"), `download` from there to its last byte; redirects add up per phase.
    """

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    ttfb: float | None = None
    download: float | None = None
    total: float | None = None


Text = Annotated[str, Meta(max_length=MESSAGE_LIMIT)]
ShortText = Annotated[str, Meta(max_length=200)]
Instant = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class PingFacts(Struct, frozen=True, omit_defaults=True, gc=False):
    """What `ping` counted. Round trips in ms; null when nothing came back."""

    sent: int
    received: int
    min: float | None = None
    avg: float | None = None
    max: float | None = None
    stddev: float | None = None


class CertificateFacts(Struct, frozen=True, omit_defaults=True, gc=False):
    """What `tls_cert` read from the leaf certificate and its chain. Instants in Unix seconds."""

    subject: Text
    issuer: Text
    serial: ShortText
    """Hexadecimal, lower case."""
    fingerprint: ShortText
    """SHA-256 of the DER form, hexadecimal, lower case."""
    not_before: Instant
    not_after: Instant
    is_trusted: bool
    """Whether the chain leads to an authority that this agent trusts, as of now."""
    host_matches: bool
    trust_problem: Text | None = None
    names: Annotated[tuple[ShortText, ...], Meta(max_length=100)] = ()
    """Subject alternative names, the first 100."""
    names_total: int = 0
    chain: Annotated[tuple[Text, ...], Meta(max_length=10)] = ()
    """Subjects of the presented certificates, leaf first."""


class DomainFacts(Struct, frozen=True, omit_defaults=True, gc=False):
    """What `domain_expiry` read from the registry. `expires_at` in Unix seconds."""

    expires_at: Instant
    registrar: Text | None = None
    status: Annotated[tuple[ShortText, ...], Meta(max_length=32)] = ()
    server: Text | None = None
    """The RDAP server that said so."""


class Evidence(Struct, frozen=True, omit_defaults=True, gc=False):
    """What was seen at the first failure of a run. Secrets are masked by the agent before it is sent."""

    status_line: ShortText | None = None
    headers: Annotated[dict[ShortText, Text], Meta(max_length=20)] = {}
    body_excerpt: Annotated[str, Meta(max_length=BODY_EXCERPT_LIMIT)] | None = None
    resolved: Annotated[tuple[ShortText, ...], Meta(max_length=32)] = ()
    redirects: Annotated[tuple[Annotated[str, Meta(max_length=2048)], ...], Meta(max_length=11)] = ()
    chain: Annotated[tuple[Text, ...], Meta(max_length=10)] = ()
    """The presented certificates in words, leaf first."""
    answers: Annotated[tuple[Text, ...], Meta(max_length=32)] = ()
    """What a DNS server answered, a record each."""


class Detail(Struct, frozen=True, omit_defaults=True, gc=False):
    """The rarer parts of a result, kept as one JSON column."""

    message: Text | None = None
    address: ShortText | None = None
    http_version: ShortText | None = None
    tls_version: ShortText | None = None
    cipher: ShortText | None = None
    cert_expires_at: Instant | None = None
    """Unix seconds: the earliest notAfter in the presented chain."""
    answers: Annotated[tuple[Text, ...], Meta(max_length=32)] = ()
    """The values that a `dns` check got."""
    ping: PingFacts | None = None
    certificate: CertificateFacts | None = None
    domain: DomainFacts | None = None
    lag_ms: float | None = None
    """Set when the agent's own loop was late enough to have touched the timings."""
    late_ms: float | None = None
    """How much later than its slot the check started, when that is more than a second."""
    evidence: Evidence | None = None


_Duration = Annotated[float, Meta(ge=0, le=2_147_483)]
"""Ms: what fits a column of 32 bits in microseconds, about 35 minutes."""


class CheckResult(Struct, frozen=True, omit_defaults=True, gc=False):
    """One result as it travels. Its natural key is (monitor, the sender's region, slot). Durations in ms."""

    monitor_id: UUID
    check_version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    slot: Annotated[int, Meta(ge=0, le=2**53)]
    outcome: Outcome
    reason: Reason = Reason.NONE
    http_status: Annotated[int, Meta(ge=0, le=999)] | None = None
    dns: _Duration | None = None
    connect: _Duration | None = None
    tls: _Duration | None = None
    ttfb: _Duration | None = None
    download: _Duration | None = None
    total: _Duration | None = None
    detail: Detail | UnsetType = UNSET
    dispatch_id: UUID | UnsetType = UNSET
    """Set when a re-check or check-now asked for it."""
