"""Heartbeats to start a test from, and their pings over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from control_plane.store.pool import Connection, Database
from shared.ids import MonitorId, TenantId
from tests.support import seed

INSERT_HEARTBEAT = "INSERT INTO heartbeats (tenant_id, monitor_id, ping_id) VALUES ($1, $2, $3)"
CHECK: Mapping[str, Any] = {"type": "heartbeat", "period": 3600, "timezone": "UTC", "grace": 300}


async def a_heartbeat(conn: Connection, tenant_id: TenantId, **check: Any) -> tuple[MonitorId, UUID]:
    """A heartbeat monitor that nobody has pinged, and its ping id. `check` overrides parameters."""
    monitor_id = await seed.a_monitor(conn, tenant_id, [], kind="heartbeat", check={**CHECK, **check}, confirmations=1)
    ping_id = uuid4()
    await conn.execute(INSERT_HEARTBEAT, tenant_id, monitor_id, ping_id)
    await conn.execute("UPDATE monitor_states SET assigned = 1 WHERE tenant_id = $1", tenant_id)
    return monitor_id, ping_id


async def pinged(database: Database) -> dict[UUID, list[dict[str, Any]]]:
    """All pings that are stored, by monitor, in order of their numbers."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    async with database.app() as conn:
        for row in await conn.fetch("SELECT * FROM heartbeat_pings ORDER BY tenant_id, monitor_id, number"):
            found.setdefault(row["monitor_id"], []).append(dict(row))
    return found


async def send_burst(
    host: str, port: int, paths: Sequence[str], *, connections: int = 200, answered: dict[str, int] | None = None
) -> dict[str, int]:
    """GET each path once over as many keep-alive connections: the status by path, 0 where none came.

    A reader of its own, since a client library would cost more than the server that is measured. `answered` is filled
    in while the burst goes on.
    """
    statuses = dict.fromkeys(paths, 0) if answered is None else answered
    waiting = iter(paths)
    await asyncio.gather(*(_send(host, port, waiting, statuses) for _ in range(connections)))
    return statuses


async def _send(host: str, port: int, waiting: Iterator[str], statuses: dict[str, int]) -> None:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return
    try:
        for path in waiting:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            statuses[path] = int(head.split(b" ", 2)[1])
    except (OSError, asyncio.IncompleteReadError):
        pass  # the server was killed: what it had not answered stays 0
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
