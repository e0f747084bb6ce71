"""The `ping` check: echo requests at an even pace, and how many came back how fast."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import sqrt
from time import perf_counter

from agent.checks.approach import MAX_RESOLVED, Approach, crowd_at
from agent.checks.check import CheckContext, CheckOutcome, Crowd, concluded
from agent.checks.deadline import failure_of
from agent.classify import Failure
from agent.dialer import is_unreachable, told
from agent.health.capabilities import has_route
from agent.icmp.echo import Echoes
from shared.checks.ping import PingCheck
from shared.results import MESSAGE_LIMIT, Detail, Evidence, Outcome, PingFacts, Reason

LONGEST_PAUSE_S = 0.2
"""Between two requests of a check."""

MOST_REQUESTS = 100
"""Of one check, whatever it asks for."""


def crowd(check: PingCheck) -> Crowd:
    return crowd_at(check.host)


async def run(check: PingCheck, context: CheckContext) -> CheckOutcome:
    """Examine one target. Ends within `check.timeout` ms; whatever the target does comes back as a value."""
    visit = _Visit(check, context)
    # Of finding alone: asking keeps to the time by itself, and tells what came until then.
    failure = await failure_of(visit.find(), timeout_ms=check.timeout, doing=lambda: visit.way.doing)
    if failure is None:
        failure = await failure_of(visit.ask(), timeout_ms=None, doing=lambda: visit.way.doing)
    return visit.judged() if failure is None else visit.failed(failure)


class _Visit:
    """What is known so far of one run of the check."""

    __slots__ = ("_addresses", "_check", "_context", "_echoes", "_is_literal", "way")

    def __init__(self, check: PingCheck, context: CheckContext) -> None:
        self.way = Approach(context.dialer)
        self._check = check
        self._context = context
        self._is_literal = False
        self._addresses: Sequence[str] = ()
        self._echoes: Echoes | None = None

    async def find(self) -> None:
        """Find the addresses worth trying, best first. Raises what classify knows."""
        dialer = self._context.dialer
        host = dialer.host(self._check.host)
        addresses = dialer.of_family(await self.way.addresses_of(host))
        self._is_literal = host.is_literal
        self._addresses = addresses if host.is_literal else _one_of_each_family(addresses)

    async def ask(self) -> None:
        """Send the requests and wait for what comes back. Raises what classify knows."""
        check = self._check
        echoes = self._echoes = self._first_request()
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

    def _first_request(self) -> Echoes:
        """The first address that a request can be sent to at all is the one that is examined."""
        for number, address in enumerate(self._addresses, 1):
            self.way.address = address
            try:
                return self._send_first(address)
            except OSError as failure:
                if number == len(self._addresses) or not is_unreachable(failure):
                    raise told(failure, address) from None
        raise ValueError("there is no address")

    def _send_first(self, address: str) -> Echoes:
        dialer = self._context.dialer
        echoes = self._context.icmp.echoes(
            address, policy=dialer.policy, literal=self._is_literal, source=dialer.source_for(address)
        )
        echoes.send()
        return echoes

    def _time_left(self) -> float:
        return self.way.started + self._check.timeout / 1000 - perf_counter()

    # -- conclusions

    def judged(self) -> CheckOutcome:
        assert self._echoes is not None
        facts = facts_of(self._echoes)
        return self._concluded(judge(self._check, facts, self._echoes), facts)

    def failed(self, failure: Failure) -> CheckOutcome:
        return self._concluded(failure, None)

    def _concluded(self, failure: Failure | None, facts: PingFacts | None) -> CheckOutcome:
        """`total` is the time that is the target's: not the pauses, unless nothing came back at all."""
        way = self.way
        total = perf_counter() - way.started
        if facts is not None and facts.avg is not None:
            way.phases.ttfb = facts.avg / 1000
            total = (way.phases.dns or 0.0) + way.phases.ttfb
        detail = Detail(
            message=None if failure is None else failure.message[:MESSAGE_LIMIT],
            address=way.address,
            ping=facts,
            evidence=None if failure is None else Evidence(resolved=way.resolved[:MAX_RESOLVED]),
        )
        return concluded(failure, phases=way.phases, total=total, detail=detail)


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
