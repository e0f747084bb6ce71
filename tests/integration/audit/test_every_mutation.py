"""Every route that may change something, on something that is there: what it changed is in the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.dashboard import a_desk
from tests.support.fuzz_world import a_heartbeat, a_window_under_way, all_of_the_operator, an_empty_page
from tests.support.matrix import OPERATOR_SECRET, Matrix, a_matrix, routes

COUNT = "SELECT count(*) FROM audit WHERE operation = $1"
CONFIGURATION = """
SELECT c.relname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgname LIKE 'audited%' ORDER BY 1
"""
GIVE_UP = "UPDATE deliveries SET state = 'dead', reason = 'Told 404', finished_at = now() WHERE state = 'pending'"
BEFORE = dict.fromkeys(("replay_delivery", "replay_dead_letter", "replay_dead_letters"), GIVE_UP)
"""What makes the objects of an operation such that it may be done."""

FIRST = ("acknowledge_incident", "add_incident_update", "resolve_incident", "reopen_incident", "rotate_heartbeat")
LAST = ("monitors", "regions", "tenants")
"""Paths whose objects are deleted after all others: these hang on them."""

NOBODY_ANSWERS = frozenset(
    {
        *("test_check", "check_monitor_now"),  # need an agent
        *("test_channel", "test_channel_config", "test_operator_channel", "test_push_subscription"),  # need a receiver
        *("resend_verification", "resend_operator_verification"),  # need a mail server: tests/integration/email
        "create_page_subscriber",  # as above: tests/integration/subscribers
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """Operations by what came of them. `untold`: what they changed has no entry."""

    told: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    unchanged: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)


@pytest.fixture
async def matrix(database: Database) -> AsyncIterator[Matrix]:
    async with a_desk(database) as desk:
        yield await a_matrix(desk)


def mutating(door: Door) -> Sequence[Route]:
    """What makes things first, what deletes them last, parts before wholes."""
    order = ("POST", "PUT", "PATCH", "DELETE")

    def when(route: Route) -> tuple[bool, int, int, bool]:
        rank = FIRST.index(route.operation) if route.operation in FIRST else len(FIRST)
        deletes = route.method == "DELETE"
        whole = any(f"/{name}/" in route.path for name in LAST)
        return deletes, rank, -route.path.count("/") if deletes else order.index(route.method), deletes and whole

    return sorted((route for route in routes(door) if route.method in order), key=when)


async def found(matrix: Matrix, door: Door, credential: str, *, over: Mapping[str, Mapping[str, Any]]) -> Found:
    """Ask each route. `over`: by operation, what its path names and its `body`, where the matrix has another."""
    told = Found()
    async with matrix.desk.database.owner() as conn:
        tables = [row["relname"] for row in await conn.fetch(CONFIGURATION)]
    for route in mutating(door):
        if route.operation in BEFORE:
            async with matrix.desk.database.owner() as conn:
                await conn.execute(BEFORE[route.operation])
        names = dict(over.get(route.operation, {}))
        body = names.pop("body", route.example)
        before = await _digest(matrix.desk.database, tables)
        asked = replace(matrix, known={**matrix.known, **names})
        answer = await asked.ask(replace(route, example=body), credential)
        if answer.status >= 300:
            told.refused[route.operation] = f"{answer.status} {answer.code} {answer.text[-300:]}"
        elif await _digest(matrix.desk.database, tables) == before:
            told.unchanged.add(route.operation)
        else:
            async with matrix.desk.database.app() as conn:
                entries = await conn.fetchval(COUNT, route.operation)
            (told.told if entries else told.untold).add(route.operation)
    return told


async def _digest(database: Database, tables: Sequence[str]) -> list[str]:
    async with database.owner() as conn:
        return [
            await conn.fetchval(f"SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM {table} r")
            for table in dict.fromkeys(tables)
        ]


async def test_what_a_tenant_changes_is_told(matrix: Matrix) -> None:
    heartbeat = await a_heartbeat(matrix.desk)
    over: dict[str, dict[str, Any]] = {
        "rotate_heartbeat": {"monitor_id": heartbeat["monitor_id"]},
        "act_on_monitors": {"body": {"filter": {"tag": ["prod"]}, "action": {"type": "tag_add", "tags": ["bulk"]}}},
        "set_monitor_dependencies": {"body": {"depends_on": [heartbeat["monitor_id"]]}},
        "set_monitor_regions": {"body": {"regions": sorted(matrix.desk.regions)[:2]}},
        "delete_tag": {"tag": "team:payments"},  # as the examples rename them
        "delete_group": {"group": "Payments"},
        "end_maintenance": {"maintenance_id": await a_window_under_way(matrix.desk)},
        "create_status_page_component": {"page_id": await an_empty_page(matrix.desk)},
        "plan_configuration": {"body": FILE},
        "apply_configuration": {"body": FILE},
    }
    told = await found(matrix, Door.TENANT, matrix.desk.key, over=over)
    assert told.untold == set()
    assert {name: told.refused[name] for name in told.refused.keys() - NOBODY_ANSWERS} == {}
    nothing = {"plan_configuration", "preview_routes", "reorder_status_page", "end_my_session", "end_my_sessions"}
    assert told.unchanged == nothing, "sessions are no configuration, and one component has one order"
    assert len(told.told) >= 53


async def test_what_the_operator_changes_is_told(matrix: Matrix) -> None:
    known = {**matrix.known, **await all_of_the_operator(matrix.desk)}
    told = await found(replace(matrix, known=known), Door.OPERATOR, OPERATOR_SECRET, over={})
    assert told.untold == set()
    assert {name: told.refused[name] for name in told.refused.keys() - NOBODY_ANSWERS} == {}
    assert told.unchanged == {"reseal"}
    assert len(told.told) >= 31


FILE = {"version": 1, "monitors": [{"key": "from-a-file", "name": "From a file", "check": "https://file.example.com/"}]}
