"""A whole installation as `farwatch up` composes it, in a temporary directory: for measuring, and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from control_plane.cli.children import Children, Program
from control_plane.cli.installation import (
    LOCAL_CIDRS,
    Installation,
    InstallationKeys,
    InstallationSecrets,
    control_plane_environment,
)
from control_plane.postgres import EmbeddedPostgres
from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.migrate import migrate
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.bench.programs import free_port

AGENT, CONTROL_PLANE, POSTGRES = "agent", "control plane", "PostgreSQL"


@asynccontextmanager
async def scratch() -> AsyncIterator[Path]:
    """A directory that every user may enter: servers started by root drop their rights."""
    with tempfile.TemporaryDirectory(prefix="farwatch-bench-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        yield Path(directory)


@dataclass(frozen=True, slots=True)
class Region:
    id: int
    slug: str
    probe_key: str


@dataclass(slots=True)
class World:
    """A running installation. `database` is the harness's own way in, its CPU is PostgreSQL's."""

    installation: Installation
    postgres: EmbeddedPostgres
    database: Database
    children: Children
    port: int
    tenant_id: TenantId
    api_key: str
    regions: Sequence[Region]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_agents(self) -> None:
        for region in self.regions:
            environment = {
                "FARWATCH_AGENT__URL": self.url,
                "FARWATCH_AGENT__KEY": region.probe_key,
                "FARWATCH_AGENT__STATE_DIR": str(self.installation.agent_state(region.slug)),
                "FARWATCH_AGENT__LOG_LEVEL": "error",
            }
            self.children.keep(Program(f"{AGENT} {region.slug}", ("-m", "agent", "run"), environment))

    def roots(self) -> dict[str, int]:
        """The process trees that count."""
        assert self.postgres.pid is not None
        agents = {name: pid for name, pid in self.children.pids.items() if name.startswith(AGENT)}
        return {CONTROL_PLANE: self.children.pids[CONTROL_PLANE], POSTGRES: self.postgres.pid, **agents}

    def api(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, trust_env=False)


@asynccontextmanager
async def world(directory: Path, *, regions: int) -> AsyncIterator[World]:
    """PostgreSQL with durable settings and a control plane in its own process; agents when asked to."""
    definitions = [RegionDefinition(f"r{n}", f"Region {n}", LOCAL_CIDRS) for n in range(1, regions + 1)]
    installation = Installation(directory / "installation")
    made = installation.prepare()
    async with AsyncExitStack() as stack:
        postgres = EmbeddedPostgres(installation.postgres)
        dsn = await postgres.start()
        stack.push_async_callback(postgres.stop)
        await migrate(dsn)
        database = await Database.connect(dsn, max_size=5)
        stack.push_async_callback(database.close)
        keys = (await installation.ensure_keys(database, pepper=made.pepper.encode(), regions=definitions)).keys
        children = await stack.enter_async_context(Children())
        port = free_port()
        children.keep(_control_plane(made, dsn=dsn, port=port))
        await _ready(f"http://127.0.0.1:{port}/readyz")
        tenant_id, found = await _look_up(database, keys)
        yield World(installation, postgres, database, children, port, tenant_id, keys.api_key, found)


def _control_plane(made: InstallationSecrets, *, dsn: str, port: int) -> Program:
    environment = dict(control_plane_environment(made, dsn=dsn, host="127.0.0.1", port=port, url=""))
    return Program(CONTROL_PLANE, ("-m", "control_plane", "serve"), {**environment, "FARWATCH_LOG__LEVEL": "error"})


async def _look_up(database: Database, keys: InstallationKeys) -> tuple[TenantId, list[Region]]:
    async with database.app() as conn:
        tenant_id = TenantId(await conn.fetchval("SELECT id FROM tenants"))
        rows = await conn.fetch("SELECT id, slug FROM regions ORDER BY id")
    return tenant_id, [Region(row["id"], row["slug"], keys.probe_keys[row["slug"]]) for row in rows]


async def _ready(url: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.05)


def ignore_terminal() -> None:
    """Ctrl-C ends the harness, which ends what it started, in order."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
