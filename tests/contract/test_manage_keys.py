"""Every route against the manage key of another monitor of the same tenant, made from the table of routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from control_plane.app import all_routes
from control_plane.domain.credentials import SCOPES
from control_plane.store.pool import Connection, Database
from control_plane.web import dispatch, managed
from control_plane.web.routes import Door, Route
from tests.support.matrix import Answer, Matrix, routes
from tests.support.zero_signup import a_strangers_monitor, an_open_desk

NAME = "theirs-and-nobody-elses"
ROWS = """
SELECT c.relname, EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'monitor_id') AS has
FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
"""
NO_RATES = "UPDATE plans SET rates = '{}' WHERE name = 'anonymous'"
SHARED = {
    *("tenant_counters", "port_touches", "idempotency_keys", "maintenance_windows", "maintenance_occurrences"),
    "regions",
}
"""Tables of tenants without a wall between manage keys: nothing in them tells of another's monitor."""
WALLED = "SELECT tablename FROM pg_policies WHERE roles = '{farwatch_manage}' AND permissive = 'RESTRICTIVE'"


@dataclass(frozen=True, slots=True)
class Strangers:
    """Two monitors of people without an account: ours, and that of the key that asks."""

    matrix: Matrix
    key: str
    monitor_id: str

    async def rows(self) -> dict[str, str]:
        """Table → digest of what is there of our monitor, or of nobody's in particular."""
        async with self.matrix.desk.database.owner() as conn:
            return {row["relname"]: await _digest(conn, row, self.monitor_id) for row in await conn.fetch(ROWS)}


async def _digest(conn: Connection, row: Any, monitor_id: str) -> str:
    table = row["relname"]
    column = "id" if table == "monitors" else "monitor_id" if row["has"] else None
    where = f"WHERE {column} = '{monitor_id}'" if column else "WHERE false"
    told = f"SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM {table} r {where}"
    digest: str = await conn.fetchval(told)
    return digest


@pytest.fixture
async def strangers(database: Database) -> AsyncIterator[Strangers]:
    async with an_open_desk(database) as desk:
        async with database.owner() as conn:
            await conn.execute(NO_RATES)
        ours = await a_strangers_monitor(desk, name=NAME)
        for seconds_ago in (4, 2):
            await desk.report(ours["id"], "eu", "down", seconds_ago=seconds_ago)
        async with desk.served.client(ours["manage_key"]) as http:
            incidents = (await http.get("/api/v1/incidents")).json()["items"]
            note = await http.post(f"/api/v1/incidents/{incidents[0]['id']}/notes", json={"text": NAME})
            assert note.status_code == 201, note.text
        asking = await a_strangers_monitor(desk, check="https://example.org/")
        known = {"monitor_id": ours["id"], "incident_id": incidents[0]["id"], "region": "eu", "number": "1"}
        secrets = frozenset({NAME, ours["id"], incidents[0]["id"], ours["manage_key"][:14]})
        yield Strangers(Matrix(desk, known, asking["manage_key"], secrets), asking["manage_key"], ours["id"])


def named(answers: list[Answer]) -> list[str]:
    return [f"{a.route.method} {a.route.path}: {a.status} {a.code}" for a in answers]


async def test_every_operation_that_a_manage_key_opens_exists() -> None:
    assert managed.OPEN - {route.operation for route in all_routes() if route.door is Door.TENANT} == frozenset()


async def test_a_manage_key_is_told_nothing_of_another_monitor_and_changes_nothing(strangers: Strangers) -> None:
    before = await strangers.rows()
    answers = await strangers.matrix.ask_all(_asked(), strangers.key)
    assert [(a.route.operation, strangers.matrix.leaks(a)) for a in answers if strangers.matrix.leaks(a)] == []
    on_ours = [a for a in answers if "{monitor_id}" in a.route.path or "{incident_id}" in a.route.path]
    assert len(on_ours) > 40
    assert named([a for a in on_ours if a.status not in (403, 404)]) == []
    assert named([a for a in answers if a.status >= 500]) == []
    closed = [a for a in answers if a.route.operation not in managed.OPEN]
    assert named([a for a in closed if a.code != "NOT_FOR_MANAGE_KEYS"]) == []
    assert await strangers.rows() == before


async def test_without_the_first_wall_the_database_keeps_monitors_apart(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is let into every operation with every scope: the policies of its role stand alone."""

    async def pass_all(*_given: object) -> None:
        return None

    monkeypatch.setattr(dispatch, "require_managed", pass_all)
    monkeypatch.setattr(managed, "SCOPES", frozenset(SCOPES))
    strangers.matrix.desk.served.deps.authenticator._tenants.forget_all()
    before = await strangers.rows()
    answers = await strangers.matrix.ask_all(_asked(), strangers.key)
    assert [(a.route.operation, strangers.matrix.leaks(a)) for a in answers if strangers.matrix.leaks(a)] == []
    assert len([a for a in answers if a.status < 400]) > 10
    assert await strangers.rows() == before


async def test_every_table_of_tenants_says_what_a_manage_key_sees(database: Database) -> None:
    async with database.owner() as conn:
        tables = {row["relname"] for row in await conn.fetch(ROWS)}
        walled = {row["tablename"] for row in await conn.fetch(WALLED)}
        seen = {
            table
            for table in tables
            if await conn.fetchval("SELECT has_table_privilege('farwatch_manage', $1, 'SELECT')", table)
        }
    assert seen - walled - SHARED == set()


def _asked() -> list[Route]:
    """All but what needs no key, and what ends the key that asks."""
    spared = {"get_meta", "end_my_session", "end_my_sessions"}
    return [route for route in routes(Door.TENANT) if route.operation not in spared]
