"""`farwatch doctor`: what is wrong with an installation, and the next command."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import click
from msgspec import Struct

from control_plane.cli import exit_codes
from control_plane.cli.installation import Installation, default_directory
from control_plane.errors import FarwatchError, StartupRefused
from control_plane.postgres_binaries import embedded_programs
from control_plane.sealing import Sealer
from control_plane.services.safety.check_sealing_keys import check_sealing_keys
from control_plane.settings import Settings, check_serving, load_settings
from control_plane.store.fleet_reads import database_clock, live_agents
from control_plane.store.migrate import check_schema
from control_plane.store.pool import Database

MAX_CLOCK_DIFFERENCE_S = 5.0


class Finding(Struct, frozen=True):
    """One line of the examination."""

    subject: str
    well: bool
    words: str


@click.command()
def doctor() -> None:
    """Examine the settings, the database, its schema and clock, the keys and the fleet.

    Ends with 1 when something is wrong. Without FARWATCH_DATABASE__DSN only what needs no database is examined.
    """
    findings = asyncio.run(_examine())
    for finding in findings:
        click.echo(f"{'ok  ' if finding.well else 'BAD '} {finding.subject}: {finding.words}")
    if not all(finding.well for finding in findings):
        sys.exit(exit_codes.FAILED)


async def _examine() -> list[Finding]:
    findings = [await _look("embedded PostgreSQL", _embedded), await _look("local installation", _local)]
    try:
        settings = load_settings()
    except StartupRefused as refusal:
        return [*findings, Finding("settings", well=False, words=str(refusal))]
    findings.append(Finding("settings", well=True, words="every name is known and every value can be used"))
    if not settings.database.dsn:
        note = "FARWATCH_DATABASE__DSN is not set: fine for `farwatch up`, needed for `farwatch serve`"
        return [*findings, Finding("database", well=True, words=note)]
    findings.append(await _look("serving", lambda: _serving(settings)))
    return findings + await _examine_database(settings)


async def _examine_database(settings: Settings) -> list[Finding]:
    try:
        database = await Database.connect(settings.database.dsn, max_size=2)
    except (FarwatchError, StartupRefused) as error:
        return [Finding("database", well=False, words=str(error))]
    try:
        return [
            await _look("schema", lambda: _schema(database)),
            await _look("sealing keys", lambda: _sealing(settings, database)),
            await _look("clock", lambda: _clock(database)),
            await _look("agents", lambda: _agents(database)),
        ]
    finally:
        await database.close()


async def _look(subject: str, examine: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(subject, well=True, words=await examine())
    except (FarwatchError, StartupRefused) as error:
        return Finding(subject, well=False, words=str(error))


async def _embedded() -> str:
    return f"binaries in {embedded_programs().directory}"


async def _local() -> str:
    installation = Installation(default_directory())
    if installation.keys() is None:
        return f"none in {installation.directory} (made by `farwatch up`)"
    return f"in {installation.directory}, last served at {installation.address() or 'an unknown address'}"


async def _serving(settings: Settings) -> str:
    check_serving(settings)
    Sealer.from_setting(settings.security.sealing_keys, allow_unsealed=settings.security.allow_unsealed)
    return "pepper and sealing keys are in place"


async def _schema(database: Database) -> str:
    await check_schema(database)
    return "that of this version"


async def _sealing(settings: Settings, database: Database) -> str:
    await check_schema(database)
    keys, allowed = settings.security.sealing_keys, settings.security.allow_unsealed
    return await check_sealing_keys(database, Sealer.from_setting(keys, allow_unsealed=allowed), note=False)


async def _clock(database: Database) -> str:
    async with database.app() as conn:
        theirs = await database_clock(conn)
    difference = abs((datetime.now(UTC) - theirs).total_seconds())
    if difference > MAX_CLOCK_DIFFERENCE_S:
        raise StartupRefused(f"this machine and the database differ by {difference:.1f} s: run an NTP client on both")
    return f"differs from the database's by {difference * 1000:.0f} ms"


async def _agents(database: Database) -> str:
    async with database.app() as conn:
        live = await live_agents(conn)
    silent = sorted(slug for slug, count in live.items() if count == 0)
    if silent:
        raise StartupRefused(f"no live agent in {', '.join(silent)}: start one with farwatch-agent run")
    return ", ".join(f"{slug}: {count}" for slug, count in sorted(live.items())) or "no region yet"
