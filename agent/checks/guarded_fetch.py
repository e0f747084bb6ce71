"""A GET to a third party that a check depends on: the same exchange, guard and phases as the `http` check's.

Third parties are guarded like targets: a list or a registry that names a private address leads nowhere.
"""

from __future__ import annotations

from time import perf_counter

from agent.checks.approach import Approach
from agent.checks.http_protocol import BODY_LIMIT, REDIRECTS, ExchangeFailed, HttpExchange, Response
from agent.checks.http_request import Request
from agent.dialer import Dialer
from agent.tls.contexts import TlsContexts, TlsPipe
from shared.netpolicy import Host, HttpUrl, UrlRefused, judge_redirect
from shared.results import Reason

MAX_REDIRECTS = 5


class GuardedFetch:
    """One GET with its redirects. What is known stays here when it fails; the phases of all hops add up."""

    def __init__(self, *, dialer: Dialer, tls: TlsContexts, accept: str) -> None:
        self.exchange: HttpExchange | None = None
        self.hops: list[str] = []
        self.response: Response | None = None
        self.url: HttpUrl | None = None
        self.way = Approach(dialer)
        self._dialer = dialer
        self._ended_at: float | None = None
        self._tls = tls
        self._headers = (("Accept", accept),)

    @property
    def total(self) -> float:
        """Seconds from the first look-up to the last byte, or until now."""
        return (self._ended_at or perf_counter()) - self.way.started

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
        self.response = self.exchange = self._ended_at = None
        is_tls = url.scheme == "https"
        request = Request(url, "GET", self._headers, None, has_credentials=False).encode()

        def make() -> HttpExchange:
            tls = TlsPipe(self._tls.get(verify=True), server_name=url.host) if is_tls else None
            return HttpExchange(request=request, method="GET", keep=BODY_LIMIT, follow=True, tls=tls)

        exchange = self.exchange = await self.way.connect(Host(url.host, url.is_literal), url.port, make)
        self.way.doing = "the TLS handshake" if is_tls else "waiting for the response"
        try:
            exchange.begin()
            return await exchange.done
        finally:
            self._account(exchange)
            exchange.abort()

    def _account(self, exchange: HttpExchange) -> None:
        """Book the phases that ended, also when the exchange did not."""
        way, phases = self.way, self.way.phases
        if exchange.secured_at is not None:
            phases.tls = (phases.tls or 0.0) + exchange.secured_at - way.since
            way.since = exchange.secured_at
            way.doing = "waiting for the response"
        if exchange.sent_at is not None and exchange.first_byte_at is not None:
            first_byte_at = max(exchange.first_byte_at, way.since)  # some servers speak before they are asked
            phases.ttfb = (phases.ttfb or 0.0) + first_byte_at - way.since
            way.since = first_byte_at
            way.doing = "reading the response"
        if exchange.ended_at is not None:
            self._ended_at = max(exchange.ended_at, way.since)
            if way.doing == "reading the response" and exchange.done.done() and not exchange.done.cancelled():
                phases.download = (phases.download or 0.0) + self._ended_at - way.since
            way.since = self._ended_at
