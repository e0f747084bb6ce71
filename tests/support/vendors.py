"""Vendors' servers on loopback, under their real names: TLS with a certificate of a test authority, asked by name.

A transport reaches one through GuardedHttp's `connect_to`, so it builds the vendor's real URL, and whoever judges a
request here sees what the vendor would: host, path, headers and exact bytes. The rules that a vendor documents are the
judge's, one module for each (tests/support/vendor_*.py).
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import trustme
from aiohttp import web

from control_plane.notify.guarded_http import Endpoint, GuardedHttp
from control_plane.settings import DeliverySettings
from tests.support.messages import LOOPBACK


@dataclass(frozen=True)
class Request:
    """One request, as it came. Names of headers are lower case."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the vendor answers."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)


Judge = Callable[[Request], Reply | Awaitable[Reply]]


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def authority_file() -> str:
    """The test authority's certificate as a file, for settings that name one."""
    path = Path(tempfile.mkdtemp(prefix="fw-ca-")) / "ca.pem"
    _authority().cert_pem.write_to_path(str(path))
    return str(path)


@dataclass
class VendorServer:
    """A running server of these hosts. `requests` are all that came."""

    hosts: Sequence[str]
    port: int
    requests: list[Request] = field(default_factory=list)

    @property
    def detours(self) -> tuple[str, ...]:
        """For FARWATCH_DELIVERY__CONNECT_TO."""
        return tuple(f"{host}:443=127.0.0.1:{self.port}" for host in self.hosts)

    def http(self, *, timeout_s: float = 5) -> GuardedHttp:
        """A way out that ends here."""
        trust = ssl.create_default_context(cafile=authority_file())
        to = Endpoint(ip_address("127.0.0.1"), self.port)
        return GuardedHttp(
            LOOPBACK,
            timeout=timedelta(seconds=timeout_s),
            trust=trust,
            connect_to={f"{host}:443": to for host in self.hosts},
        )

    def settings(self, *, timeout_s: float = 5) -> DeliverySettings:
        """The same for a whole control plane."""
        return DeliverySettings(
            allow_cidrs=("127.0.0.0/8",), connect_to=self.detours, ca_file=authority_file(), timeout_s=timeout_s
        )


@asynccontextmanager
async def vendor_server(judge: Judge, *hosts: str) -> AsyncIterator[VendorServer]:
    """Serve these hosts with one judge. An exception of the judge answers 500, and the test sees the vendor fail."""
    made = VendorServer(hosts=hosts, port=0)

    async def answer(request: web.Request) -> web.Response:
        seen = Request(
            method=request.method,
            host=request.host.lower(),
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        made.requests.append(seen)
        given = judge(seen)
        reply = given if isinstance(given, Reply) else await given
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert(*hosts).configure_cert(context)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    assert site._server is not None
    made.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield made
    finally:
        await runner.cleanup()
