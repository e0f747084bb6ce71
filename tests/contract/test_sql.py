"""Every statement of the store, held against the migrated schema."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import asyncpg
import pytest

from control_plane import store
from control_plane.store.pool import Connection, Database
from control_plane.store.violations import VIOLATIONS
from tests.support.schema import dump, schema_file

_SQL = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|VALUES|LOCK)\b")
_ALL_TENANTS = ("LANE_", "FLEET_")
TENANT_TABLES = """
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attname = 'tenant_id' AND NOT a.attisdropped
"""


def _statements() -> dict[str, str]:
    """Public UPPER_CASE constants that are SQL, by "module.NAME". A leading underscore marks a fragment."""
    found = {}
    for module in pkgutil.iter_modules(store.__path__):
        constants = vars(importlib.import_module(f"control_plane.store.{module.name}"))
        for name, value in constants.items():
            if name.isupper() and not name.startswith("_") and isinstance(value, str) and _SQL.match(value):
                found[f"{module.name}.{name}"] = value
    return found


STATEMENTS = _statements()


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_a_statement_prepares_on_the_migrated_schema(name: str, prepared: Connection) -> None:
    try:
        await prepared.prepare(STATEMENTS[name])
    except asyncpg.PostgresError as error:
        pytest.fail(f"{name}: {error}")


def touched(statement: str, tables: set[str]) -> set[str]:
    """The tenant tables that the statement reads or writes, by the word that leads to them."""
    text = re.sub(r"--.*", "", statement)
    named = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|USING|ONLY|,)\s+([a-z_]+)", text)
    return tables & set(named)


async def test_every_statement_on_a_tenant_table_names_the_tenant(database: Database) -> None:
    async with database.owner() as connection:
        tables = {row["relname"] for row in await connection.fetch(TENANT_TABLES)}
    assert len(tables) >= 15
    forgetful = {
        name: sorted(found)
        for name, statement in STATEMENTS.items()
        if not name.partition(".")[2].startswith(_ALL_TENANTS)
        and (found := touched(statement, tables))
        and "tenant_id" not in statement
    }
    assert forgetful == {}, "name tenant_id, or say LANE_ or FLEET_ (see control_plane/store/__init__.py)"


def test_the_reader_of_statements_sees_the_tables() -> None:
    tables = {"monitors", "votes", "events"}
    assert touched("SELECT 1 FROM monitors m JOIN votes v ON true", tables) == {"monitors", "votes"}
    assert touched("DELETE FROM events WHERE at < now()", tables) == {"events"}
    assert touched("SELECT 1 FROM installation -- JOIN votes", tables) == set()


def test_the_store_has_statements() -> None:
    assert len(STATEMENTS) > 20


async def test_schema_sql_is_what_the_migrations_make(dsn: str) -> None:
    assert dump(dsn) == schema_file().read_text(encoding="utf-8"), "run python -m tests.support.schema"


def test_statements_live_in_the_store_alone() -> None:
    package = Path(store.__file__).parents[1]
    sql = re.compile(r"\"\s*(SELECT [\w*( ]+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM) ")
    outside = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.parent.name != "store" and sql.search(path.read_text(encoding="utf-8"))
    ]
    assert outside == []


CONSTRAINTS = """
SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'i'
"""


async def test_every_violation_that_is_explained_can_happen(prepared: Connection) -> None:
    there = {row["conname"] for row in await prepared.fetch(CONSTRAINTS)}
    assert set(VIOLATIONS) - there == set()
