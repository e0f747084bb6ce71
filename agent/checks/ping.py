"""The `ping` check: echo requests at an even pace, and how many came back how fast."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from time import perf_counter

import msgspec

from agent import classify
from agent.capabilities import has_route
from agent.checks.check import CheckContext, CheckOutcome, Crowd, in_ms
from agent.classify import Failure
from agent.dialer import address_text, is_unreachable, told
from agent.icmp import Echoes
from agent.icmp_socket import IcmpForbidden
from shared.checks.ping import PingCheck
from shared.netpolicy import UrlRefused, parse_host_text
from shared.results import MESSAGE_LIMIT, Detail, Evidence, Outcome, PingFacts, Reason

LONGEST_PAUSE_S = 0.2
"""Between two requests of a check."""

MOST_REQUESTS = 100
"""Of one check, whatever it asks for."""

_MAX_RESOLVED = 32


def crowd(check: PingCheck) -> Crowd:
    return _crowd(check.host)


@lru_cache(maxsize=16_384)
def _crowd(host: str) -> Crowd:
    try:
        return Crowd(parse_host_text(host).name)
    except UrlRefused:
        return Crowd(host)


async def run(check: PingCheck, context: CheckContext) -> CheckOutcome:
    """Examine one target. Ends within `check.timeout` ms; whatever the target does comes back as a value."""
    visit = _Visit(check, context)
    deadline = asyncio.timeout(check.timeout / 1000)
    try:
        async with deadline:  # of finding alone: asking keeps to it by itself, and tells what came until then
            addresses, literal = await visit.find()
        return visit.judged(await visit.ask(addresses, literal=literal))
    except IcmpForbidden as error:
        return visit.failed(Failure(Outcome.ERROR, Reason.INCAPABLE, str(error.strerror)))
    except classify.EXPECTED as error:
        if isinstance(error, TimeoutError) and deadline.expired():
            return visit.failed(classify.timed_out(classify.RESOLVING, timeout_ms=check.timeout))
        return visit.failed(classify.classify(error))


class _Visit:
    """What is known so far of one run of the check, kept so that a failure still tells how far it came."""

    __slots__ = ("_address", "_check", "_context", "_dns", "_resolved", "_started")

    def __init__(self, check: PingCheck, context: CheckContext) -> None:
        self._check = check
        self._context = context
        self._started = perf_counter()
        self._address: str | None = None
        self._dns: float | None = None
        self._resolved: tuple[str, ...] = ()

    async def find(self) -> tuple[Sequence[str], bool]:
        """The addresses worth trying, best first, and whether the check names its address itself.

        Raises what classify knows.
        """
        dialer = self._context.dialer
        host = dialer.host(self._check.host)
        if host.is_literal:
            return dialer.of_family((host.name,)), True
        before = perf_counter()
        answers = await dialer.resolve(host.name)
        self._dns = perf_counter() - before
        self._resolved = tuple(map(address_text, answers.addresses))
        return _one_of_each_family(dialer.of_family(self._resolved)), False

    async def ask(self, addresses: Sequence[str], *, literal: bool) -> Echoes:
        """Send the requests and wait for what comes back. Raises what classify knows, or IcmpForbidden."""
        check = self._check
        echoes = self._first_request(addresses, literal=literal)
        try:
            count = min(max(check.count, 1), MOST_REQUESTS)
            # The second half of the time left belongs to the answers alone.
            pause = min(LONGEST_PAUSE_S, self._time_left() / 2 / count)
            for _ in range(count - 1):
                await asyncio.sleep(pause)
                echoes.send()
            await echoes.settle(self._time_left())
        except OSError as failure:
            raise told(failure, echoes.address) from None
        finally:
            echoes.close()
        return echoes

    def _first_request(self, addresses: Sequence[str], *, literal: bool) -> Echoes:
        """The first address that a request can be sent to at all is the one that is examined."""
        for number, address in enumerate(addresses, 1):
            self._address = address
            try:
                return self._send_first(address, literal=literal)
            except OSError as failure:
                if number == len(addresses) or not is_unreachable(failure):
                    raise told(failure, address) from None
        raise ValueError("there is no address")

    def _send_first(self, address: str, *, literal: bool) -> Echoes:
        dialer = self._context.dialer
        echoes = self._context.icmp.echoes(
            address, policy=dialer.policy, literal=literal, source=dialer.source_for(address)
        )
        echoes.send()
        return echoes

    def _time_left(self) -> float:
        return self._started + self._check.timeout / 1000 - perf_counter()

    # -- conclusions

    def judged(self, echoes: Echoes) -> CheckOutcome:
        facts = facts_of(echoes)
        return self._outcome(judge(self._check, facts, echoes), facts)

    def failed(self, failure: Failure) -> CheckOutcome:
        outcome = self._outcome(failure, None)
        return msgspec.structs.replace(outcome, if_resolver_works=failure.if_resolver_works)

    def _outcome(self, failure: Failure | None, facts: PingFacts | None) -> CheckOutcome:
        """`total` is the time that is the target's: not the pauses, unless nothing came back at all."""
        mean = None if facts is None else facts.avg
        dns = in_ms(self._dns)
        total = in_ms(perf_counter() - self._started) if mean is None else round((dns or 0.0) + mean, 3)
        return CheckOutcome(
            outcome=Outcome.UP if failure is None else failure.outcome,
            reason=Reason.NONE if failure is None else failure.reason,
            dns=dns,
            ttfb=mean,
            total=total,
            detail=Detail(
                message=None if failure is None else failure.message[:MESSAGE_LIMIT],
                address=self._address,
                ping=facts,
                evidence=None if failure is None else Evidence(resolved=self._resolved[:_MAX_RESOLVED]),
            ),
        )


def _one_of_each_family(addresses: Sequence[str]) -> Sequence[str]:
    """The first IPv6 and the first IPv4 address; IPv6 comes first where this machine has a route for it."""
    v6 = [address for address in addresses if ":" in address][:1]
    v4 = [address for address in addresses if ":" not in address][:1]
    return v6 + v4 if has_route(6) else v4 + v6


def facts_of(echoes: Echoes) -> PingFacts:
    trips = [seconds * 1000 for seconds in echoes.round_trips]
    if not trips:
        return PingFacts(sent=echoes.sent, received=0)
    mean = sum(trips) / len(trips)
    return PingFacts(
        sent=echoes.sent,
        received=len(trips),
        min=round(min(trips), 3),
        avg=round(mean, 3),
        max=round(max(trips), 3),
        stddev=round(sqrt(sum((trip - mean) ** 2 for trip in trips) / len(trips)), 3),
    )


def judge(check: PingCheck, facts: PingFacts, echoes: Echoes) -> Failure | None:
    """What is wrong, or None. With no answer at all the target is down, whatever loss is allowed."""
    lost = facts.sent - facts.received
    percent = 100 * lost / facts.sent
    if facts.avg is None or percent > check.max_loss_pct:
        if echoes.was_overrun:
            text = "This agent's ICMP socket overflowed, so that answers may have been lost here"
            return Failure(Outcome.ERROR, Reason.INTERNAL, text)
        said = f": {echoes.complaints[-1]}" if echoes.complaints else ""
        message = f"{lost} of {facts.sent} echo requests stayed unanswered ({percent:.0f} % lost){said}"
        return Failure(Outcome.DOWN, Reason.LOSS, message)
    limit = check.degraded_above_ms
    if limit is not None and facts.avg > limit:
        message = f"The mean round trip took {facts.avg:.0f} ms, more than {limit} ms"
        return Failure(Outcome.DEGRADED, Reason.SLOW, message)
    return None
