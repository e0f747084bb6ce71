from __future__ import annotations

import asyncio

import asyncpg
import pytest

from control_plane.domain.tenants.actor import Actor
from control_plane.errors import BadRequest, Conflict, StartupRefused, Unavailable
from control_plane.store import channels, monitors, tenants
from control_plane.store.acting import acting
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from tests.support.postgres import TestServer
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent, new_id
from tests.support.waiting import until_async

RENAME = "UPDATE tenants SET name = name || '!' WHERE id = $1"
ACTOR = "SELECT current_setting('farwatch.actor', true)"
TENANT = "SELECT current_setting('farwatch.tenant_id', true)"


async def test_each_checkout_works_under_its_role(database: Database) -> None:
    async with database.app() as connection:
        assert await connection.fetchval("SELECT current_user") == "farwatch_app"
    async with database.tenant(TenantId(new_id())) as connection:
        assert await connection.fetchval("SELECT current_user") == "farwatch_tenant"
    async with database.owner() as connection:
        assert await connection.fetchval("SELECT current_user") == "farwatch"


async def test_the_seed_writes_rows_that_belong_together(database: Database) -> None:
    async with database.app_transaction() as connection:
        tenant_id = await a_tenant(connection)
        regions = [await a_region(connection, slug) for slug in ("eu", "us")]
        await an_agent(connection, regions[0])
        monitor_id = await a_monitor(connection, tenant_id, regions, interval_s=30)
        assert await connection.fetchval("SELECT count(*) FROM assignments WHERE monitor_id = $1", monitor_id) == 2


async def test_jsonb_is_a_python_value_both_ways(database: Database) -> None:
    async with database.app() as connection:
        value = {"a": [1, "ü", None]}
        assert await connection.fetchval("SELECT $1::jsonb", value) == value
        assert await connection.fetchval("SELECT $1::jsonb->>'a'", value) == '[1, "ü", null]'


async def _tenant_of(connection: Connection) -> str:
    found: str = await connection.fetchval(TENANT)
    return found


async def test_a_checkout_never_sees_the_tenant_of_the_one_before(dsn: str) -> None:
    database = await Database.connect(dsn, max_size=1)
    first, second = TenantId(new_id()), TenantId(new_id())
    async with database.tenant(first) as connection:
        assert await _tenant_of(connection) == str(first)
    async with database.tenant(second) as connection:
        assert await _tenant_of(connection) == str(second)
    with pytest.raises(RuntimeError, match="half way"):  # noqa: PT012 - the checkout is what matters
        async with database.tenant_transaction(first) as connection:
            await connection.execute("SELECT 1")
            raise RuntimeError("half way")
    async with database.tenant(second) as connection:
        assert await _tenant_of(connection) == str(second)
    async with database.app() as connection:
        assert not await _tenant_of(connection)
    await database.close()


async def test_a_checkout_for_the_same_tenant_knows_who_acts_now(dsn: str) -> None:
    database = await Database.connect(dsn, max_size=1)
    tenant_id = TenantId(new_id())
    for label in ("", "Ada", "Ada", "Grace", ""):
        actor = Actor(kind="key", id=None, label=label, source="api", operation="test") if label else None
        with acting(actor):
            async with database.tenant(tenant_id) as connection:
                assert await _tenant_of(connection) == str(tenant_id)
                assert label in await connection.fetchval(ACTOR)
                assert bool(await connection.fetchval(ACTOR)) == bool(label)
    await database.close()


async def test_a_tenant_that_could_not_be_told_is_told_again(dsn: str) -> None:
    database = await Database.connect(dsn, max_size=1)
    first, second = TenantId(new_id()), TenantId(new_id())
    async with database.tenant(first) as connection:
        await connection.execute("BEGIN")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("nonsense")
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await connection.work_for(second, "")
    for tenant_id in (first, second, first):
        async with database.tenant(tenant_id) as connection:
            assert await _tenant_of(connection) == str(tenant_id)
    await database.close()


async def test_a_cancelled_request_leaves_no_tenant_and_no_transaction_behind(dsn: str) -> None:
    database = await Database.connect(dsn, max_size=1)
    first, second = TenantId(new_id()), TenantId(new_id())
    working = asyncio.Event()

    async def work() -> None:
        async with database.tenant_transaction(first) as connection:
            working.set()
            await connection.execute("SELECT pg_sleep(20)")

    task = asyncio.create_task(work())
    await working.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.tenant(second) as connection:
        assert await _tenant_of(connection) == str(second)
        assert not connection.is_in_transaction()
    await database.close()


async def test_concurrent_checkouts_keep_their_tenants_apart(database: Database) -> None:
    async def look(tenant_id: TenantId) -> bool:
        async with database.tenant(tenant_id) as connection:
            return await _tenant_of(connection) == str(tenant_id)

    assert all(await asyncio.gather(*(look(TenantId(new_id())) for _ in range(60))))


