"""Every route that may change something, with its documented example: what it changed is in the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.dashboard import a_desk
from tests.support.matrix import OPERATOR_SECRET, Matrix, a_matrix, routes

COUNT = "SELECT count(*) FROM audit WHERE operation = $1"
CONFIGURATION = """
SELECT c.relname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgname LIKE 'audited%' ORDER BY 1
"""


@pytest.fixture
async def matrix(database: Database) -> AsyncIterator[Matrix]:
    async with a_desk(database) as desk:
        yield await a_matrix(desk)


def mutating(door: Door) -> Sequence[Route]:
    """What makes things first, what deletes them last."""
    order = ("POST", "PUT", "PATCH", "DELETE")
    return sorted(
        (route for route in routes(door) if route.method in order), key=lambda route: order.index(route.method)
    )


async def silent(matrix: Matrix, door: Door, credential: str) -> tuple[list[str], list[str]]:
    """The operations that changed configuration: those with an entry, and those without."""
    told: list[str] = []
    untold: list[str] = []
    async with matrix.desk.database.owner() as conn:
        tables = [row["relname"] for row in await conn.fetch(CONFIGURATION)]
    for route in mutating(door):
        before = await _digest(matrix.desk.database, tables)
        answer = await matrix.ask(route, credential)
        if answer.status < 300 and await _digest(matrix.desk.database, tables) != before:
            async with matrix.desk.database.app() as conn:
                entries = await conn.fetchval(COUNT, route.operation)
            (told if entries else untold).append(route.operation)
    return told, untold


async def _digest(database: Database, tables: Sequence[str]) -> list[str]:
    async with database.owner() as conn:
        return [
            await conn.fetchval(f"SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM {table} r")
            for table in dict.fromkeys(tables)
        ]


async def test_what_a_tenant_changes_is_told(matrix: Matrix) -> None:
    told, untold = await silent(matrix, Door.TENANT, matrix.desk.key)
    assert untold == []
    assert len(told) > 20


async def test_what_the_operator_changes_is_told(matrix: Matrix) -> None:
    told, untold = await silent(matrix, Door.OPERATOR, OPERATOR_SECRET)
    assert untold == []
    assert len(told) >= 5
