"""`farwatch serve`: a control plane on a database of your own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import click
import uvloop

from control_plane.app import serve as serve_here
from control_plane.cli.children import Children, Program
from control_plane.cli.local import local_url, require_free, until_stopped
from control_plane.cli.talk import say
from control_plane.errors import StartupRefused, Unavailable
from control_plane.sealing import Sealer
from control_plane.services.tenants.first_run import ensure_first_tenant
from control_plane.settings import Settings, check_serving, load_settings
from control_plane.store.migrate import check_schema
from control_plane.store.pool import Database
from shared.logs import configure_logs

_WORKER = "FARWATCH_SERVER__WORKERS"


@click.command()
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Processes; default: server.workers (1).")
@click.option("--worker", is_flag=True, hidden=True, help="Serve in this process, sharing the port with others.")
def serve(workers: int | None, worker: bool) -> None:
    """Serve the control plane until it is told to stop. Any number may run side by side on one database.

    Needs FARWATCH_DATABASE__DSN, FARWATCH_SECURITY__PEPPER and FARWATCH_SECURITY__SEALING_KEYS; run `farwatch migrate`
    first. The first start makes a tenant and prints its key. Worker i serves /metrics on server.metrics_port + i.
    """
    settings = load_settings()
    check_serving(settings)
    if not worker:
        asyncio.run(_prepare(settings))
    count = workers or settings.server.workers
    if count == 1 or worker:
        _serve_one(settings)
    else:
        asyncio.run(_serve_many(settings, count))


async def _prepare(settings: Settings) -> None:
    """Refuse what no worker could serve, before any is started; on an empty installation, make the first key."""
    require_free(settings.server.host, settings.server.port)
    Sealer.from_setting(settings.security.sealing_keys, allow_unsealed=settings.security.allow_unsealed)
    database = await Database.connect(settings.database.dsn, max_size=1)
    try:
        await check_schema(database)
        first = await ensure_first_tenant(database, pepper=settings.security.pepper.encode())
    finally:
        await database.close()
    if first is not None:
        click.echo(f"Key  {first.api_key}")
        click.echo(f"Setup  {setup_url(settings, first.setup_token)}")
        say("The key above is the first tenant's. It is shown this once: keep it.")
        say("Under the setup link the first person becomes the owner. It works once, for 24 hours.")


def setup_url(settings: Settings, token: str) -> str:
    """The setup link: under the public URL, or where this process listens."""
    server = settings.server
    return f"{server.public_url.rstrip('/') or local_url(server.host, server.port)}/setup/{token}"


def _serve_one(settings: Settings) -> None:
    configure_logs(level=settings.log.level, format=settings.log.format)
    try:
        uvloop.run(serve_here(settings))
    except Unavailable as error:
        raise StartupRefused(f"{error.message} (database.dsn)") from error


async def _serve_many(settings: Settings, count: int) -> None:
    async with Children() as children:
        for number in range(count):
            children.keep(
                Program(f"worker {number}", ("-m", "control_plane", "serve", "--worker"), _of(settings, number, count))
            )
        say(f"Serving with {count} workers on {settings.server.host}:{settings.server.port}. Stop with Ctrl-C.")
        await until_stopped()


def _of(settings: Settings, number: int, count: int) -> Mapping[str, str]:
    base = settings.server.metrics_port
    metrics = base + number if base else 0
    return {**os.environ, _WORKER: str(count), "FARWATCH_SERVER__METRICS_PORT": str(metrics)}
