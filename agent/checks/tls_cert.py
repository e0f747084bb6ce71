"""The `tls_cert` check: the certificate that a server presents, read whatever it is worth, and how long it still holds.

Trust and names are told, not judged: people watch the certificates of their own authorities with this kind.
"""

from __future__ import annotations

from time import perf_counter

from agent.checks.approach import MAX_RESOLVED, Approach, crowd_at, judged_host
from agent.checks.certificate_verdict import judge
from agent.checks.check import CheckContext, CheckOutcome, Crowd, concluded
from agent.checks.deadline import failure_of
from agent.checks.tls_handshake import TlsHandshake
from agent.classify import Failure
from agent.tls import chain_trust
from agent.tls.certificates import describe, earliest_expiry
from agent.tls.contexts import TlsPipe
from shared.checks.tls_cert import TlsCertCheck
from shared.netpolicy import UrlRefused, parse_host_text
from shared.results import MESSAGE_LIMIT, CertificateFacts, Detail, Evidence


def crowd(check: TlsCertCheck) -> Crowd:
    return crowd_at(check.host, check.port)


async def run(check: TlsCertCheck, context: CheckContext) -> CheckOutcome:
    """Examine one server. Ends within `check.timeout` ms; whatever the server does comes back as a value."""
    visit = _Visit(check, context)
    failure = await failure_of(visit.shake_hands(), timeout_ms=check.timeout, doing=lambda: visit.way.doing)
    return visit.judged() if failure is None else visit.failed(failure)


class _Visit:
    """What is known so far of one run of the check."""

    __slots__ = ("_check", "_context", "_handshake", "_name", "way")

    def __init__(self, check: TlsCertCheck, context: CheckContext) -> None:
        self.way = Approach(context.dialer)
        self._check = check
        self._context = context
        self._handshake: TlsHandshake | None = None
        self._name = ""

    async def shake_hands(self) -> None:
        """Raises what classify knows."""
        check, way = self._check, self.way
        host = judged_host(check.host, check.port, self._context.dialer)
        self._name = host.name if check.server_name is None else _server_name(check.server_name)
        handshake = self._handshake = await way.connect(host, check.port, self._new_handshake)
        way.doing = "the TLS handshake"
        try:
            handshake.begin()
            await handshake.done
        finally:
            handshake.abort()
        assert handshake.ended_at is not None
        way.phases.tls = handshake.ended_at - handshake.connected_at

    def _new_handshake(self) -> TlsHandshake:
        return TlsHandshake(TlsPipe(self._context.tls.for_reading(), server_name=self._name))

    # -- conclusions

    def judged(self) -> CheckOutcome:
        total = self._total()
        assert self._handshake is not None
        chain = self._handshake.tls.chain()
        trust = chain_trust.verify(chain, self._context.tls.for_judging())
        problem, facts = judge(self._check, chain, trust, host=self._name, now_s=self._context.now_s())
        return self._concluded(problem, total, facts)

    def failed(self, failure: Failure) -> CheckOutcome:
        return self._concluded(failure, self._total(), None)

    def _total(self) -> float:
        ended_at = None if self._handshake is None else self._handshake.ended_at
        return (ended_at or perf_counter()) - self.way.started

    def _concluded(self, failure: Failure | None, total: float, facts: CertificateFacts | None) -> CheckOutcome:
        return concluded(failure, phases=self.way.phases, total=total, detail=self._detail(failure, facts))

    def _detail(self, failure: Failure | None, facts: CertificateFacts | None) -> Detail:
        tls = None if self._handshake is None else self._handshake.tls
        chain = [] if tls is None else tls.chain()
        evidence = None
        if failure is not None:
            evidence = Evidence(resolved=self.way.resolved[:MAX_RESOLVED], chain=describe(chain))
        return Detail(
            message=None if failure is None else failure.message[:MESSAGE_LIMIT],
            address=self.way.address,
            tls_version=None if tls is None else tls.version,
            cipher=None if tls is None else tls.cipher,
            cert_expires_at=earliest_expiry(chain),
            certificate=facts,
            evidence=evidence,
        )


def _server_name(text: str) -> str:
    """Raises UrlRefused: SNI carries DNS names only (RFC 6066 section 3)."""
    host = parse_host_text(text)
    if host.is_literal:
        raise UrlRefused("INVALID_URL_FORMAT", "server_name must be a DNS name; an address has no place in SNI")
    return host.name
