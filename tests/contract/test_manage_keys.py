"""Every route against the manage key of another monitor of the same tenant, made from the table of routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from control_plane.app import all_routes
from control_plane.domain.tenants.credentials import SCOPES
from control_plane.store.pool import Connection, Database
from control_plane.web import dispatch, managed
from control_plane.web.routes import Door, Route
from tests.support.dashboard import Desk
from tests.support.matrix import Answer, Matrix, routes
from tests.support.zero_signup import a_strangers_monitor, a_strangers_page, an_open_desk

NAME = "theirs-and-nobody-elses"
ROWS = """
SELECT c.relname, ARRAY(SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = c.oid
    AND a.attname IN ('monitor_id', 'page_id')) AS has
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
    """Monitors and pages of people without an account: ours, and the two keys that ask, one of each."""

    matrix: Matrix
    keys: tuple[str, str]
    monitor_id: str
    page_id: str

    async def rows(self) -> dict[str, str]:
        """Table → digest of what is there of our monitor, or of nobody's in particular."""
        async with self.matrix.desk.database.owner() as conn:
            return {row["relname"]: await _digest(conn, row, self) for row in await conn.fetch(ROWS)}


async def _digest(conn: Connection, row: Any, ours: Strangers) -> str:
    table, ids = row["relname"], {"monitor_id": ours.monitor_id, "page_id": ours.page_id}
    of_itself = {"monitors": ours.monitor_id, "status_pages": ours.page_id}
    found = [f"{column} = '{ids[column]}'" for column in row["has"]]
    found += [f"id = '{of_itself[table]}'"] if table in of_itself else []
    where = f"WHERE {' OR '.join(found) or 'false'}"
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
        page, component = await _a_page_of_ours(desk)
        asking = await a_strangers_monitor(desk, check="https://example.org/")
        also_asking = await a_strangers_page(desk, slug="also-asking")
        known = {"monitor_id": ours["id"], "incident_id": incidents[0]["id"], "region": "eu", "number": "1"}
        known |= {"page_id": page["id"], "component_id": component["id"]}
        secrets = {NAME, ours["id"], incidents[0]["id"], ours["manage_key"][:14]}
        secrets |= {page["id"], component["id"], page["manage_key"][:14]}
        keys = (asking["manage_key"], also_asking["manage_key"])
        yield Strangers(Matrix(desk, known, keys[0], frozenset(secrets)), keys, ours["id"], page["id"])


async def _a_page_of_ours(desk: Desk) -> tuple[dict[str, Any], dict[str, Any]]:
    shown = await a_strangers_monitor(desk, check="https://example.net/", is_public=True)
    page = await a_strangers_page(desk, slug="ours", title=NAME)
    async with desk.served.client(page["manage_key"]) as http:
        added = await http.post(f"/api/v1/status-pages/{page['id']}/components", json={"monitor_id": shown["id"]})
    assert added.status_code == 201, added.text
    return page, added.json()


def named(answers: list[Answer]) -> list[str]:
    return [f"{a.route.method} {a.route.path}: {a.status} {a.code}" for a in answers]


async def test_every_operation_that_a_manage_key_opens_exists() -> None:
    operations = {route.operation for route in all_routes() if route.door is Door.TENANT}
    assert (managed.OPEN | managed.OPEN_TO_PAGES) - operations == frozenset()


@pytest.mark.parametrize("of", ["a monitor", "a page"])
async def test_a_manage_key_is_told_nothing_of_another_and_changes_nothing(strangers: Strangers, of: str) -> None:
    before = await strangers.rows()
    key, opened = {
        "a monitor": (strangers.keys[0], managed.OPEN),
        "a page": (strangers.keys[1], managed.OPEN_TO_PAGES),
    }[of]
    answers = await strangers.matrix.ask_all(_asked(), key)
    assert [(a.route.operation, strangers.matrix.leaks(a)) for a in answers if strangers.matrix.leaks(a)] == []
    on_ours = [
        a for a in answers if any(f"{{{name}}}" in a.route.path for name in ("monitor_id", "incident_id", "page_id"))
    ]
    assert len(on_ours) > 50
    assert named([a for a in on_ours if a.status not in (403, 404)]) == []
    assert named([a for a in answers if a.status >= 500]) == []
    closed = [a for a in answers if a.route.operation not in opened]
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
    monkeypatch.setattr(managed, "PAGE_SCOPES", frozenset(SCOPES))
    strangers.matrix.desk.served.deps.authenticator._tenants.forget_all()
    before = await strangers.rows()
    for key in strangers.keys:
        answers = await strangers.matrix.ask_all(_asked(), key)
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
