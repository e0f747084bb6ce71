"""A whole installation in processes of its own: control planes, agents, a site that fails on command, a receiver."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from control_plane.cli.installation import LOCAL_CIDRS
from control_plane.services.fleet.issue_probe_key import create_agent
from control_plane.services.tenants.first_run import FirstRun, RegionDefinition, ensure_first_tenant
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.auditor import Acknowledged, Breach, audit
from tests.support.receiver import Receiver, a_receiver
from tests.support.serving import OPERATOR_SECRET, SEALING_KEYS
from tests.support.waiting import until_async

SOURCES = {"ap": "127.0.0.2", "eu": "127.0.0.3", "us": "127.0.0.4"}
"""The regions of a farm, and the loopback address that each one's checks come from."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Site:
    """A web site that can fail for all visitors or for those of some regions, and counts its visits."""

    port: int = 0
    failing: set[str] = field(default_factory=set)
    visits: list[tuple[str, str]] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.Response:
        region = next((slug for slug, source in SOURCES.items() if source == request.remote), "?")
        self.visits.append((region, request.path))
        return web.Response(status=500 if region in self.failing or "*" in self.failing else 200, text="well\n")


@dataclass
class Child:
    """A process of ours and where it writes."""

    process: asyncio.subprocess.Process
    log: Path

    async def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        except TimeoutError:
            await self.kill()


class Farm:
    """Made by `a_farm`. Ports are fixed for its life, so that a control plane comes back where it was."""

    def __init__(self, *, dsn: str, directory: Path, home: FirstRun, database: Database) -> None:
        self.dsn = dsn
        self.directory = directory
        self.home = home
        self.database = database
        self.port = free_port()
        self.children: list[Child] = []
        self.site = Site()
        self.receiver: Receiver
        self._names = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def api(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.home.api_key}"}
        return httpx.AsyncClient(base_url=f"{self.url}/api/v1", headers=headers, timeout=20, trust_env=False)

    async def start_control_plane(
        self, *, workers: int = 1, port: int | None = None, settings: Mapping[str, str] | None = None
    ) -> Child:
        """Start it, on the farm's port if no other is given, and wait until its database answers.

        `settings` are more of them, or others: LOG__LEVEL="debug".
        """
        where = port or self.port
        environment = {
            "FARWATCH_DATABASE__DSN": self.dsn,
            "FARWATCH_SERVER__PORT": str(where),
            "FARWATCH_SERVER__METRICS_PORT": "0",
            "FARWATCH_SECURITY__PEPPER": seed.PEPPER.decode(),
            "FARWATCH_SECURITY__SEALING_KEYS": SEALING_KEYS,
            "FARWATCH_OPERATOR__SECRET": OPERATOR_SECRET,
            "FARWATCH_DELIVERY__ALLOW_CIDRS": ",".join(LOCAL_CIDRS),
            **{f"FARWATCH_{name}": value for name, value in (settings or {}).items()},
        }
        child = await self._start(
            "control-plane", ("-m", "control_plane", "serve", f"--workers={workers}"), environment
        )
        await until_async(lambda: self._is_ready(where), f"the control plane is ready, see {child.log}", timeout=20)
        return child

    def operator(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {OPERATOR_SECRET}"}
        return httpx.AsyncClient(base_url=f"{self.url}/operator", headers=headers, timeout=20, trust_env=False)

    async def start_agent_elsewhere(self, key: str, *, prefix: Sequence[str], **settings: str) -> Child:
        """An agent that is started by a command of its own, such as one that leads into a network namespace."""
        self._names += 1
        environment = {
            "FARWATCH_AGENT__KEY": key,
            "FARWATCH_AGENT__STATE_DIR": str(self.directory / f"agent-{self._names}"),
            **{f"FARWATCH_AGENT__{name.upper()}": value for name, value in settings.items()},
        }
        name = f"agent-elsewhere-{self._names}"
        return await self._start(name, ("-m", "agent", "run"), environment, prefix=prefix)

    async def start_agent(self, region: str, *, key: str | None = None) -> Child:
        """An agent of the region: the one of the first run, or the one with this key."""
        self._names += 1
        environment = {
            "FARWATCH_AGENT__URL": self.url,
            "FARWATCH_AGENT__KEY": key or self.home.probe_keys[region],
            "FARWATCH_AGENT__STATE_DIR": str(self.directory / f"agent-{self._names}"),
            "FARWATCH_AGENT__SOURCE_ADDRESS": SOURCES[region],
            "FARWATCH_AGENT__RESOLVERS": "127.0.0.1:1",  # nobody: these tests name no names
        }
        return await self._start(f"agent-{region}-{self._names}", ("-m", "agent", "run"), environment)

    async def another_agent(self, region: str) -> tuple[str, str]:
        """Register one more agent: (id, probe key)."""
        issued = await create_agent(self.database, region=region, name=f"extra-{self._names}", pepper=seed.PEPPER)
        return str(issued.agent.id), issued.key

    async def wait_agents(self, count: int) -> None:
        """Until this many agents are live."""
        await until_async(lambda: self._live_agents(count), f"{count} agents are live", timeout=30)

    async def rows(self, statement: str, *args: Any) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *args)]

    async def audit(self, *, acknowledged: Mapping[str, Acknowledged] | None = None) -> list[Breach]:
        """What the auditor finds in the rows."""
        async with self.database.app() as conn:
            return await audit(conn, acknowledged=acknowledged)

    async def _live_agents(self, count: int) -> bool:
        found = await self.rows("SELECT count(*) AS live FROM agents WHERE lease_until > now()")
        return bool(found[0]["live"] >= count)

    async def _is_ready(self, port: int) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
        return False

    async def _start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], *, prefix: Sequence[str] = ()
    ) -> Child:
        log = self.directory / f"{name}.log"
        plain = {k: v for k, v in os.environ.items() if not k.startswith("FARWATCH_")}
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *prefix, sys.executable, *arguments, env={**plain, **environment}, stdout=out, stderr=out
            )
        child = Child(process, log)
        self.children.append(child)
        return child


@asynccontextmanager
async def a_farm(dsn: str, directory: Path) -> AsyncIterator[Farm]:
    """A farm with three private regions that may reach loopback; nothing is started yet but the site and receiver."""
    async with AsyncExitStack() as stack:
        database = await Database.connect(dsn, max_size=4)
        stack.push_async_callback(database.close)
        regions = [RegionDefinition(slug, slug.upper(), allow_cidrs=LOCAL_CIDRS) for slug in SOURCES]
        home = await ensure_first_tenant(database, pepper=seed.PEPPER, regions=regions)
        assert home is not None
        farm = Farm(dsn=dsn, directory=directory, home=home, database=database)
        farm.receiver = await stack.enter_async_context(a_receiver())
        await stack.enter_async_context(_serving(farm.site))
        try:
            yield farm
        finally:
            await asyncio.gather(*(child.stop() for child in reversed(farm.children)))


@asynccontextmanager
async def _serving(site: Site) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.port = runner.addresses[0][1]
        yield
    finally:
        await runner.cleanup()
