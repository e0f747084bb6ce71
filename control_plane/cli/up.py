"""`farwatch up`: everything on this machine, in the foreground."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from pathlib import Path

import click

from control_plane.cli.installation import LOCAL_CIDRS, default_directory
from control_plane.cli.local import LocalRegion, Running, run_installation, until_stopped
from control_plane.cli.talk import say
from control_plane.services.tenants.first_run import RegionDefinition

REGIONS = (LocalRegion(RegionDefinition("local", "This machine", allow_cidrs=LOCAL_CIDRS)),)


@click.command(epilog="Stop it with Ctrl-C. A second start keeps the data.")
@click.option("--data", type=click.Path(path_type=Path), default=None, help="Directory of the database and keys.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8100, show_default=True, type=click.IntRange(1, 65535))
def up(data: Path | None, host: str, port: int) -> None:
    """Start PostgreSQL, a control plane and one agent on this machine.

    The agent's region is private to the first tenant and may reach loopback and private addresses.
    """
    directory = data or default_directory()
    asyncio.run(_up(directory, host=host, port=port))


async def _up(directory: Path, *, host: str, port: int) -> None:
    async with run_installation(directory, host=host, port=port, regions=REGIONS) as running:
        greet(running, directory)
        await until_stopped()


def greet(running: Running, directory: Path) -> None:
    """What the person at the terminal needs next. Address and key are data: they go to stdout."""
    greet_address(running, directory)
    say(f"Farwatch is up after {running.seconds:.1f} s. Data: {directory}")
    say("Sign in with the key at the URL, or add a monitor from another terminal:")
    say(f"  {command()} monitors add http://127.0.0.1:8080/")
    key = running.keys.api_key if running.first_run else "$KEY"
    say(
        f'  curl -sS {running.url}/api/v1/monitors -H "Authorization: Bearer {key}"'
        """ -H 'Content-Type: application/json' -d '{"name":"My site","check":"http://127.0.0.1:8080/"}'"""
    )
    say("Stop with Ctrl-C.")


def command() -> str:
    """What to type for this program: its name, or its path where a shell would not find it by that."""
    name = Path(sys.argv[0]).name
    if name == "__main__.py":
        return f"{Path(sys.executable).name} -m control_plane"
    return name if shutil.which(name) else shlex.quote(os.path.relpath(sys.argv[0]))


def greet_address(running: Running, directory: Path) -> None:
    """The URL, and on the first run the key and the setup link; the key is kept where only its owner reads."""
    click.echo(f"URL  {running.url}")
    if running.first_run:
        click.echo(f"Key  {running.keys.api_key}")
        if running.setup_token:
            click.echo(f"Setup  {running.url}/setup/{running.setup_token}")
            say("Open the setup link to name your team and become its owner. It works once, for 24 hours.")
    else:
        say(f"The key was printed at the first start; it is kept in {directory / 'keys.json'}")
