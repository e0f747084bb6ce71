"""The second wall: what farwatch_tenant sees when a statement forgets its WHERE."""

from __future__ import annotations

import asyncpg
import pytest

from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent, new_id

TABLES = """
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
ORDER BY c.relname
"""
# Without tenant_id: policies of their own.
OTHERS = {
    "tenants",
    "agents",
    "operator_incidents",
    "installation",
    "rollup_walks",
    "rollup_late",
    "ping_door_spells",
    "ping_door_refusals",
    "users",
    "user_identities",
    "login_states",
    "plans",
    "processes",
    "deny_rules",
    "opt_outs",
    "operator_settings",
    "sealing_keys",
    "announcements",
}
BOOKKEEPING = {"_yoyo_log", "_yoyo_migration", "_yoyo_version"}

# What a row needs beyond tenant_id is found in the catalogue: a value for each column that has no default.
REQUIRED = """
SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND attnotnull AND NOT atthasdef AND attidentity = '' AND NOT attisdropped
"""
VALUES = {
    "uuid": "gen_random_uuid()", "text": "'x'", "bigint": "1", "integer": "1", "smallint": "1", "boolean": "true",
    "bytea": "'x'", "jsonb": "'{}'", "text[]": "'{}'", "timestamp with time zone": "now()",
}  # fmt: skip
OVERRIDES = {
    ("dispatches", "kind"): "'test'",
    ("heartbeat_pings", "kind"): "'success'",
    ("incident_updates", "phase"): "'identified'",
    ("maintenance_windows", "ends_at"): "now() + interval '1 hour'",
    ("invitations", "email"): "'a@b.example'",
    ("invitations", "role"): "'viewer'",
    ("invitations", "digest"): "gen_random_uuid()::text::bytea",
    ("members", "role"): "'viewer'",
    ("status_pages", "slug"): "'page-' || floor(random() * 1e9)::bigint",
    ("sessions", "digest"): "gen_random_uuid()::text::bytea",
    ("sessions", "user_id"): "gen_random_uuid()",
    ("monitor_periods", "kind"): "'paused'",
    ("regions", "slug"): "'r' || floor(random() * 1e9)::bigint",
    ("api_keys", "label"): "'label'",
    ("api_keys", "digest"): "gen_random_uuid()::text::bytea",
    ("push_subscriptions", "endpoint_digest"): "sha256(gen_random_uuid()::text::bytea)",
    ("push_subscriptions", "user_id"): "NULL",
    ("push_subscriptions", "key_id"): "gen_random_uuid()",
    ("channel_links", "digest"): "sha256(gen_random_uuid()::text::bytea)",
    ("channel_links", "purpose"): "'telegram'",
    ("manage_keys", "monitor_id"): "gen_random_uuid()",
    ("manage_keys", "digest"): "sha256(gen_random_uuid()::text::bytea)",
    ("monitor_escalations", "after_s"): "60",
    ("monitors", "interval_s"): "60",
    ("feeds", "digest"): "sha256(gen_random_uuid()::text::bytea)",
    ("monitor_shares", "digest"): "sha256(gen_random_uuid()::text::bytea)",
    ("page_subscribers", "digest"): "sha256(gen_random_uuid()::text::bytea)",
    ("page_subscribers", "kind"): "'email'",
    ("page_subscribers", "source"): "'public'",
    ("page_subscribers", "confirm_until"): "now()",
    ("channel_verifications", "digest"): "sha256(gen_random_uuid()::text::bytea)",
    ("results", "slot"): "(extract(epoch FROM now()) * 1000)::bigint",
}


async def tenant_tables(connection: Connection) -> list[str]:
    return [row["relname"] for row in await connection.fetch(TABLES)]


async def _insert(connection: Connection, table: str, tenant_id: TenantId) -> None:
    """A row of the table for the tenant, foreign keys set aside."""
    row = {"tenant_id": f"'{tenant_id}'::uuid"} | {name: text for (of, name), text in OVERRIDES.items() if of == table}
    for column in await connection.fetch(REQUIRED, table):
        name = column["attname"]
        if name not in row:
            # No region of the test: deleting one takes along what hangs on it, past every policy.
            row[name] = "-1" if name == "region_id" else VALUES[column["type"]]
    names = ", ".join(f'"{name}"' for name in row)
    await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(row.values())})")


