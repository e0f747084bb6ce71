from __future__ import annotations

from control_plane.store.pool import Database


async def test_a_fresh_database_answers(database: Database) -> None:
    async with database.app() as connection:
        assert await connection.fetchval("SELECT current_user") == "farwatch_app"