async def test_a_violated_constraint_is_the_error_of_its_name(database: Database) -> None:
    async with database.app() as connection:
        await a_region(connection, "eu")
    with pytest.raises(Conflict) as refused:
        async with database.app() as connection:
            await a_region(connection, "eu")
    assert (refused.value.code, refused.value.field) == ("ID_TAKEN", "/id")


async def test_a_wrong_database_name_refuses_to_start(postgres: TestServer) -> None:
    with pytest.raises(StartupRefused, match=r"database\.dsn"):
        await Database.connect(postgres.dsn("no_such_database"))


async def test_nobody_listening_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await Database.connect("postgresql://farwatch@127.0.0.1:1/farwatch")


async def test_a_connection_that_is_cut_off_is_unavailable_and_the_next_one_works(
    database: Database, postgres: TestServer
) -> None:
    with pytest.raises(Unavailable):  # noqa: PT012 - the checkout is what raises
        async with database.app() as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await postgres.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
            await connection.execute("SELECT 1")
    async with database.app() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_an_exhausted_pool_is_unavailable(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await Database.connect(dsn, max_size=1)
    async with database.app():
        monkeypatch.setattr("control_plane.store.pool._CHECKOUT_TIMEOUT_S", 0.05)
        with pytest.raises(Unavailable):
            async with database.app():
                pass
    await database.close()


async def test_a_notification_reaches_its_listener_also_after_a_lost_connection(
    database: Database, postgres: TestServer
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    await database.listen("farwatch_events", heard.put_nowait)
    async with database.app() as connection:
        await connection.execute("SELECT pg_notify('farwatch_events', 'one')")
    assert await asyncio.wait_for(heard.get(), 5) == "one"

    await postgres.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    async with asyncio.timeout(10):
        while heard.empty():
            async with database.app() as connection:
                await connection.execute("SELECT pg_notify('farwatch_events', 'two')")
            await asyncio.sleep(0.02)
    assert heard.get_nowait() == "two"


async def test_who_meets_another_change_is_not_told_that_the_database_is_away(database: Database) -> None:
    async with database.app() as connection:
        first, second = [await a_tenant(connection, name) for name in ("A", "B")]
    both_hold_one = asyncio.Barrier(2)

    async def rename(*tenants: object) -> None:
        async with database.app_transaction() as connection:
            await connection.execute(RENAME, tenants[0])
            await both_hold_one.wait()
            await connection.execute(RENAME, tenants[1])

    ends = await asyncio.gather(rename(first, second), rename(second, first), return_exceptions=True)
    (refused,) = [end for end in ends if end is not None]
    assert isinstance(refused, Unavailable)
    assert (refused.code, refused.message) == (
        "UNAVAILABLE",
        "Somebody else was changing the same thing. Try again.",
    )


async def test_a_tenant_that_is_being_changed_still_takes_rows_that_refer_to_it(database: Database) -> None:
    async with database.app_transaction() as changing:
        tenant_id = await a_tenant(changing)
    async with database.app_transaction() as changing, database.app() as other:
        await tenants.lock(changing, tenant_id=tenant_id)
        async with asyncio.timeout(2):
            await other.execute(
                "INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)"
                " VALUES ($1, $2, 1, 'x', 'webhook', '{}', 'api')",
                tenant_id,
                new_id(),
            )


async def test_changing_the_channels_of_a_monitor_never_waits_in_a_circle_with_deleting_one(
    database: Database,
) -> None:
    async with database.app_transaction() as connection:
        tenant_id = await a_tenant(connection)
        monitor_id = await a_monitor(connection, tenant_id, [await a_region(connection)])
    insert = (
        "INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)"
        " VALUES ($1, $2, 1, 'x', 'webhook', '{}', 'api')"
    )
    channel_id = new_id()
    binding = [monitors.BindingRow(channel_id, None)]
    async with database.app_transaction() as connection:
        await connection.execute(insert, tenant_id, channel_id)
        await monitors.replace_bindings(connection, tenant_id=tenant_id, monitor_id=monitor_id, bindings=binding)
    async with database.app_transaction() as deleting:
        await channels.lock_channel(deleting, tenant_id=tenant_id, channel_id=channel_id)

        async def rebind() -> None:
            async with database.app_transaction() as changing:
                await monitors.replace_bindings(changing, tenant_id=tenant_id, monitor_id=monitor_id, bindings=binding)

        rebinding = asyncio.create_task(rebind())
        async with database.app() as watching:

            async def waits() -> bool:
                return bool(await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

            await until_async(waits, "the change waits for the channel")
        await channels.delete_channel(deleting, tenant_id=tenant_id, channel_id=channel_id)
    with pytest.raises(BadRequest, match="no such channel"):
        await rebinding