@pytest.fixture
async def tenants(database: Database, superuser: Connection) -> tuple[TenantId, TenantId]:
    """Two tenants, each with one row in every tenant table."""
    connection = superuser
    await connection.execute("SET session_replication_role = replica")  # no foreign key in the way
    pair = TenantId(new_id()), TenantId(new_id())
    for tenant_id in pair:
        await connection.execute("INSERT INTO tenants (id, name) VALUES ($1, 'T')", tenant_id)
        for table in await tenant_tables(connection):
            await _insert(connection, table, tenant_id)
    return pair


async def test_a_forgotten_where_shows_only_own_rows(database: Database, tenants: tuple[TenantId, TenantId]) -> None:
    own, _ = tenants
    async with database.tenant(own) as connection:
        for table in await tenant_tables(connection):
            found = {row["tenant_id"] for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}
            assert found == {own}, table
        assert await connection.fetchval("SELECT array_agg(id) FROM tenants") == [own]


async def test_without_a_tenant_nothing_is_seen(superuser: Connection, tenants: object) -> None:
    connection = superuser
    await connection.execute("SET ROLE farwatch_tenant")
    for setting in (None, ""):
        if setting is not None:
            await connection.execute("SELECT set_config('farwatch.tenant_id', $1, false)", setting)
        for table in [*await tenant_tables(connection), "tenants", "agents"]:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_a_forgotten_where_changes_only_own_rows(
    database: Database, tenants: tuple[TenantId, TenantId], superuser: Connection
) -> None:
    own, other = tenants
    async with database.tenant(own) as connection:
        tables = await tenant_tables(connection)
        for statement in ("UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}"):
            for table in tables:
                try:
                    status = await connection.execute(statement.format(table))
                except asyncpg.InsufficientPrivilegeError:
                    continue
                # What hangs on a row that was deleted before is gone already.
                gone = statement.startswith("DELETE") and status == "DELETE 0"
                assert gone or status.split()[-1] == "1", statement.format(table)
    for table in tables:
        left = await superuser.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", other)
        assert left == 1, table


async def test_no_row_is_written_for_another_tenant(database: Database, tenants: tuple[TenantId, TenantId]) -> None:
    own, other = tenants
    async with database.tenant(own) as connection:
        for table in await tenant_tables(connection):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await _insert(connection, table, other)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"UPDATE {table} SET tenant_id = '{other}'")


CATALOGUE = """
SELECT relname, relrowsecurity AS walled, has_table_privilege('farwatch_app', oid, 'SELECT') AS read,
       has_table_privilege('farwatch_app', oid, 'INSERT') AS written
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
EXPOSED_PARTITIONS = """
SELECT relname, role FROM pg_class, unnest(ARRAY['farwatch_app', 'farwatch_tenant']) AS role
WHERE relispartition AND relkind = 'r' AND has_table_privilege(role, pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE')
"""


async def test_every_table_has_its_policies_and_grants(database: Database) -> None:
    async with database.owner() as connection:
        wanted = {*await tenant_tables(connection), *OTHERS}
        rows = await connection.fetch(CATALOGUE)
    assert {row["relname"] for row in rows} == wanted | BOOKKEEPING
    for privilege in ("walled", "read", "written"):
        by_triggers = {"audit"} if privilege == "written" else set()
        assert {row["relname"] for row in rows if row[privilege]} == wanted - by_triggers, privilege


async def test_partitions_are_out_of_reach_for_both_roles(database: Database) -> None:
    async with database.owner() as connection:
        assert await connection.fetch(EXPOSED_PARTITIONS) == []


async def test_shared_regions_are_seen_by_all_and_private_ones_by_their_tenant(database: Database) -> None:
    async with database.app_transaction() as connection:
        own, other = await a_tenant(connection, "Own"), await a_tenant(connection, "Other")
        shared = await a_region(connection, "eu")
        home, away = await a_region(connection, "home", own), await a_region(connection, "away", other)
        agents = [(await an_agent(connection, region))[0] for region in (shared, home, away)]
        await a_monitor(connection, own, [shared, home])
    async with database.tenant(own) as connection:
        assert {row["id"] for row in await connection.fetch("SELECT id FROM regions")} == {shared, home}
        assert [row["id"] for row in await connection.fetch("SELECT id FROM agents")] == [agents[1]]
    async with database.tenant(other) as connection:
        assert await connection.fetchval("SELECT count(*) FROM monitors") == 0


async def test_the_app_role_sees_every_tenant(database: Database, tenants: tuple[TenantId, TenantId]) -> None:
    async with database.app() as connection:
        for table in await tenant_tables(connection):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 2, table
