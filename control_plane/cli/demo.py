"""`farwatch demo`: three regions, three agents and a few sites that fail in scripted ways."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import httpx

from control_plane.cli.demo_sites import Site, demo_sites, serve_sites
from control_plane.cli.installation import LOCAL_CIDRS, default_directory
from control_plane.cli.local import LocalRegion, Running, run_installation, until_stopped
from control_plane.cli.talk import say
from control_plane.cli.up import greet_address
from control_plane.errors import StartupRefused
from control_plane.services.tenants.first_run import RegionDefinition

INTERVAL_S = 10
HOST = "127.0.0.1"
REGIONS = tuple(
    LocalRegion(RegionDefinition(slug, name, allow_cidrs=LOCAL_CIDRS, city=name, country=country), source)
    for slug, name, country, source in (
        ("frankfurt", "Frankfurt", "DE", "127.0.0.2"),
        ("virginia", "Virginia", "US", "127.0.0.3"),
        ("singapore", "Singapore", "SG", "127.0.0.4"),
    )
)
UNLUCKY = REGIONS[-1]


@click.command(epilog="Stop it with Ctrl-C. Its data is kept apart from that of `farwatch up`.")
@click.option("--data", type=click.Path(path_type=Path), default=None, help="Directory of the database and keys.")
@click.option("--port", default=8100, show_default=True, type=click.IntRange(1, 65535))
def demo(data: Path | None, port: int) -> None:
    """Show Farwatch at work: a local failure outvoted, an outage proven, a recovery, a slow site."""
    asyncio.run(_demo(data or default_directory("demo"), port=port))


async def _demo(directory: Path, *, port: int) -> None:
    sites = demo_sites(UNLUCKY.source_address)
    async with (
        serve_sites(sites, host=HOST) as site_port,
        run_installation(directory, host=HOST, port=port, regions=REGIONS) as running,
    ):
        await _watch(running, sites, site_port)
        greet_address(running, directory)
        say(f"The demo is up after {running.seconds:.1f} s. Data: {directory}")
        for site in sites:
            say(f"  {site.name:<8} {site.story}")
        say("Sign in with the key, or follow along with:")
        say(f"  farwatch tail --url {running.url} --key {running.keys.api_key if running.first_run else '$KEY'}")
        say("Stop with Ctrl-C.")
        await until_stopped()


async def _watch(running: Running, sites: tuple[Site, ...], site_port: int) -> None:
    """One monitor per site, found again by its key: the sites' port is new at every start."""
    headers = {"Authorization": f"Bearer {running.keys.api_key}"}
    async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers, trust_env=False) as client:
        page = (await client.get("/monitors", params={"limit": 100})).raise_for_status().json()
        known = {monitor["key"]: monitor["id"] for monitor in page["items"]}
        for site in sites:
            check = {"type": "http", "url": f"http://{HOST}:{site_port}{site.path}", "degraded_above_ms": 400}
            body = {
                "name": site.name,
                "key": f"demo{site.path.replace('/', '-')}",
                "check": check,
                "interval": INTERVAL_S,
            }
            if body["key"] in known:
                response = await client.patch(f"/monitors/{known[body['key']]}", json={"check": check})
            else:
                response = await client.post("/monitors", json=body)
            if not response.is_success:
                raise StartupRefused(f"The demo's monitor {site.name} was refused: {response.text}")
