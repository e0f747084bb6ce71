"""What decides what `/` shows to strangers."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from control_plane.store.pool import Connection


class FrontRow(Struct, frozen=True):
    """The operator's settings by name. `fresh`: nobody has signed in here yet, and nothing is watched."""

    settings: dict[str, Any]
    fresh: bool


FLEET_FRONT = """
SELECT (SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM operator_settings) AS settings,
    NOT EXISTS (SELECT FROM users) AND NOT EXISTS (SELECT FROM monitors) AS fresh
"""


async def read_front(conn: Connection) -> FrontRow:
    """For connections that see every tenant."""
    return FrontRow(**await conn.fetchrow(FLEET_FRONT))
