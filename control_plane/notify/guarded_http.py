"""HTTP to places that tenants name: every address is judged after resolution and again at the socket.

httpcore, the engine below httpx, is used directly, because its network backend is where addresses can be pinned; it
follows no redirect, keeps no cookie, and reads no proxy or other setting from the environment. A connection serves one
request: what one tenant opened is never used for another.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
import httpcore
from msgspec import Struct

from control_plane.notify.transport_error import TransportError
from shared.netpolicy import Address, HttpUrl, Policy, UrlRefused, judge_address, judge_answers, judge_host

READ_LIMIT = 4096
"""Bytes of an answer's body that are read at all."""

BODY_PATIENCE_S = 2.0
"""How long the body of an answer is waited for: the status alone decides."""

CONNECT_PATIENCE_S = 3.0
"""How long one address is tried while others are left."""

_FAULTS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
)


class Resolution(Struct, frozen=True):
    """What a name stands for: its addresses, and the names it went through."""

    addresses: tuple[Address, ...]
    aliases: tuple[str, ...] = ()


Resolve = Callable[[str], Awaitable[Resolution]]


class Endpoint(Struct, frozen=True):
    """Where a socket goes."""

    address: Address
    port: int


class Answer(Struct, frozen=True):
    """The head of an answer and the start of its body. Names of headers are lower case; of several, the last."""

    status: int
    retry_after: str | None
    body: bytes
    headers: Mapping[str, str] = {}  # msgspec copies it


class GuardedHttp:
    """A client under an address policy. `timeout` covers everything from resolution to the answer's head.

    `connect_to` sends the sockets of some hosts elsewhere (`host:port` to an endpoint), as curl's --connect-to does:
    the request, the TLS name and the certificate stay the host's. The endpoint is judged like any address.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        timeout: timedelta,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
        connect_to: Mapping[str, Endpoint] | None = None,
    ) -> None:
        self.policy = policy
        self.timeout = timeout
        self._resolve = resolve or resolve_by_dns
        self._trust = trust or ssl.create_default_context()
        self._connect_to = connect_to or {}

    async def fetch(
        self, method: str, url: HttpUrl, *, headers: Mapping[str, str], body: bytes = b"", limit: int
    ) -> Answer:
        """One request whose whole answer counts, its body included. Raises TransportError when there is none.

        The timeout covers the body, too; one of more than `limit` bytes is refused.
        """
        with _told_of(url, self.timeout):
            async with asyncio.timeout(self.timeout.total_seconds()):
                addresses = await self._judged_addresses(url)
                async with self._exchange(method, url, addresses, headers=headers, body=body) as response:
                    return Answer(response.status, None, await _whole_body(response, limit=limit, host=url.host))

    async def post(self, url: HttpUrl, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST. Raises TransportError when there is no answer."""
        return await self.send("POST", url, headers=headers, body=body)

    async def send(
        self, method: str, url: HttpUrl, *, headers: Mapping[str, str], body: bytes = b"", limit: int = READ_LIMIT
    ) -> Answer:
        """One request of which the status counts, and of the body at most `limit` bytes. Raises TransportError."""
        with _told_of(url, self.timeout):
            async with asyncio.timeout(self.timeout.total_seconds()) as patience:
                addresses = await self._judged_addresses(url)
                async with self._exchange(method, url, addresses, headers=headers, body=body) as response:
                    patience.reschedule(None)  # the head is here: its body has a limit of its own
                    return await _answer(response, limit=limit)

    def _detour(self, url: HttpUrl) -> Endpoint | None:
        return self._connect_to.get(f"{url.host}:{url.port}") if self._connect_to else None

    async def _judged_addresses(self, url: HttpUrl) -> tuple[Address, ...]:
        judge_host(url, self.policy)
        detour = self._detour(url)
        if detour is not None:
            addresses: tuple[Address, ...] = (detour.address,)
            judge_address(detour.address, self.policy, literal=False)
        elif url.address is not None:
            addresses = (url.address,)
            judge_address(url.address, self.policy, literal=True)
        else:
            found = await self._resolve(url.host)
            addresses = found.addresses
            if not addresses:
                raise TransportError(f"{url.host} has no address")
            judge_answers(addresses, self.policy, aliases=found.aliases)
        if url.scheme == "http" and not all(self._allows(address) for address in addresses):
            raise TransportError(f"{url.host} may not be reached over plain http: use https", permanent=True)
        return addresses

    def _allows(self, address: Address) -> bool:
        return any(address in network for network in self.policy.allow_cidrs)

    @asynccontextmanager
    async def _exchange(
        self, method: str, url: HttpUrl, addresses: Sequence[Address], *, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[httpcore.Response]:
        detour = self._detour(url)
        backend = _PinnedBackend(addresses, self.policy, port=None if detour is None else detour.port)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._trust, max_connections=1, max_keepalive_connections=0, network_backend=backend
        )
        wire_headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        async with pool, pool.stream(method, str(url), headers=wire_headers, content=body) as response:
            yield response


