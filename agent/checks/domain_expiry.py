"""The `domain_expiry` check: what a domain's registry says of the end of its registration, by RDAP.

The RDAP server is a third party. Whatever is wrong with it says nothing of the domain: `error`, never `down`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from agent import classify
from agent.checks import http_evidence
from agent.checks.check import CheckContext, CheckOutcome, Crowd, Phases, concluded
from agent.checks.deadline import failure_of
from agent.checks.guarded_fetch import GuardedFetch
from agent.checks.http_assertions import Undecodable, decoded_body
from agent.checks.http_protocol import BODY_LIMIT, ExchangeFailed, Response
from agent.classify import CheckFailed, Failure
from agent.rdap.answers import BadAnswer, Registration, read_registration
from agent.rdap.servers import ListUnavailable
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.netpolicy import UrlRefused, parse_host_text, parse_http_url
from shared.results import MESSAGE_LIMIT, Detail, DomainFacts, Evidence, Outcome, Reason

LIST_TIMEOUT_S = 30.0
"""For the list of servers, which all checks of the process share: apart from the timeout of any one of them."""

ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer about a domain, which has a few KiB: a longer one would hold up this agent's loop to read."""

_FINDING_THE_SERVER = "the search for the RDAP server"
_DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRANSPORT = (ExchangeFailed, *classify.EXPECTED)
"""What a fetch may raise."""


def crowd(check: DomainExpiryCheck) -> Crowd:
    """Registries limit their clients by address: all tenants' checks of one top-level domain are one crowd."""
    return Crowd(f"rdap:{check.domain.rstrip('.').rpartition('.')[2].lower()}", per_tenant=False)


async def run(check: DomainExpiryCheck, context: CheckContext) -> CheckOutcome:
    """Ask the registry. Ends within `check.timeout` ms; whatever happens comes back as a value."""
    inquiry = _Inquiry(check, context)
    failure = await failure_of(inquiry.ask(), timeout_ms=None, doing=lambda: inquiry.doing)
    return inquiry.concluded(failure or inquiry.judge())


def _cannot_tell(reason: Reason, message: str) -> CheckFailed:
    """There is no answer, or none that can be judged."""
    return CheckFailed(Failure(Outcome.ERROR, reason, message))


