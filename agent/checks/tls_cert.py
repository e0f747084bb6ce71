"""The `tls_cert` check: the certificate that a server presents, read whatever it is worth, and how long it still holds.

Trust and names are told, not judged: people watch the certificates of their own authorities with this kind.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from time import perf_counter

import msgspec

from agent import chain_trust, classify
from agent.certificates import describe, earliest_expiry
from agent.checks.certificate_verdict import Verdict, judge
from agent.checks.check import CheckContext, CheckOutcome, Crowd, Phases, in_ms
from agent.checks.tls_handshake import TlsHandshake
from agent.classify import Failure
from agent.dialer import address_text
from agent.tls import TlsPipe
from shared.checks.tls_cert import TlsCertCheck
from shared.netpolicy import Host, UrlRefused, judge_host_text, judge_port, parse_host_text
from shared.results import MESSAGE_LIMIT, CertificateFacts, Detail, Evidence, Outcome

_MAX_RESOLVED = 32


def crowd(check: TlsCertCheck) -> Crowd:
    return _crowd(check.host, check.port)


@lru_cache(maxsize=16_384)
def _crowd(host: str, port: int) -> Crowd:
    try:
        return Crowd(f"{parse_host_text(host).name}:{port}")
    except UrlRefused:
        return Crowd(f"{host}:{port}")


async def run(check: TlsCertCheck, context: CheckContext) -> CheckOutcome:
    """Examine one server. Ends within `check.timeout` ms; whatever the server does comes back as a value."""
    visit = _Visit(check, context)
    deadline = asyncio.timeout(check.timeout / 1000)
    try:
        async with deadline:
            await visit.shake_hands()
    except classify.EXPECTED as error:
        error.__traceback__ = None  # its frames hold the connection's buffers, in a circle that only the collector ends
        if isinstance(error, TimeoutError) and deadline.expired():
            return visit.failed(classify.timed_out(visit.doing, timeout_ms=check.timeout))
        return visit.failed(classify.classify(error))
    return visit.judged()


class _Visit:
    """What is known so far of one run of the check, kept so that a failure still tells how far it came."""

    __slots__ = (
        "_check",
        "_context",
        "_handshake",
        "_name",
        "_resolved",
        "_since",
        "_started",
        "address",
        "doing",
        "phases",
    )

    def __init__(self, check: TlsCertCheck, context: CheckContext) -> None:
        self._check = check
        self._context = context
        self._handshake: TlsHandshake | None = None
        self._name = ""
        self._resolved: tuple[str, ...] = ()
        self._started = self._since = perf_counter()
        self.address: str | None = None
        self.doing = classify.RESOLVING
        self.phases = Phases()

    async def shake_hands(self) -> None:
        """Raises what classify knows."""
        host = self._judged_host()
        handshake = self._handshake = await self._connect(host, await self._addresses(host))
        self.doing = "the TLS handshake"
        try:
            handshake.begin()
            await handshake.done
        finally:
            if handshake.ended_at is not None and not _has_failed(handshake):
                self.phases.tls = handshake.ended_at - handshake.connected_at
            handshake.abort()

    def _judged_host(self) -> Host:
        check, policy = self._check, self._context.dialer.policy
        host = parse_host_text(check.host)
        judge_host_text(host, policy)
        judge_port(check.port, policy)
        self._name = host.name if check.server_name is None else _server_name(check.server_name)
        return host

    async def _addresses(self, host: Host) -> tuple[str, ...]:
        if host.is_literal:
            return (host.name,)
        answers = await self._context.dialer.resolve(host.name)
        self._since = perf_counter()  # connecting begins where this ends: a busy loop leaves no gap between phases
        self.phases.dns = self._since - self._started
        self._resolved = tuple(address_text(address) for address in answers.addresses)
        return self._resolved

    async def _connect(self, host: Host, addresses: tuple[str, ...]) -> TlsHandshake:
        self.doing = "connecting"
        tls = self._context.tls.for_reading()

        def make() -> TlsHandshake:
            return TlsHandshake(TlsPipe(tls, server_name=self._name))

        handshake, self.address = await self._context.dialer.connect(
            addresses, port=self._check.port, literal=host.is_literal, factory=make
        )
        self.phases.connect = handshake.connected_at - self._since
        return handshake

    # -- conclusions

    def judged(self) -> CheckOutcome:
        total = self._total()
        assert self._handshake is not None
        chain = self._handshake.tls.chain()
        trust = chain_trust.verify(chain, self._context.tls.for_judging())
        verdict = judge(self._check, chain, trust, host=self._name, now_s=self._context.now_s())
        return self._outcome(verdict, total, verdict.facts)

    def failed(self, failure: Failure) -> CheckOutcome:
        verdict = Verdict(failure.outcome, failure.reason, failure.message)
        outcome = self._outcome(verdict, self._total(), None)
        return msgspec.structs.replace(outcome, if_resolver_works=failure.if_resolver_works)

    def _total(self) -> float:
        ended = None if self._handshake is None else self._handshake.ended_at
        return (ended or perf_counter()) - self._started

    def _outcome(self, verdict: Verdict, total: float, facts: CertificateFacts | None) -> CheckOutcome:
        return CheckOutcome(
            outcome=verdict.outcome,
            reason=verdict.reason,
            dns=in_ms(self.phases.dns),
            connect=in_ms(self.phases.connect),
            tls=in_ms(self.phases.tls),
            total=in_ms(total),
            detail=self._detail(verdict, facts),
        )

    def _detail(self, verdict: Verdict, facts: CertificateFacts | None) -> Detail:
        tls = None if self._handshake is None else self._handshake.tls
        chain = [] if tls is None else tls.chain()
        is_good = verdict.outcome is Outcome.UP
        return Detail(
            message=None if verdict.message is None else verdict.message[:MESSAGE_LIMIT],
            address=self.address,
            tls_version=None if tls is None else tls.version,
            cipher=None if tls is None else tls.cipher,
            cert_expires_at=earliest_expiry(chain),
            certificate=facts,
            evidence=None if is_good else Evidence(resolved=self._resolved[:_MAX_RESOLVED], chain=describe(chain)),
        )


def _has_failed(handshake: TlsHandshake) -> bool:
    done = handshake.done
    return not done.done() or done.cancelled() or done.exception() is not None


def _server_name(text: str) -> str:
    """Raises UrlRefused: SNI carries DNS names only (RFC 6066 section 3)."""
    host = parse_host_text(text)
    if host.is_literal:
        raise UrlRefused("INVALID_URL_FORMAT", "server_name must be a DNS name; an address has no place in SNI")
    return host.name
