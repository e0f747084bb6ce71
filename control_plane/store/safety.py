"""The rules in force: what a submission is held against, the kill switch, and what rules block which monitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain.safety.safety import DenyRule
from control_plane.store.pool import Connection


class GateRow(Struct, frozen=True):
    """`version` is a word for the rules as they are; None before the first."""

    kill_switch: Any
    version: str | None
    settings: dict[str, Any]


READ_GATE = """
SELECT (SELECT value FROM installation WHERE name = 'kill_switch') AS kill_switch,
    (SELECT value ->> 'version' FROM installation WHERE name = 'rules') AS version,
    (SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM operator_settings) AS settings
"""


async def read_gate(conn: Connection) -> GateRow:
    """What decides now; the rules themselves are read once for each version."""
    return GateRow(**await conn.fetchrow(READ_GATE))


READ_RULES = "SELECT id, kind, value, reason FROM deny_rules ORDER BY id"
READ_OPT_OUTS = "SELECT domain FROM opt_outs"


async def read_rules(conn: Connection) -> tuple[list[DenyRule], list[str]]:
    """Every deny rule, and the domains that opted out."""
    rules = [DenyRule(**row) for row in await conn.fetch(READ_RULES)]
    return rules, [row["domain"] for row in await conn.fetch(READ_OPT_OUTS)]


WATCHED_TARGETS = """
SELECT kind, "check" ->> 'url' AS url, "check" ->> 'host' AS host, "check" ->> 'name' AS name,
    "check" ->> 'domain' AS domain
FROM monitors WHERE tenant_id = $1 AND kind NOT IN ('heartbeat', 'composite')
"""


async def watched_targets(conn: Connection, *, tenant_id: UUID) -> list[dict[str, Any]]:
    """What the tenant's monitors are directed at, as members of checks."""
    return [dict(row) for row in await conn.fetch(WATCHED_TARGETS, tenant_id)]


VERIFIED = "SELECT domain FROM domains WHERE tenant_id = $1 AND state IN ('verified', 'grace')"


async def verified_domains(conn: Connection, *, tenant_id: UUID) -> frozenset[str]:
    return frozenset(row["domain"] for row in await conn.fetch(VERIFIED, tenant_id))


BLOCKED_BY = "SELECT blocked_by FROM monitors WHERE tenant_id = $1 AND id = $2"


