"""A GET to a third party that a check depends on: the same exchange, guard and phases as the `http` check's.

Third parties are guarded like targets: a list or a registry that names a private address leads nowhere.
"""

from __future__ import annotations

from time import perf_counter

from agent import classify
from agent.checks.check import Phases
from agent.checks.http_protocol import BODY_LIMIT, REDIRECTS, ExchangeFailed, HttpExchange, Response
from agent.checks.http_request import Request
from agent.dialer import Dialer, address_text
from agent.tls import TlsContexts, TlsPipe
from shared.netpolicy import HttpUrl, UrlRefused, judge_redirect
from shared.results import Reason

MAX_REDIRECTS = 5


class GuardedFetch:
    """One GET with its redirects. What is known stays here when it fails; the phases of all hops add up.

    `spent`: seconds from the first look-up to the last byte, without our own work between two hops. Each phase begins
    where the one before it ends, so that a busy loop is in one of them and in no gap.
    """

    def __init__(self, *, dialer: Dialer, tls: TlsContexts, accept: str) -> None:
        self.address: str | None = None
        self.doing = classify.RESOLVING
        self.exchange: HttpExchange | None = None
        self.hops: list[str] = []
        self.phases = Phases()
        self.resolved: tuple[str, ...] = ()
        self.response: Response | None = None
        self.spent = 0.0
        self.url: HttpUrl | None = None
        self._dialer = dialer
        self._tls = tls
        self._headers = (("Accept", accept),)

    async def get(self, text: str) -> Response:
        """The final response. Raises what classify knows (UrlRefused, OSError), and ExchangeFailed.

        http is taken only in a private region: who sits on the way could say anything, and be believed.
        """
        url = self._dialer.target(text)
        if self._is_too_open(url):
            raise UrlRefused("INVALID_URL_SCHEME", f"the address {url.origin} is not https", {"scheme": url.scheme})
        while True:
            self.url = url
            response = self.response = await self._ask(url)
            location = response.header(b"location")
            if response.status not in REDIRECTS or location is None:
                return response
            if len(self.hops) >= MAX_REDIRECTS:
                raise ExchangeFailed(Reason.REDIRECT, f"More than {MAX_REDIRECTS} redirects")
            url = self._next(url, location)
            self.hops.append(str(url))

    def _next(self, url: HttpUrl, location: bytes) -> HttpUrl:
        text = location.decode("utf-8", "replace")
        target = judge_redirect(url, text, has_credentials=False, policy=self._dialer.policy)
        if self._is_too_open(target):
            message = "the redirect is not followed: it leads from https to http"
            raise UrlRefused("REDIRECT_BLOCKED", message, {"cause": "DOWNGRADE"})
        return target

    def _is_too_open(self, url: HttpUrl) -> bool:
        return url.scheme == "http" and not self._dialer.policy.is_private

    async def _ask(self, url: HttpUrl) -> Response:
        self.response = self.exchange = exchange = None
        started = perf_counter()
        try:
            exchange = self.exchange = await self._connect(url, await self._resolve(url, started))
            exchange.begin()
            return await exchange.done
        finally:
            if exchange is not None:
                self._account(exchange)
                exchange.abort()
            self.spent += ((exchange and exchange.ended_at) or perf_counter()) - started

    async def _resolve(self, url: HttpUrl, started: float) -> tuple[tuple[str, ...], float]:
        """The addresses to try, and the instant from which connecting counts."""
        if url.is_literal:
            return (url.host,), started
        self.doing = classify.RESOLVING
        answers = await self._dialer.resolve(url.host)
        now = perf_counter()
        self.phases.dns = (self.phases.dns or 0.0) + now - started
        self.resolved = tuple(address_text(address) for address in answers.addresses)
        return self.resolved, now

    async def _connect(self, url: HttpUrl, resolved: tuple[tuple[str, ...], float]) -> HttpExchange:
        addresses, since = resolved
        request = Request(url, "GET", self._headers, None, has_credentials=False).encode()
        self.doing = "connecting"

        def make() -> HttpExchange:
            is_tls = url.scheme == "https"
            tls = TlsPipe(self._tls.get(verify=True), server_name=url.host) if is_tls else None
            return HttpExchange(request=request, method="GET", keep=BODY_LIMIT, follow=True, tls=tls)

        exchange, self.address = await self._dialer.connect(
            addresses, port=url.port, literal=url.is_literal, factory=make
        )
        exchange.connected_at = perf_counter()
        self.phases.connect = (self.phases.connect or 0.0) + exchange.connected_at - since
        self.doing = "waiting for the response" if exchange.tls is None else "the TLS handshake"
        return exchange

    def _account(self, exchange: HttpExchange) -> None:
        """Book the phases that ended, also when the exchange did not."""
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
            exchange.ended_at = max(exchange.ended_at, since)
            if self.doing == "reading the response" and exchange.done.done() and not exchange.done.cancelled():
                phases.download = (phases.download or 0.0) + exchange.ended_at - since
