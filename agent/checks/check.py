"""What a kind of check is: a function from parameters and context to an outcome. A failed check is a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from agent.classify import Failure
from agent.dialer import Dialer
from agent.dns.resolver import Resolver, no_hosts
from agent.icmp.echo import IcmpSockets, process_sockets
from agent.rdap.servers import RdapServers
from agent.tls.contexts import TlsContexts
from shared.results import Detail, Outcome, Reason


class CheckOutcome(Struct, frozen=True, kw_only=True):
    """What one check saw. Durations in ms, meanings as in shared.results."""

    outcome: Outcome
    reason: Reason = Reason.NONE
    http_status: int | None = None
    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    ttfb: float | None = None
    download: float | None = None
    total: float | None = None
    detail: Detail = Detail()
    if_resolver_works: Reason | None = None
    """On an `error` that is `down` for this reason once a resolver has answered another question (see classify)."""


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What every kind may use. `now_s`: the server's clock in Unix seconds, for what expires.

    `rdap`: the list of RDAP servers, which all checks of the process share. `resolver`: the agent's own DNS resolvers;
    without one there are none.
    """

    dialer: Dialer
    tls: TlsContexts
    now_s: Callable[[], float]
    icmp: IcmpSockets = field(default_factory=process_sockets)
    rdap: RdapServers = field(default_factory=RdapServers)
    resolver: Resolver = field(default_factory=lambda: Resolver(servers=tuple, hosts=no_hosts))


Checker = Callable[[Any, CheckContext], Awaitable[CheckOutcome]]


class Crowd(Struct, frozen=True, gc=False):
    """Whom a check burdens: of one `key`, and with `per_tenant` of one tenant, only so many may be under way."""

    key: str
    per_tenant: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of check: its work, and whom it burdens. `run` ends within the check's timeout and raises nothing.

    `crowd` must be cheap (it is asked at each start) and never raise, whatever the check says.
    """

    run: Checker
    crowd: Callable[[Any], Crowd]


class Phases:
    """Where the time of a check went, in seconds; None while a phase has not happened or has not ended.

    Redirects add up per phase.
    """

    __slots__ = ("connect", "dns", "download", "tls", "ttfb")

    def __init__(self) -> None:
        self.dns: float | None = None
        self.connect: float | None = None
        self.tls: float | None = None
        self.ttfb: float | None = None
        self.download: float | None = None


def in_ms(seconds: float | None) -> float | None:
    """Milliseconds to the microsecond, which is all that a loop can honestly tell.

    By way of an integer: `round` to digits goes through decimal text, at four times the cost.
    """
    return None if seconds is None else round(seconds * 1e6) / 1000


def concluded(
    failure: Failure | None, *, phases: Phases, total: float | None, detail: Detail, http_status: int | None = None
) -> CheckOutcome:
    """The outcome of a check that `failure` is all that is wrong with. `total` in seconds."""
    return CheckOutcome(
        outcome=Outcome.UP if failure is None else failure.outcome,
        reason=Reason.NONE if failure is None else failure.reason,
        http_status=http_status,
        dns=in_ms(phases.dns),
        connect=in_ms(phases.connect),
        tls=in_ms(phases.tls),
        ttfb=in_ms(phases.ttfb),
        download=in_ms(phases.download),
        total=in_ms(total),
        detail=detail,
        if_resolver_works=None if failure is None else failure.if_resolver_works,
    )


def slowness(total: float, *, limit_ms: int | None) -> Failure | None:
    """What is wrong with a check that took `total` seconds and is otherwise well."""
    if limit_ms is None or total * 1000 <= limit_ms:
        return None
    return Failure(Outcome.DEGRADED, Reason.SLOW, f"It took {total * 1000:.0f} ms, more than {limit_ms} ms")