async def blocked_by(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> dict[str, str] | None:
    """What keeps the monitor from all agents: {code, message}."""
    found: dict[str, str] | None = await conn.fetchval(BLOCKED_BY, tenant_id, monitor_id)
    return found


# -- settings and the kill switch

SETTINGS = "SELECT name, value FROM operator_settings"


async def read_settings(conn: Connection) -> dict[str, Any]:
    """The stored settings by name."""
    return {row["name"]: row["value"] for row in await conn.fetch(SETTINGS)}


HOLD_SETTINGS = "LOCK TABLE operator_settings IN SHARE ROW EXCLUSIVE MODE"
SETTINGS_REVISION = "SELECT coalesce(sum(revision), 0) FROM operator_settings"


async def hold_settings(conn: Connection) -> None:
    """Take turns with whoever changes settings, until the transaction ends. Readers are let be."""
    await conn.execute(HOLD_SETTINGS)


async def settings_revision(conn: Connection) -> int:
    """The revision of all settings together: each change of one makes it greater."""
    return int(await conn.fetchval(SETTINGS_REVISION))


PUT_SETTING = """
INSERT INTO operator_settings (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = now(), revision = operator_settings.revision + 1
WHERE operator_settings.value <> excluded.value
"""


async def put_setting(conn: Connection, name: str, value: Any) -> None:
    await conn.execute(PUT_SETTING, name, value)


# Whoever switches waits for the watch over the fleet, which writes operator's incidents, too.
HOLD_WATCH = "SELECT pg_advisory_xact_lock(7346112203)"
KILL_SWITCH = "SELECT value FROM installation WHERE name = 'kill_switch'"


async def hold_watch(conn: Connection) -> None:
    """Take turns with whoever else writes operator's incidents, until the transaction ends."""
    await conn.execute(HOLD_WATCH)


async def read_kill_switch(conn: Connection) -> Any:
    """As stored: absent or false, or {reason, since}."""
    return await conn.fetchval(KILL_SWITCH)


SET_INSTALLATION = """
INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
FLEET_TELL_ALL_REGIONS = "SELECT pg_notify('farwatch_assignments', id::text) FROM regions"


async def set_kill_switch(conn: Connection, value: Mapping[str, Any] | None, *, now: datetime) -> None:
    """Switch, remember since when dispatching is on, and have every agent look at once."""
    await conn.execute(SET_INSTALLATION, "kill_switch", False if value is None else value)
    if value is None:
        await conn.execute(SET_INSTALLATION, "dispatching_since", now.isoformat())
    await conn.execute(FLEET_TELL_ALL_REGIONS)


DISPATCHING_SINCE = """
SELECT CASE WHEN EXISTS (SELECT FROM installation WHERE name = 'kill_switch' AND value NOT IN ('null', 'false'))
    THEN clock_timestamp()
    ELSE (SELECT (value #>> '{}')::timestamptz FROM installation WHERE name = 'dispatching_since') END
"""


async def dispatching_since(conn: Connection) -> datetime | None:
    """Since when agents have been given work; now while they are not, None where they always were."""
    since: datetime | None = await conn.fetchval(DISPATCHING_SINCE)
    return since


# -- applying the rules to what is there already


class TargetRow(Struct, frozen=True):
    """A monitor with what it is directed at, and what blocks it now."""

    tenant_id: UUID
    id: UUID
    number: int
    interval_s: int
    kind: str
    url: str | None
    host: str | None
    port: str | None
    name: str | None
    domain: str | None
    resolver: str | None
    blocked_by: Any


_TARGET = """
SELECT tenant_id, id, number, interval_s, kind, "check" ->> 'url' AS url, "check" ->> 'host' AS host,
    "check" ->> 'port' AS port, "check" ->> 'name' AS name, "check" ->> 'domain' AS domain,
    "check" ->> 'resolver' AS resolver, blocked_by
FROM monitors
"""
FLEET_TARGETS = (
    _TARGET
    + """WHERE kind NOT IN ('heartbeat', 'composite') AND (tenant_id, number) > ($1::uuid, $2::bigint)
ORDER BY tenant_id, number LIMIT $3
"""
)
FLEET_TARGETS_OF = _TARGET + "WHERE id = ANY($1::uuid[]) ORDER BY tenant_id, number"


async def targets_after(conn: Connection, *, tenant_id: UUID, number: int, limit: int) -> list[TargetRow]:
    """A slice of all monitors in order of tenant and number."""
    return [TargetRow(*row) for row in await conn.fetch(FLEET_TARGETS, tenant_id, number, limit)]


async def targets_of(conn: Connection, monitor_ids: Sequence[UUID]) -> list[TargetRow]:
    """These monitors as they are now."""
    return [TargetRow(*row) for row in await conn.fetch(FLEET_TARGETS_OF, list(monitor_ids))]


FLEET_VERIFIED = """
SELECT tenant_id, array_agg(domain) AS domains FROM domains
WHERE state IN ('verified', 'grace') AND tenant_id = ANY($1::uuid[]) GROUP BY tenant_id
"""


async def verified_of(conn: Connection, tenant_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """The proven domains of these tenants."""
    rows = await conn.fetch(FLEET_VERIFIED, list(tenant_ids))
    return {row["tenant_id"]: frozenset(row["domains"]) for row in rows}


# A monitor that begins or ceases to be blocked gets a new check version: what it heard before is no vote any more, and
# the first slot is now. The phases of its assignments stay, so that many do not begin in one instant.
FLEET_BLOCK = """
WITH wanted AS (
    SELECT w.*, (o.blocked_by IS NULL) <> (w.blocked_by IS NULL) AS turns
    FROM unnest($1::uuid[], $2::uuid[], $3::jsonb[]) AS w (tenant_id, id, blocked_by)
    JOIN monitors o ON o.tenant_id = w.tenant_id AND o.id = w.id
), changed AS (
    UPDATE monitors m SET blocked_by = w.blocked_by,
        check_version = m.check_version + CASE WHEN w.turns THEN 1 ELSE 0 END,
        first_slot = CASE WHEN w.turns THEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint
            ELSE m.first_slot END
    FROM wanted w
    WHERE m.tenant_id = w.tenant_id AND m.id = w.id
    RETURNING m.tenant_id, m.id, m.check_version, w.turns
), told AS (
    UPDATE assignments a SET check_version = c.check_version, cadence_s = NULL, changed_xid = pg_current_xact_id(),
        change = nextval('assignment_changes')
    FROM changed c WHERE a.tenant_id = c.tenant_id AND a.monitor_id = c.id AND a.removed_at IS NULL AND c.turns
    RETURNING a.region_id
), dropped AS (
    DELETE FROM dispatches d USING changed c
    WHERE d.tenant_id = c.tenant_id AND d.monitor_id = c.id AND d.claimed_at IS NULL AND c.turns
)
SELECT DISTINCT region_id FROM told
"""
TELL_REGIONS = "SELECT pg_notify('farwatch_assignments', region::text) FROM unnest($1::integer[]) AS region"


async def write_blocks(conn: Connection, blocks: Sequence[tuple[UUID, UUID, Mapping[str, str] | None]]) -> None:
    """Block and unblock monitors: (tenant, monitor, {code, message} or None). The caller holds their states."""
    tenants, ids, words = (list(column) for column in zip(*blocks, strict=True))
    rows = await conn.fetch(FLEET_BLOCK, tenants, ids, words)
    await conn.execute(TELL_REGIONS, [row["region_id"] for row in rows])


class RulesState(Struct, frozen=True):
    """`settled`: whoever wrote before the rules changed has ended, so that one look at all monitors misses none."""

    version: str | None
    applied: str | None
    settled: bool


# The number is arbitrary and only used here.
FLEET_TRY_APPLY = "SELECT pg_try_advisory_lock(7346112204)"
FLEET_END_APPLY = "SELECT pg_advisory_unlock(7346112204)"
FLEET_RULES_STATE = """
SELECT (SELECT value ->> 'version' FROM installation WHERE name = 'rules') AS version,
    (SELECT value ->> 'version' FROM installation WHERE name = 'rules_applied') AS applied,
    coalesce((SELECT (value ->> 'xid')::xid8 < pg_snapshot_xmin(pg_current_snapshot())
              FROM installation WHERE name = 'rules'), true) AS settled
"""


async def try_apply(conn: Connection) -> bool:
    """Whether this connection is the one that applies the rules now; end it with `end_apply`."""
    mine: bool = await conn.fetchval(FLEET_TRY_APPLY)
    return mine


async def end_apply(conn: Connection) -> None:
    await conn.execute(FLEET_END_APPLY)


async def rules_state(conn: Connection) -> RulesState:
    """Which rules there are, and which have been applied to every monitor."""
    return RulesState(**await conn.fetchrow(FLEET_RULES_STATE))


async def note_applied(conn: Connection, version: str | None) -> None:
    await conn.execute(SET_INSTALLATION, "rules_applied", {"version": version})
