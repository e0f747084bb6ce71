"""Running a whole installation on this machine: PostgreSQL, a control plane and one agent per region."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from msgspec import Struct

from control_plane.cli.children import Children, Program
from control_plane.cli.installation import EnsuredKeys, Installation, InstallationKeys, control_plane_environment
from control_plane.cli.talk import say
from control_plane.errors import StartupRefused
from control_plane.postgres import EmbeddedPostgres
from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.migrate import migrate
from control_plane.store.pool import Database

_READY_WITHIN_S = 30.0


class LocalRegion(Struct, frozen=True):
    """A private region with its agent on this machine. `source_address`: what the agent's checks come from."""

    definition: RegionDefinition
    source_address: str = ""


class Prepared(Struct, frozen=True):
    """A control plane that answers, with its database, before any agent runs."""

    url: str
    dsn: str
    operator_secret: str
    keys: InstallationKeys


class Running(Struct, frozen=True):
    """A local installation that answers."""

    url: str
    operator_secret: str
    keys: InstallationKeys
    first_run: bool
    seconds: float
    setup_token: str = ""
    """Of the link under which the first person becomes the owner; on the first run alone."""


@asynccontextmanager
async def run_installation(
    directory: Path,
    *,
    host: str,
    port: int,
    regions: Sequence[LocalRegion],
    prepare: Callable[[Prepared], Awaitable[None]] | None = None,
    agent_settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Running]:
    """Everything up on entry, everything down, in order, on exit. Raises StartupRefused with the remedy.

    `prepare` is awaited before the agents start; `agent_settings` are added to the environment of each.
    """
    began = time.monotonic()
    installation = Installation(directory)
    made = installation.prepare()
    require_free(host, port)
    async with AsyncExitStack() as stack:
        postgres = EmbeddedPostgres(installation.postgres)
        dsn = await postgres.start()
        stack.push_async_callback(postgres.stop)
        await migrate(dsn)
        ensured = await _ensure_keys(installation, dsn, pepper=made.pepper.encode(), regions=regions)
        url = local_url(host, port)
        environment = control_plane_environment(made, dsn=dsn, host=host, port=port, url=url)
        children = await stack.enter_async_context(Children())
        children.keep(Program("control plane", ("-m", "control_plane", "serve"), environment))
        await _wait_ready(url)
        installation.note_address(url)
        if prepare is not None:
            await prepare(Prepared(url, dsn, made.operator_secret, ensured.keys))
        for region in regions:
            children.keep(_agent(installation, region, url=url, keys=ensured.keys, more=agent_settings or {}))
        seconds = time.monotonic() - began
        yield Running(url, made.operator_secret, ensured.keys, ensured.made, seconds, ensured.setup_token)
        say("Stopping …")


def local_url(host: str, port: int) -> str:
    """Where this machine reaches what listens on `host`: an address that stands for all is loopback from here."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


async def until_stopped() -> None:
    """Return at the first SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    await stop.wait()


async def _ensure_keys(
    installation: Installation, dsn: str, *, pepper: bytes, regions: Sequence[LocalRegion]
) -> EnsuredKeys:
    database = await Database.connect(dsn, max_size=2)
    try:
        definitions = [region.definition for region in regions]
        return await installation.ensure_keys(database, pepper=pepper, regions=definitions)
    finally:
        await database.close()


def _agent(
    installation: Installation, region: LocalRegion, *, url: str, keys: InstallationKeys, more: Mapping[str, str]
) -> Program:
    slug = region.definition.slug
    environment = {
        **more,
        "FARWATCH_AGENT__URL": url,
        "FARWATCH_AGENT__KEY": keys.probe_keys[slug],
        "FARWATCH_AGENT__STATE_DIR": str(installation.agent_state(slug)),
    }
    if region.source_address:
        environment["FARWATCH_AGENT__SOURCE_ADDRESS"] = region.source_address
    return Program(f"agent of {slug}", ("-m", "agent", "run"), environment)


def require_free(host: str, port: int) -> None:
    """Raises StartupRefused when the port is taken: said at once, and once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartupRefused(
                f"{host}:{port} cannot be used: {error.strerror}. Stop what listens there, or choose another port."
            ) from None


async def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        while not await _is_ready(client, url):
            if time.monotonic() > deadline:
                raise StartupRefused(
                    f"The control plane did not answer at {url} within {_READY_WITHIN_S:.0f} s; see its output above."
                )
            await asyncio.sleep(0.05)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return (await client.get(f"{url}/readyz")).status_code == 200
    return False
