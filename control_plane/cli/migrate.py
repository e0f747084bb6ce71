"""`farwatch migrate`: bring a database to the schema of this version."""

from __future__ import annotations

import asyncio

import click

from control_plane.cli.talk import say
from control_plane.errors import StartupRefused
from control_plane.settings import load_settings
from control_plane.store.migrate import migrate


@click.command("migrate")
@click.option("--dsn", default=None, help="PostgreSQL URL; default: FARWATCH_DATABASE__DSN.")
def migrate_command(dsn: str | None) -> None:
    """Apply the migrations that this database has not had yet. Safe to run in several places at once."""
    target = dsn or load_settings().database.dsn
    if not target:
        raise StartupRefused("No database is named: give --dsn, or set FARWATCH_DATABASE__DSN.")
    applied = asyncio.run(migrate(target))
    for name in applied:
        click.echo(name)
    say(f"{len(applied)} applied." if applied else "Nothing to do: the schema is that of this version.")
