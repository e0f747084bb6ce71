"""`farwatch demo`: a ferry line with 90 days of a past, watched from three regions, that fails now and then."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import httpx
from msgspec import Struct

from control_plane.cli import demo_cast
from control_plane.cli.demo_network import network
from control_plane.cli.demo_rooms import DemoLinks, furnish
from control_plane.cli.demo_sites import HOST, Ports, Sites, listening
from control_plane.cli.demo_switchboard import routes
from control_plane.cli.installation import LOCAL_CIDRS, Installation, default_directory
from control_plane.cli.local import LocalRegion, Prepared, Running, run_installation, until_stopped
from control_plane.cli.talk import say
from control_plane.errors import StartupRefused
from control_plane.services.demo.write_history import write_history
from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.pool import Database

REGIONS = tuple(
    LocalRegion(RegionDefinition(slug, name, allow_cidrs=LOCAL_CIDRS, city=name, country=country), source)
    for slug, name, country, source in (
        ("frankfurt", "Frankfurt", "DE", "127.0.0.2"),
        ("virginia", "Virginia", "US", "127.0.0.3"),
        ("singapore", "Singapore", "SG", "127.0.0.4"),
    )
)
UNLUCKY = REGIONS[-1]
_PING_EVERY_S = 30.0
_PINGED = {"seats": 30.0, "invoices": 1800.0, "backup": 3600.0}
"""How often the demo's jobs are said to have run, by their monitors' keys."""


@click.command(
    epilog="Stop it with Ctrl-C. Its data is kept apart from that of `farwatch up`; a second start goes on with it."
)
@click.option("--data", type=click.Path(path_type=Path), default=None, help="Directory of the database and keys.")
@click.option("--port", default=8100, show_default=True, type=click.IntRange(1, 65535))
@click.option("--fresh", is_flag=True, help="Forget what an earlier demo left in the directory, and begin anew.")
def demo(data: Path | None, port: int, fresh: bool) -> None:
    """Show Farwatch at work: a made-up ferry line with 90 days behind it, and outages in front of you."""
    directory = data or default_directory("demo")
    if fresh:
        forget(directory)
    asyncio.run(_demo(directory, port=port))


class _Stage(Struct, frozen=True):
    """What stands around the installation: the sites, and what agents need to know of them."""

    sites: Sites
    ports: Ports
    settings: dict[str, str]


async def _demo(directory: Path, *, port: int) -> None:
    began = time.monotonic()
    mark(directory)
    found: list[DemoLinks] = []

    async def prepare(ready: Prepared) -> None:
        async with _api(ready.url, ready.keys.api_key) as client:
            found.append(await furnish(client, operator_secret=ready.operator_secret, ports=stage.ports))
        database = await Database.connect(ready.dsn, max_size=2)
        try:
            await write_history(database, composites=demo_cast.COMPOSITES, home=ready.url)
        finally:
            await database.close()

    async with (
        _staged(directory, port=port) as stage,
        run_installation(
            directory, host=HOST, port=port, regions=REGIONS, prepare=prepare, agent_settings=stage.settings
        ) as running,
    ):
        pinging = asyncio.create_task(_ping(found[0], stage.sites))
        _greet(running, found[0], stage, directory, seconds=time.monotonic() - began)
        await until_stopped()
        pinging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pinging


@asynccontextmanager
async def _staged(directory: Path, *, port: int) -> AsyncIterator[_Stage]:
    regions = {region.source_address: region.definition.slug for region in REGIONS}
    sites = Sites(regions, unlucky=UNLUCKY.source_address)
    ports = _ports(port)
    async with (
        listening(sites, ports=ports, more=routes(sites)),
        network(sites, ports=ports, directory=directory) as settings,
    ):
        yield _Stage(sites, ports, settings)


def _ports(port: int) -> Ports:
    """Those behind the control plane's where they are free, so that a second start finds the same; else any."""
    return Ports(*(_free(port + n) for n in range(1, len(Ports.__struct_fields__) + 1)))


def _free(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError, OverflowError):
            probe.bind((HOST, wanted))
            return wanted
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _api(url: str, key: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30)


async def _ping(links: DemoLinks, sites: Sites) -> None:
    """Say that the jobs ran, as their hosts would."""
    due = dict.fromkeys(links.pings, 0.0)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        while True:
            now = time.monotonic()
            for key in [each for each in due if due[each] <= now and not sites.fails(each, HOST)]:
                due[key] = now + _PINGED[key]
                await _say_it_ran(client, links.pings[key])
            await asyncio.sleep(_PING_EVERY_S)


async def _say_it_ran(client: httpx.AsyncClient, url: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        await client.post(f"{url}/start")
        await client.post(url)


def _greet(running: Running, links: DemoLinks, stage: _Stage, directory: Path, *, seconds: float) -> None:
    """Where to look. Addresses and the key are data: they go to stdout."""
    click.echo(f"Dashboard    {links.sign_in}")
    click.echo(f"Status page  {links.status_page}")
    click.echo(f"Share link   {links.share}")
    click.echo(f"Switchboard  http://{HOST}:{stage.ports.web}/")
    click.echo(f"Operator     {running.url}/sign-in/operator  secret {running.operator_secret}")
    click.echo(f"Key          {running.keys.api_key}")
    say(f"The demo is up after {seconds:.1f} s. Data: {directory}")
    say("Its past is invented; what happens from now on is real, on this machine alone. The link to the dashboard")
    say("signs you in once, as an admin; a further start prints another. Break something at the switchboard, or wait.")
    say(f"  farwatch tail --url {running.url} --key {running.keys.api_key}")
    say("Stop with Ctrl-C. A second start goes on with this data; --fresh begins anew.")


def mark(directory: Path) -> None:
    """Say that the directory is a demo's. Raises StartupRefused for one that something else is kept in."""
    installation = Installation(directory)
    place = installation.directory / "demo"
    if place.exists():
        return
    if installation.directory.exists() and any(installation.directory.iterdir()):
        raise StartupRefused(
            f"{installation.directory} is not empty, and was not made by this demo. Choose another with --data."
        )
    installation.prepare()
    place.touch(mode=0o600)


def forget(directory: Path) -> None:
    """Remove what a demo left. Raises StartupRefused for a directory that is no demo's, or whose demo is running."""
    root = Installation(directory).directory
    if not root.exists() or not any(root.iterdir()):
        return
    if not (root / "demo").exists():
        raise StartupRefused(f"{root} was not made by `farwatch demo`, so nothing in it is removed.")
    with _unused(root):
        for name in _LEFT:
            place = root / name
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)


_LEFT = ("postgres", "agents", "secrets.json", "keys.json", "address.json", "demo-ca.pem", "demo")
"""All that a demo leaves in its directory, the mark last: nothing else there is touched."""


@contextlib.contextmanager
def _unused(root: Path) -> Iterator[None]:
    """Nobody's database while the block runs. Raises StartupRefused when a demo is running there."""
    (root / "postgres").mkdir(exist_ok=True)
    with (root / "postgres" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupRefused(f"A demo is running on {root}. Stop it with Ctrl-C first.") from None
        yield
