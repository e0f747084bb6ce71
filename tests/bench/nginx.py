"""The target: nginx, whose CPU counts for nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.programs import find, free_port, listening, program

BODY = "ok " * 70

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
        listen 127.0.0.1:{port} backlog=4096;
        location = /health {{ default_type text/plain; return 200 "{body}"; }}
        location /site/ {{ root {directory}; default_type text/plain; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Target:
    """`/health` always answers; a site answers as long as its file exists."""

    port: int
    directory: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def make_site(self, name: str) -> str:
        (self.directory / "site" / name).write_text(BODY)
        return f"http://127.0.0.1:{self.port}/site/{name}"

    def break_site(self, name: str) -> None:
        (self.directory / "site" / name).unlink()


@asynccontextmanager
async def target(directory: Path) -> AsyncIterator[Target | None]:
    """None when there is no nginx here. `directory` must be readable by everybody: nginx drops its rights."""
    found = find("nginx")
    if found is None:
        yield None
        return
    (directory / "site").mkdir(parents=True)
    port = free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(directory=directory, port=port, body=BODY))
    async with program(found, "-c", configuration, "-e", directory / "error.log", log=directory / "nginx.log"):
        await listening(port)
        yield Target(port, directory)
