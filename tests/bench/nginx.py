"""The target: nginx, whose CPU counts for nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.programs import find, free_port, listening, program

BODY = "ok " * 70

ADDRESSES = tuple(f"127.0.0.{number}" for number in range(1, 17))
"""Of one address alone, the ports of the loopback interface would run out within seconds of a closed loop."""

_CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        {listen}
        {tls}
        location = /health {{ default_type text/plain; return 200 "{body}"; }}
        location /site/ {{ root {directory}; default_type text/plain; }}
    }}
}}
"""


_TLS = """\
ssl_certificate {certificate.chain};
        ssl_certificate_key {certificate.key};
        ssl_session_cache off;
        ssl_session_tickets off;
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a server's certificate, and of the authority that it leads to."""

    chain: Path
    key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class Target:
    """`/health` always answers; a site answers as long as its file exists."""

    port: int
    directory: Path
    scheme: str = "http"

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """The same by each of its addresses."""
        return [f"{self.scheme}://{address}:{self.port}/health" for address in ADDRESSES]

    def make_site(self, name: str) -> str:
        (self.directory / "site" / name).write_text(BODY)
        return f"http://127.0.0.1:{self.port}/site/{name}"

    def break_site(self, name: str) -> None:
        (self.directory / "site" / name).unlink()


@asynccontextmanager
async def target(directory: Path, *, certificate: Certificate | None = None) -> AsyncIterator[Target | None]:
    """None when there is no nginx here. `directory` must be readable by everybody: nginx drops its rights.

    With a certificate it speaks TLS, each time with a full handshake.
    """
    found = find("nginx")
    if found is None:
        yield None
        return
    (directory / "site").mkdir(parents=True)
    port = free_port()
    configuration = directory / "nginx.conf"
    tls = "" if certificate is None else _TLS.format(certificate=certificate)
    way = "" if certificate is None else " ssl"
    listen = "\n        ".join(f"listen {address}:{port}{way} backlog=4096;" for address in ADDRESSES)
    configuration.write_text(_CONFIGURATION.format(directory=directory, listen=listen, tls=tls, body=BODY))
    async with program(found, "-c", configuration, "-e", directory / "error.log", log=directory / "nginx.log"):
        await listening(port)
        yield Target(port, directory, "http" if certificate is None else "https")
