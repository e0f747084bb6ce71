"""Bringing a database to this version's schema, before a process serves and never at request time.

yoyo keeps the list of applied files; the transaction is ours: a file and its bookkeeping commit together, so a process
killed at any point leaves nothing half done. Any number of processes may start at once: an advisory lock is polled, not
waited for, because a waiting session holds a snapshot that CREATE INDEX CONCURRENTLY would wait for in turn.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

import psycopg2
from yoyo import read_migrations
from yoyo.backends import PostgresqlBackend
from yoyo.migrations import MigrationList, default_migration_table

from control_plane.errors import StartupRefused, Unavailable
from control_plane.store import partitions
from control_plane.store.pool import Connection, Database

_LOCK = 0x6661727761746368  # "farwatch"
_LOCK_PATIENCE_S = 300.0
_POLL_S = 0.05
_CONNECT_TIMEOUT_S = 5
_AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError)

SELECT_APPLIED = "SELECT migration_id FROM _yoyo_migration"


def sql_directory() -> Path:
    """Where roles.sql and migrations/ are: inside the installed wheel, or at the top of a source checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "sql", package.parent / "sql"):
        if (candidate / "migrations").is_dir():
            return candidate
    raise StartupRefused(f"This installation lacks its sql directory beside {package}. Install farwatch again.")


def known_migrations() -> list[str]:
    """The ids of all migrations of this version, oldest first."""
    return sorted(path.stem for path in (sql_directory() / "migrations").glob("*.sql"))


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing, and make the partitions of the coming days. Returns the ids applied, oldest first.

    Raises Unavailable when the database is away, StartupRefused when it is newer than this version or refuses.
    """
    return await asyncio.to_thread(_migrate, dsn)


async def check_schema(database: Database) -> None:
    """Raises StartupRefused unless the database has exactly the schema of this version."""
    async with database.owner() as connection:
        applied = await select_applied(connection)
    _refuse_newer(applied)
    missing = sorted(set(known_migrations()) - applied)
    if missing:
        raise StartupRefused(f"The database lacks {', '.join(missing)}. Run `farwatch migrate` first.")


async def select_applied(connection: Connection) -> set[str]:
    """The ids of the migrations this database has; empty for a fresh one."""
    if await connection.fetchval("SELECT to_regclass('_yoyo_migration') IS NULL"):
        return set()
    return {row["migration_id"] for row in await connection.fetch(SELECT_APPLIED)}


def _migrate(dsn: str) -> list[str]:
    try:
        with closing(_connect(dsn)) as connection:
            _take_lock(connection)
            return _apply(connection)
    except _AWAY as error:
        raise Unavailable(f"The database is away: {error}") from error
    except psycopg2.errors.InsufficientPrivilege as error:
        raise StartupRefused(
            f"This login may not prepare the database: {_first_line(error)} Let an administrator make it the owner of"
            " the database, create the roles of sql/roles.sql with their grants, and grant it all of them."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] + "."


def _connect(dsn: str) -> Any:
    connection = psycopg2.connect(dsn, connect_timeout=_CONNECT_TIMEOUT_S, application_name="farwatch migrate")
    connection.autocommit = True
    return connection


def _take_lock(connection: Any) -> None:
    """Hold the lock until this connection ends. Raises Unavailable after five minutes of somebody else migrating."""
    patience = time.monotonic() + _LOCK_PATIENCE_S
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
            if cursor.fetchone()[0]:
                return
            if time.monotonic() > patience:
                raise Unavailable("Another process has been migrating this database for five minutes.")
            time.sleep(_POLL_S)


def _apply(connection: Any) -> list[str]:
    directory = sql_directory()
    backend = _Backend(connection)
    applied = backend.applied_ids()
    _refuse_newer(applied)
    _create_roles(connection, (directory / "roles.sql").read_text(encoding="utf-8"))
    missing = [m for m in _migrations(directory) if m.id not in applied]
    for migration in missing:
        _apply_file(backend, migration)
    with connection.cursor() as cursor:
        for statement in partitions.statements_ahead(int(time.time() * 1000)):
            cursor.execute(statement)
    return [migration.id for migration in missing]


def _apply_file(backend: _Backend, migration: Any) -> None:
    try:
        backend.apply_one(migration)
    except (*_AWAY, psycopg2.errors.InsufficientPrivilege):
        raise  # told by _migrate
    except psycopg2.Error as error:
        raise StartupRefused(
            f"Migration {migration.id} failed and changed nothing: {_first_line(error)}"
            " Something else lives in this database; give Farwatch one of its own."
        ) from error


def _migrations(directory: Path) -> list[Any]:
    found: MigrationList = read_migrations(str(directory / "migrations"))
    return sorted(found, key=lambda migration: str(migration.id))


def _create_roles(connection: Any, statements: str) -> None:
    """Roles are the cluster's, our lock the database's: who meets another database's migration tries again."""
    for attempt in range(20):
        try:
            with connection.cursor() as cursor:
                cursor.execute(statements)
        except psycopg2.errors.InternalError_ as error:  # "tuple concurrently updated"
            if attempt == 19 or "concurrently" not in str(error):
                raise
            time.sleep(_POLL_S)
        else:
            return


def _refuse_newer(applied: set[str]) -> None:
    unknown = sorted(applied - set(known_migrations()))
    if unknown:
        raise StartupRefused(
            f"The database was migrated by a newer Farwatch: {', '.join(unknown)} is unknown here."
            " Install that version, or restore a backup made before it."
        )


class _Backend(PostgresqlBackend):  # type: ignore[misc]
    """yoyo on one given connection, which holds the advisory lock: a killed process leaves no lock behind."""

    def __init__(self, connection: Any) -> None:
        self._given = connection
        super().__init__(None, default_migration_table)

    def connect(self, _dburi: object) -> Any:
        return self._given

    def lock(self, _timeout: float = 0) -> AbstractContextManager[None]:
        return nullcontext()

    def list_tables(self, **_: object) -> list[str]:
        return [row[0] for row in self.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]

    def applied_ids(self) -> set[str]:
        self.ensure_internal_schema_updated()
        return {row[0] for row in self.execute(SELECT_APPLIED)}

    def apply_one(self, migration: Any, force: bool = False, _mark: bool = True) -> None:
        """The file and the note that it was applied, in one transaction, unless the file says it cannot be in one."""
        migration.load()
        if not migration.use_transactions:
            migration.process_steps(self, "apply", force=force)
        with self.transaction():
            if migration.use_transactions:
                migration.process_steps(self, "apply", force=force)
            self.mark_one(migration, log=False)