async def resolve_by_dns(host: str, *, resolver: dns.asyncresolver.Resolver | None = None) -> Resolution:
    """The addresses of a name, from the system's name servers; never from the hosts file. Raises TransportError."""
    if host == "localhost" or host.endswith(".localhost"):
        return Resolution((ip_address("127.0.0.1"),))  # RFC 6761 section 6.3: loopback, without asking
    try:
        asked = resolver or dns.asyncresolver.Resolver()
        name = dns.name.from_text(host)
        answers = await asyncio.gather(_ask(asked, name, "A"), _ask(asked, name, "AAAA"))
    except dns.resolver.NXDOMAIN:
        raise TransportError(f"{host} does not exist in DNS") from None
    except (dns.exception.DNSException, OSError) as fault:
        raise TransportError(f"{host} could not be resolved ({type(fault).__name__})") from fault
    addresses = tuple(address for found in answers for address in found.addresses)
    return Resolution(addresses, tuple(dict.fromkeys(alias for found in answers for alias in found.aliases)))


async def _ask(resolver: dns.asyncresolver.Resolver, name: dns.name.Name, kind: str) -> Resolution:
    answer = await resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
    chain = answer.chaining_result
    aliases = [rdata.target.to_text(omit_final_dot=True) for cname in chain.cnames for rdata in cname]
    return Resolution(tuple(ip_address(rdata.address) for rdata in answer.rrset or ()), tuple(aliases))


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were judged, whatever the name may resolve to by now."""

    def __init__(self, addresses: Sequence[Address], policy: Policy, *, port: int | None = None) -> None:
        self._addresses = addresses
        self._policy = policy
        self._port = port
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(  # the name was resolved and judged before
        self,
        host: str,  # noqa: ARG002
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        port = self._port or port
        *others, last = self._addresses
        for address in others:
            try:
                return await self._connect(address, port, timeout=CONNECT_PATIENCE_S)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._connect(last, port, timeout=timeout)

    async def _connect(self, address: Address, port: int, *, timeout: float | None) -> httpcore.AsyncNetworkStream:
        stream = await self._sockets.connect_tcp(str(address), port, timeout=timeout)
        try:
            judge_address(_peer_of(stream), self._policy, literal=False)
        except (UrlRefused, httpcore.ConnectError):
            await stream.aclose()
            raise
        return stream


def _peer_of(stream: httpcore.AsyncNetworkStream) -> Address:
    """The address that the socket is really connected to."""
    try:
        peer = stream.get_extra_info("server_addr")
    except LookupError:
        peer = None
    if peer is None:  # reset as soon as it was made: there is no peer any more
        raise httpcore.ConnectError("the peer is gone")
    return ip_address(peer[0])


async def _answer(response: httpcore.Response, *, limit: int) -> Answer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(
        status=response.status,
        retry_after=headers.get("retry-after"),
        body=await _start_of_body(response, limit=limit),
        headers=headers,
    )


@contextmanager
def _told_of(url: HttpUrl, timeout: timedelta) -> Iterator[None]:
    """Turn whatever keeps an answer from coming into TransportError."""
    try:
        yield
    except TimeoutError:
        raise TransportError(f"{url.host} did not answer within {timeout.total_seconds():g} s") from None
    except UrlRefused as refused:
        raise TransportError(f"{url.host} may not be reached: {refused.message}", permanent=True) from None
    except UnicodeEncodeError:
        raise TransportError("The channel's headers cannot be sent in HTTP", permanent=True) from None
    except _FAULTS as fault:
        raise TransportError(f"{url.host}: {_told(fault)}") from fault


async def _whole_body(response: httpcore.Response, *, limit: int, host: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > limit:
            raise TransportError(f"{host} answered with more than {limit} bytes")
    return bytes(body)


async def _start_of_body(response: httpcore.Response, *, limit: int) -> bytes:
    """At most `limit` bytes. A body that drips, breaks or never ends takes nothing from the status."""
    body = bytearray()
    with suppress(TimeoutError, *_FAULTS):
        async with asyncio.timeout(BODY_PATIENCE_S):
            await _read_into(body, response, limit=limit)
    return bytes(body[:limit])


async def _read_into(body: bytearray, response: httpcore.Response, *, limit: int) -> None:
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) >= limit:
            return


def _told(fault: BaseException) -> str:
    match fault:
        case httpcore.ConnectTimeout() | httpcore.ReadTimeout() | httpcore.WriteTimeout():
            return "timed out"
        case httpcore.ConnectError() if isinstance(fault.__cause__ or fault.__context__, ssl.SSLError):
            return f"TLS failed: {_reason_of_tls(fault)}"
        case httpcore.ConnectError():
            return "refused the connection, or is not reachable"
        case httpcore.RemoteProtocolError() | httpcore.ReadError():
            return "closed the connection without a valid HTTP answer"
        case _:
            return f"the connection broke ({type(fault).__name__})"


def _reason_of_tls(fault: BaseException) -> str:
    cause = fault.__cause__ or fault.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return getattr(cause, "reason", None) or "no common ground"
