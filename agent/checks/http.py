"""The `http` check: request, redirects, judgement. Every hop is guarded, timed and bounded by one deadline."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from time import perf_counter

import msgspec

from agent import classify
from agent.checks import http_assertions, http_evidence, http_request
from agent.checks.check import CheckContext, CheckOutcome, Crowd, Phases, in_ms
from agent.checks.http_assertions import Finding
from agent.checks.http_protocol import (
    BODY_LIMIT,
    EXCERPT_KEPT,
    REDIRECTS,
    ExchangeFailed,
    HttpExchange,
    Response,
)
from agent.checks.http_request import BadHeader, Request
from agent.checks.http_secrets import hidden_texts, mask_cut
from agent.classify import Failure
from agent.dialer import address_text
from agent.tls.contexts import TlsPipe
from shared.checks.http import HttpCheck
from shared.netpolicy import HttpUrl, UrlRefused, judge_redirect, parse_http_url
from shared.results import MESSAGE_LIMIT, Detail, Evidence, Outcome, Reason

MAX_REDIRECTS = 10


_PLAIN = re.compile(r"(https?)://([a-z0-9.-]*[a-z0-9])(?::([1-9][0-9]*))?(?:[/?#]|$)")
"""URLs whose authority is canonical as it stands, which is nearly all: far cheaper than to parse them."""
_PORTS = {"http": "80", "https": "443"}


def crowd(check: HttpCheck) -> Crowd:
    plain = _PLAIN.match(check.url)
    if plain is None:
        return _crowd(check.url)
    scheme, host, port = plain.groups()
    return Crowd(f"{host}:{port or _PORTS[scheme]}")


@lru_cache(maxsize=16_384)
def _crowd(url: str) -> Crowd:
    try:
        parsed = parse_http_url(url)
    except UrlRefused:
        return Crowd(url)
    return Crowd(f"{parsed.host}:{parsed.port}")


async def run(check: HttpCheck, context: CheckContext) -> CheckOutcome:
    """Examine one target. Ends within `check.timeout` ms; whatever the target does comes back as a value."""
    visit = _Visit(check, context)
    deadline = asyncio.timeout(check.timeout / 1000)
    try:
        async with deadline:
            response = await visit.follow()
    except ExchangeFailed as error:
        error.__traceback__ = None  # its frames hold the connection's buffers, in a circle that only the collector ends
        return visit.failed(Failure(Outcome.DOWN, error.reason, error.message))
    except BadHeader as error:
        return visit.failed(Failure(Outcome.ERROR, Reason.INTERNAL, str(error)))
    except classify.EXPECTED as error:
        error.__traceback__ = None
        if isinstance(error, TimeoutError) and deadline.expired():
            return visit.failed(classify.timed_out(visit.doing, timeout_ms=check.timeout))
        return visit.failed(classify.classify(error))
    return visit.judged(response)


class _Visit:
    """What is known so far of one run of the check, kept so that a failure still tells how far it came."""

    __slots__ = (
        "_check",
        "_context",
        "_exchange",
        "_hops",
        "_resolved",
        "_since",
        "_started",
        "address",
        "doing",
        "ended",
        "phases",
        "response",
    )

    def __init__(self, check: HttpCheck, context: CheckContext) -> None:
        self._check = check
        self._context = context
        self._exchange: HttpExchange | None = None
        self._hops: list[str] = []
        self._resolved: tuple[str, ...] = ()
        self._started = self._since = perf_counter()
        self.address: str | None = None
        self.doing = classify.RESOLVING
        self.ended: float | None = None
        self.phases = Phases()
        self.response: Response | None = None

    async def follow(self) -> Response:
        """The final response. Raises what classify knows, ExchangeFailed or BadHeader."""
        check = self._check
        request = http_request.first_request(check, self._context.dialer.target(check.url))
        limit = min(check.max_redirects, MAX_REDIRECTS) if check.follow_redirects else 0
        while True:
            response = self.response = await self._exchange_with(request, follow=check.follow_redirects)
            if not check.follow_redirects or response.status not in REDIRECTS:
                return response
            location = response.header(b"location")
            if location is None:
                return response
            if len(self._hops) >= limit:
                raise ExchangeFailed(Reason.REDIRECT, f"More than {limit} redirects")
            request = self._next(request, response.status, location)
            self._hops.append(str(request.url))

    def _next(self, request: Request, status: int, location: bytes) -> Request:
        target = judge_redirect(
            request.url,
            location.decode("utf-8", "replace"),
            has_credentials=request.has_credentials,
            policy=self._context.dialer.policy,
        )
        return request.redirected(status, target)

    async def _exchange_with(self, request: Request, *, follow: bool) -> Response:
        self.response = self.ended = None
        exchange = await self._connect(request, follow=follow)
        self._exchange = exchange
        try:
            self.doing = "the TLS handshake" if exchange.tls is not None else "waiting for the response"
            exchange.begin()
            return await exchange.done
        finally:
            self._account(exchange)
            exchange.abort()

    async def _connect(self, request: Request, *, follow: bool) -> HttpExchange:
        url, check, dialer = request.url, self._check, self._context.dialer
        addresses: tuple[str, ...] = (url.host,)
        if not url.is_literal:
            self.doing = classify.RESOLVING
            addresses = await self._resolve(url)
        self.doing = "connecting"
        keep = BODY_LIMIT if http_assertions.needs_body(check) else EXCERPT_KEPT
        payload = request.encode()

        def make() -> HttpExchange:
            tls = self._tls_for(url)
            return HttpExchange(request=payload, method=request.method, keep=keep, follow=follow, tls=tls)

        exchange, self.address = await dialer.connect(addresses, port=url.port, literal=url.is_literal, factory=make)
        exchange.connected_at = now = perf_counter()
        self.phases.connect = (self.phases.connect or 0.0) + now - self._since
        return exchange

    async def _resolve(self, url: HttpUrl) -> tuple[str, ...]:
        answers = await self._context.dialer.resolve(url.host)
        now = perf_counter()
        self.phases.dns = (self.phases.dns or 0.0) + now - self._since
        self._since = now
        self._resolved = tuple(address_text(address) for address in answers.addresses)
        return self._resolved

    def _tls_for(self, url: HttpUrl) -> TlsPipe | None:
        if url.scheme != "https":
            return None
        return TlsPipe(self._context.tls.get(verify=self._check.verify_tls), server_name=url.host)

    def _account(self, exchange: HttpExchange) -> None:
        """Book the phases that ended, also when the exchange did not.

        Each begins where the one before it ended, over redirects too: a busy loop is in one of them and in no gap.
        """
        phases, since = self.phases, exchange.connected_at
        if exchange.secured_at is not None:
            phases.tls = (phases.tls or 0.0) + exchange.secured_at - since
            since = exchange.secured_at
            self.doing = "waiting for the response"
        if exchange.sent_at is not None and exchange.first_byte_at is not None:
            first_byte_at = max(exchange.first_byte_at, since)  # some servers speak before they are asked
            phases.ttfb = (phases.ttfb or 0.0) + first_byte_at - since
            since = first_byte_at
            self.doing = "reading the response"
        if exchange.ended_at is not None:
            self.ended = self._since = max(exchange.ended_at, since)
            if self.doing == "reading the response" and exchange.done.done() and not exchange.done.cancelled():
                phases.download = (phases.download or 0.0) + self.ended - since

    # -- conclusions

    def judged(self, response: Response) -> CheckOutcome:
        total = self._total()
        exchange = self._exchange
        finding = http_assertions.judge(self._check, response) or http_assertions.judge_margins(
            self._check,
            total_ms=total * 1000,
            cert_expires_at=None if exchange is None else exchange.cert_expires_at,
            now_s=self._context.now_s(),
        )
        return self._outcome(finding, total)

    def failed(self, failure: Failure) -> CheckOutcome:
        outcome = self._outcome(Finding(failure.outcome, failure.reason, failure.message), self._total())
        return msgspec.structs.replace(outcome, if_resolver_works=failure.if_resolver_works)

    def _total(self) -> float:
        return (self.ended or perf_counter()) - self._started

    def _outcome(self, finding: Finding | None, total: float) -> CheckOutcome:
        phases, response = self.phases, self.response
        return CheckOutcome(
            outcome=Outcome.UP if finding is None else finding.outcome,
            reason=Reason.NONE if finding is None else finding.reason,
            http_status=None if response is None else response.status,
            dns=in_ms(phases.dns),
            connect=in_ms(phases.connect),
            tls=in_ms(phases.tls),
            ttfb=in_ms(phases.ttfb),
            download=in_ms(phases.download),
            total=in_ms(total),
            detail=self._detail(finding),
        )

    def _detail(self, finding: Finding | None) -> Detail:
        exchange, response = self._exchange, self.response
        tls = None if exchange is None else exchange.tls
        hidden = () if finding is None else hidden_texts(self._check)
        return Detail(
            message=None if finding is None else mask_cut(finding.message, hidden)[:MESSAGE_LIMIT],
            address=self.address,
            http_version=None if response is None else response.version,
            tls_version=None if tls is None else tls.version,
            cipher=None if tls is None else tls.cipher,
            cert_expires_at=None if exchange is None else exchange.cert_expires_at,
            evidence=None if finding is None else self._evidence(hidden),
        )

    def _evidence(self, hidden: tuple[str, ...]) -> Evidence:
        exchange = self._exchange
        return http_evidence.gather(
            response=self.response,
            resolved=self._resolved,
            hops=tuple(self._hops),
            chain=() if exchange is None else exchange.chain(),
            asserted=frozenset(name.lower() for name in self._check.expected_headers),
            hidden=hidden,
        )