class _Inquiry:
    """What is known so far of one run of the check."""

    __slots__ = ("_check", "_context", "_domain", "_fetch", "_registration", "_server")

    def __init__(self, check: DomainExpiryCheck, context: CheckContext) -> None:
        self._check = check
        self._context = context
        self._domain = check.domain
        self._fetch: GuardedFetch | None = None
        self._registration: Registration | None = None
        self._server = ""

    @property
    def doing(self) -> str:
        return _FINDING_THE_SERVER if self._fetch is None else f"{self._fetch.way.doing} ({self._server})"

    async def ask(self) -> None:
        """Read the registry's answer, within the check's timeout. Raises CheckFailed."""
        deadline = asyncio.timeout(self._check.timeout / 1000)
        try:
            async with deadline:
                response = await self._response()
        except _TRANSPORT as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                message = f"Timed out after {self._check.timeout} ms during {self.doing}"
                raise _cannot_tell(Reason.UPSTREAM, message) from None
            trouble = f"The RDAP server {self._server} cannot be asked"
            raise CheckFailed(_third_party(error, trouble)) from None
        self._registration = self._read(response)

    async def _response(self) -> Response:
        """Raises CheckFailed and what GuardedFetch.get raises."""
        domain = self._domain = _registrable(self._check.domain)
        base = await self._server_for(domain)
        self._server = _host_of(base)
        self._fetch = GuardedFetch(dialer=self._context.dialer, tls=self._context.tls, accept="application/rdap+json")
        return await self._fetch.get(f"{base}domain/{domain}")

    async def _server_for(self, domain: str) -> str:
        context = self._context
        found = await context.rdap.find(domain, fetch=lambda url: _fetch_list(url, context))
        suffix = domain.rpartition(".")[2]
        if not found:
            raise _cannot_tell(Reason.INCAPABLE, f"There is no RDAP server for .{suffix}")
        if not (found[0].startswith("https://") or context.dialer.policy.is_private):
            raise _cannot_tell(Reason.INCAPABLE, f"The RDAP server for .{suffix} does not speak https")
        return found[0]

    def _read(self, response: Response) -> Registration:
        """Raises CheckFailed."""
        if _says_unregistered(response):
            raise CheckFailed(Failure(Outcome.DOWN, Reason.EXPIRED, f"{self._domain} is not registered"))
        if response.status != 200:
            raise _cannot_tell(Reason.UPSTREAM, f"The RDAP server {self._server} {_refusal(response)}")
        try:
            return read_registration(_whole_body(response, ANSWER_LIMIT), domain=self._domain)
        except (BadAnswer, Undecodable) as error:
            said = f"answer {error}" if isinstance(error, BadAnswer) else f"answer cannot be read: {error}"
            raise _cannot_tell(Reason.UPSTREAM, f"The RDAP server {self._server}: its {said}") from None

    # -- conclusions

    def judge(self) -> Failure | None:
        assert self._registration is not None
        expires_at = self._registration.expires_at
        if expires_at is None:
            message = f"The registry does not say when {self._domain} expires"
            return Failure(Outcome.ERROR, Reason.INCAPABLE, message)
        return _judge(self._check, self._domain, expires_at, now_s=self._context.now_s())

    def concluded(self, failure: Failure | None) -> CheckOutcome:
        fetch, detail = self._fetch, self._detail(failure)
        if fetch is None:
            return concluded(failure, phases=Phases(), total=None, detail=detail)
        status = None if fetch.response is None else fetch.response.status
        return concluded(failure, phases=fetch.way.phases, total=fetch.total, detail=detail, http_status=status)

    def _detail(self, failure: Failure | None) -> Detail:
        """The RDAP server's own certificate is in the evidence only: its expiry is none of the tenant's."""
        fetch = self._fetch
        response = None if fetch is None else fetch.response
        tls = None if fetch is None or fetch.exchange is None else fetch.exchange.tls
        return Detail(
            message=None if failure is None else failure.message[:MESSAGE_LIMIT],
            address=None if fetch is None else fetch.way.address,
            http_version=None if response is None else response.version,
            tls_version=None if tls is None or not tls.established else tls.version,
            cipher=None if tls is None or not tls.established else tls.cipher,
            domain=self._facts(),
            evidence=None if failure is None or fetch is None else _evidence(fetch),
        )

    def _facts(self) -> DomainFacts | None:
        registration = self._registration
        if registration is None or registration.expires_at is None:
            return None
        url = None if self._fetch is None else self._fetch.url
        return DomainFacts(
            expires_at=registration.expires_at,
            registrar=registration.registrar,
            status=registration.status,
            server=None if url is None else url.origin[:MESSAGE_LIMIT],
        )


def _registrable(text: str) -> str:
    """The name as registries know it. Raises CheckFailed for what no registry registers."""
    try:
        host = parse_host_text(text)
    except UrlRefused as refused:
        raise _cannot_tell(Reason.INCAPABLE, f"This is not a domain: {refused.message}") from None
    if host.is_literal or "." not in host.name:
        raise _cannot_tell(Reason.INCAPABLE, f"{host.name} is not a domain that can be registered")
    return host.name


async def _fetch_list(url: str, context: CheckContext) -> bytes:
    """The bootstrap registry at `url`. Raises ListUnavailable."""
    asked = f"The list of RDAP servers at {url}"
    fetch = GuardedFetch(dialer=context.dialer, tls=context.tls, accept="application/json")
    try:
        async with asyncio.timeout(LIST_TIMEOUT_S):
            response = await fetch.get(url)
        if response.status != 200:
            raise ListUnavailable(Failure(Outcome.ERROR, Reason.UPSTREAM, f"{asked} {_refusal(response)}"))
        return _whole_body(response, BODY_LIMIT)
    except _TRANSPORT as error:
        raise ListUnavailable(_third_party(error, f"{asked} cannot be fetched")) from None
    except (BadAnswer, Undecodable) as error:
        message = f"{asked} {error}" if isinstance(error, BadAnswer) else f"{asked} cannot be read: {error}"
        raise ListUnavailable(Failure(Outcome.ERROR, Reason.UPSTREAM, message)) from None


