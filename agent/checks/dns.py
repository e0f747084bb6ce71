"""The `dns` check: one question, and whether the answer is the expected one.

The agent's own resolvers are the operator's, so their silence or failure may be ours and proves nothing. A resolver
that the tenant chose is a target like any other: guarded, pinned to a judged address, and down when it does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from agent.checks.approach import MAX_RESOLVED, Approach, crowd_at
from agent.checks.check import CheckContext, CheckOutcome, Crowd, concluded, slowness
from agent.checks.deadline import failure_of
from agent.checks.dns_expected import Difference, compare
from agent.checks.dns_question import owner_name, split_server
from agent.checks.dns_server import ChosenServer
from agent.classify import CheckFailed, Failure
from agent.dns.exchange import StreamTimes
from agent.dns.values import describe, value_text
from agent.dns.wire import (
    NOERROR,
    NXDOMAIN,
    TYPE_NUMBERS,
    Query,
    Reply,
    Unanswered,
    WireError,
    follow,
    name_text,
    rcode_text,
)
from shared.checks.dns import DnsCheck
from shared.netpolicy import UrlRefused, judge_question
from shared.results import MESSAGE_LIMIT, Detail, Evidence, Outcome, Reason

MAX_ANSWERS = 32
"""Values and lines of evidence that are kept."""

_SHOWN = 200  # characters of one list of values in a message


def crowd(check: DnsCheck) -> Crowd:
    if check.resolver is None:
        return Crowd("resolver")
    try:
        return crowd_at(*split_server(check.resolver))
    except UrlRefused:
        return Crowd(check.resolver)


async def run(check: DnsCheck, context: CheckContext) -> CheckOutcome:
    """Ask once. Ends within `check.timeout` ms; whatever the server does comes back as a value."""
    inquiry = _Inquiry(check, context)
    failure = await failure_of(inquiry.ask(), timeout_ms=check.timeout, doing=lambda: inquiry.way.doing)
    return inquiry.concluded(failure or inquiry.judge())


class _Inquiry:
    """What is known so far of one run of the check. `way`: that to the server, where the tenant chose one."""

    __slots__ = (
        "_asked",
        "_check",
        "_chosen",
        "_context",
        "_ended",
        "_kind",
        "_reply",
        "_server",
        "_times",
        "_values",
        "way",
    )

    def __init__(self, check: DnsCheck, context: CheckContext) -> None:
        self._check = check
        self._context = context
        self._kind = TYPE_NUMBERS[check.record_type]
        self.way = Approach(context.dialer)
        self._ended: float | None = None
        self._times = StreamTimes()
        self._chosen: ChosenServer | None = None
        self._server: tuple[str, int] | None = None
        self._asked: Query | None = None
        self._reply: Reply | None = None
        self._values: tuple[str, ...] = ()

    # -- asking

    async def ask(self) -> None:
        """Get the reply. Raises what classify knows, and CheckFailed."""
        name = owner_name(self._check.name, self._kind)
        if self._check.resolver is None:
            judge_question(self._check.name, self._context.dialer.policy)
            asked = await self._context.resolver.ask(name, self._kind, times=self._times)
            self._asked, self._reply, self._server = asked
        else:
            await self._ask_chosen(name, self._check.resolver)
        self._ended = perf_counter()

    async def _ask_chosen(self, name: str, resolver: str) -> None:
        chosen = self._chosen = ChosenServer(resolver, self._context)
        addresses = await self.way.addresses_of(chosen.host)
        self.way.doing = "waiting for the DNS answer"
        try:
            self._asked, self._reply = await chosen.ask(addresses, name, self._kind, times=self._times)
        except Unanswered as error:
            message = f"The resolver is of no use: {error}"
            raise CheckFailed(Failure(Outcome.DOWN, Reason.PROTOCOL, message)) from None

    # -- conclusions

    def judge(self) -> Failure | None:
        """What is wrong with the reply, or None."""
        assert self._reply is not None
        name, rcode = self._check.name, self._reply.rcode
        if rcode == NXDOMAIN:
            return _down(Reason.DNS, f"{name} does not exist (NXDOMAIN)")
        if rcode != NOERROR:
            return _down(Reason.DNS, f"The resolver answered {rcode_text(rcode)} to the question for {name}")
        try:
            return self._judge_values() or slowness(self._total(), limit_ms=self._check.degraded_above_ms)
        except WireError as error:
            return self._broken(error)

    def _judge_values(self) -> Failure | None:
        assert self._asked is not None
        assert self._reply is not None
        check, reply = self._check, self._reply
        records, aliases = follow(self._asked, reply)
        values = tuple(dict.fromkeys(value_text(reply.data, record) for record in records))
        self._values = values
        if not values:
            whose = f"{check.name}, an alias of {name_text(aliases[-1])}," if aliases else check.name
            return _down(Reason.DNS, f"{whose} has no {check.record_type} record")
        difference = compare(values, record_type=check.record_type, expected=check.expected, exact=check.exact)
        return None if difference is None else _down(Reason.ASSERTION, self._words(difference))

    def _words(self, difference: Difference) -> str:
        check, got = self._check, _listed(self._values)
        if difference.missing:
            return f"Expected {_listed(difference.missing)} among the {check.record_type} records, got {got}"
        return f"Did not expect {_listed(difference.surplus)} among the {check.record_type} records, got {got}"

    def _broken(self, error: WireError) -> Failure:
        message = f"The DNS answer for {self._check.name} is broken: {error}"
        if self._check.resolver is not None:
            return _down(Reason.PROTOCOL, message)
        return Failure(Outcome.ERROR, Reason.UNHEALTHY, message, if_resolver_works=Reason.DNS)

    def _total(self) -> float:
        return (self._ended or perf_counter()) - self.way.started

    def concluded(self, failure: Failure | None) -> CheckOutcome:
        total, times, phases = self._total(), self._times, self.way.phases
        phases.connect, phases.tls = times.connect, times.tls
        if self._ended is not None:
            phases.ttfb = total - (phases.dns or 0.0) - (times.connect or 0.0) - (times.tls or 0.0)
        return concluded(failure, phases=phases, total=total, detail=self._detail(failure))

    def _detail(self, failure: Failure | None) -> Detail:
        return Detail(
            message=None if failure is None else _clean(failure.message),
            address=self._asked_at[0],
            answers=tuple(_clean(value) for value in self._values[:MAX_ANSWERS]),
            evidence=None if failure is None else self._evidence(),
        )

    def _evidence(self) -> Evidence:
        reply = self._reply
        lines = () if reply is None else describe(reply, limit=MAX_ANSWERS)
        return Evidence(
            status_line=self._status_line(),
            resolved=self.way.resolved[:MAX_RESOLVED],
            answers=tuple(_clean(line) for line in lines),
        )

    def _status_line(self) -> str | None:
        """Who said what in which way: `NXDOMAIN (qr rd ra) from 192.0.2.53 port 53 over UDP`."""
        address, port = self._asked_at
        if address is None:
            return None
        source = f"{address} port {port} over {self._times.over}"
        if self._reply is None:
            return f"No answer from {source}"[:200]
        return f"{rcode_text(self._reply.rcode)} ({self._reply.flag_names}) from {source}"[:200]

    @property
    def _asked_at(self) -> tuple[str | None, int | None]:
        """Address and port of the server that answered or, of a chosen one, was asked last."""
        if self._chosen is not None:
            return self._chosen.address, self._chosen.port
        return self._server or (None, None)


def _down(reason: Reason, message: str) -> Failure:
    return Failure(Outcome.DOWN, reason, message)


def _listed(values: Sequence[str]) -> str:
    text = ", ".join(values[:MAX_ANSWERS])
    return text if len(text) <= _SHOWN and len(values) <= MAX_ANSWERS else text[:_SHOWN] + "…"


def _clean(text: str) -> str:
    """A stranger's text as one storable line."""
    if text.isprintable():
        return text[:MESSAGE_LIMIT]
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:MESSAGE_LIMIT])
