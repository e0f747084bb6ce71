"""Rows to start a test from, consistent with each other, written straight into the tables."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

import uuid6

from control_plane.domain.judging.schedule import phase_ms, vote_window_ms
from control_plane.domain.tenants.credentials import ENTROPY_BYTES, KeyKind, key_digest, make_key
from control_plane.store.pool import Connection
from shared.ids import AgentId, MonitorId, TenantId

PEPPER = b"a pepper for tests, 32 bytes long"
FIRST_SLOT = 1_700_000_000_000

INSERT_TENANT = "INSERT INTO tenants (id, name, plan) VALUES ($1, $2, 'unlimited')"
INSERT_COUNTERS = "INSERT INTO tenant_counters (tenant_id) VALUES ($1)"
INSERT_REGION = "INSERT INTO regions (slug, name, tenant_id) VALUES ($1, upper($1), $2) RETURNING id"
INSERT_AGENT = """
INSERT INTO agents (id, region_id, name, key_digest, last_seen_at, lease_until)
VALUES ($1, $2, $3, $4, now(), now() + interval '1 hour')
"""
TAKE_NUMBER = "UPDATE tenant_counters SET monitors = monitors + 1 WHERE tenant_id = $1 RETURNING monitors"
INSERT_ASSIGNMENT = """
INSERT INTO assignments (region_id, monitor_id, tenant_id, check_version, window_ms, phase_ms)
VALUES ($1, $2, $3, $4, $5, $6)
"""
INSERT_STATE = "INSERT INTO monitor_states (tenant_id, monitor_id, assigned, sole) VALUES ($1, $2, $3, $4)"


def new_id() -> UUID:
    return UUID(int=uuid6.uuid7().int)


async def a_tenant(conn: Connection, name: str = "Acme") -> TenantId:
    """A tenant without limits, with its counters."""
    tenant_id = TenantId(new_id())
    await conn.execute(INSERT_TENANT, tenant_id, name)
    await conn.execute(INSERT_COUNTERS, tenant_id)
    return tenant_id


async def a_region(conn: Connection, slug: str = "eu", tenant_id: TenantId | None = None) -> int:
    """A region: shared, or private to the tenant."""
    region_id: int = await conn.fetchval(INSERT_REGION, slug, tenant_id)
    return region_id


async def an_agent(conn: Connection, region_id: int) -> tuple[AgentId, str]:
    """An agent that is alive for the next hour, and its probe key under PEPPER."""
    agent_id = AgentId(new_id())
    key = make_key(KeyKind.AGENT, secrets.token_bytes(ENTROPY_BYTES))
    await conn.execute(INSERT_AGENT, agent_id, region_id, f"agent-{agent_id.hex[-8:]}", key_digest(key, PEPPER))
    return agent_id, key


async def a_monitor(conn: Connection, tenant_id: TenantId, regions: list[int], **over: Any) -> MonitorId:
    """An http monitor of these regions that nobody has judged yet. `over` overrides columns of monitors."""
    monitor_id = MonitorId(over.pop("id", None) or new_id())
    columns: dict[str, Any] = {
        "tenant_id": tenant_id,
        "id": monitor_id,
        "number": await conn.fetchval(TAKE_NUMBER, tenant_id),
        "name": f"monitor {monitor_id.hex[-6:]}",
        "kind": "http",
        "check": {"type": "http", "url": "https://a.example/health", "timeout": 10_000},
        "check_version": 1,
        "first_slot": FIRST_SLOT,
        "interval_s": 60,
        "regions": regions,
        "write_source": "api",
        **over,
    }
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    await conn.execute(f"INSERT INTO monitors ({names}) VALUES ({places})", *columns.values())
    await _spread(conn, columns, regions)
    return monitor_id


async def _spread(conn: Connection, monitor: dict[str, Any], regions: list[int]) -> None:
    """Assignments and the state row. Votes are the lanes' to make, at the first result."""
    tenant_id, monitor_id, interval_ms = monitor["tenant_id"], monitor["id"], monitor["interval_s"] * 1000
    version = monitor["check_version"]
    window = vote_window_ms(cadence_ms=interval_ms, timeout_ms=monitor["check"].get("timeout", 10_000))
    for index, region_id in enumerate(regions):
        phase = phase_ms(
            tenant_id, monitor["number"], region_index=index, region_count=len(regions), interval_ms=interval_ms
        )
        await conn.execute(INSERT_ASSIGNMENT, region_id, monitor_id, tenant_id, version, window, phase)
    sole = monitor["kind"] in ("heartbeat", "composite")
    await conn.execute(INSERT_STATE, tenant_id, monitor_id, len(regions), sole)