def _third_party(error: Exception, trouble: str) -> Failure:
    """What classify says of a target, said of a third party: its failure is none of the domain's.

    What only this agent can be blamed for (the guard, a missing route, no more sockets) keeps its reason. Silent
    resolvers are not told apart from a name that does not resolve: neither lets us judge.
    """
    match error:
        case ExchangeFailed() | UrlRefused(code="INVALID_URL_FORMAT" | "INVALID_URL_SCHEME"):
            failure = Failure(Outcome.ERROR, Reason.UPSTREAM, error.message)
        case TimeoutError() if not error.args:
            failure = Failure(Outcome.ERROR, Reason.UPSTREAM, "it does not answer in time")
        case _:
            failure = classify.classify(error)
    is_ours = failure.outcome is Outcome.ERROR and failure.if_resolver_works is None
    reason = failure.reason if is_ours else Reason.UPSTREAM
    return Failure(Outcome.ERROR, reason, f"{trouble}: {_lowered(failure.message)}")


def _says_unregistered(response: Response) -> bool:
    """RFC 7480 section 5.3. A 404 with a page for people comes from a server that does not speak RDAP at this path."""
    kind = (response.header(b"content-type") or b"").lower()
    return response.status == 404 and b"html" not in kind and not response.body.lstrip().startswith(b"<")


def _refusal(response: Response) -> str:
    """Why there is no answer: a limit of the registry's, or any other status."""
    status, wait = response.status, response.header(b"retry-after")
    if status not in (429, 503):
        return f"answered HTTP {status}"
    text = "" if wait is None else wait.decode("latin-1").strip()[:60]
    if not text.isprintable() or not text:
        return f"takes no more questions for now (HTTP {status})"
    when = f"in {text} seconds" if text.isdecimal() else f"after {text}"
    return f"takes no more questions for now (HTTP {status}); it may be asked again {when}"


def _whole_body(response: Response, limit: int) -> bytes:
    """Without its content coding. Raises BadAnswer when it has `limit` bytes or more, and Undecodable."""
    body = decoded_body(response, limit=limit)
    if response.is_cut or len(body) >= limit:
        raise BadAnswer(f"is longer than {limit // 1024} KiB")
    return body


def _judge(check: DomainExpiryCheck, domain: str, expires_at: int, *, now_s: float) -> Failure | None:
    days = (expires_at - now_s) / _DAY_S
    date = _date(expires_at)
    if days <= 0:
        message = f"The registration of {domain} expired {-days:.1f} days ago ({date})"
        return Failure(Outcome.DOWN, Reason.EXPIRED, message)
    message = f"The registration of {domain} expires in {days:.1f} days ({date})"
    if days < check.critical_days:
        return Failure(Outcome.DOWN, Reason.EXPIRING, message)
    return Failure(Outcome.DEGRADED, Reason.EXPIRING, message) if days < check.warn_days else None


def _date(moment: int) -> str:
    return f"{_EPOCH + timedelta(seconds=moment):%Y-%m-%d}"


def _evidence(fetch: GuardedFetch) -> Evidence:
    return http_evidence.gather(
        response=fetch.response,
        resolved=fetch.way.resolved,
        hops=tuple(fetch.hops),
        chain=() if fetch.exchange is None else fetch.exchange.chain(),
        asserted=frozenset(),
        hidden=(),
    )


def _host_of(base: str) -> str:
    try:
        return parse_http_url(base).host
    except UrlRefused:
        return base[:80]


def _lowered(sentence: str) -> str:
    """As the second half of a sentence: `DNS: …` and `TLS: …` stay."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
