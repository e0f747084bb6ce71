"""Connections, and the role each works under (sql/roles.sql).

The role of a pooled connection is its session's default, so nothing a statement does can shed it short of SET ROLE,
which is written nowhere else. A connection for a tenant is given its tenant, and who acts, on every checkout, before
anybody can use it: what an earlier checkout left behind is overwritten, at the cost of one round trip, unless it is the
very same. Other connections learn who acts when a transaction begins.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, NamedTuple, Self, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from control_plane.errors import StartupRefused, Unavailable
from control_plane.metrics import (
    CONNECTION_WAIT_SECONDS,
    CONNECTIONS_MAX,
    CONNECTIONS_USED,
    CONNECTIONS_WAITED,
    DATABASE_REFUSALS,
    LANE_WAIT_SECONDS,
)
from control_plane.store import violations
from control_plane.store.acting import actor_setting
from control_plane.store.fair_share import FairShare
from control_plane.store.listener import Listener
from shared.ids import TenantId

Connection: TypeAlias = Any
"""An asyncpg connection. Any: asyncpg's pool hands out a proxy of the class, not the class."""

_CONNECT_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 30.0
_CHECKOUT_TIMEOUT_S = 10.0
_PROBE_GOOD_S = 1.0
_KEPT_FOR_AGENTS = 4
"""One connection in so many of the application's pool is used by agents and pings alone."""
_SETTINGS = {
    "application_name": "farwatch",
    "TimeZone": "UTC",
    "jit": "off",  # every statement is short: compiling one costs more than it saves
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
_SET_TENANT = "SELECT set_config('farwatch.tenant_id', $1, false), set_config('farwatch.actor', $2, false)"
_SET_MANAGED = _SET_TENANT + ", set_config('farwatch.monitor_id', $3, false), set_config('farwatch.page_id', $4, false)"
_SET_ACTOR = "SELECT set_config('farwatch.actor', $1, true)"

_AWAY = (
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.InsufficientResourcesError,  # class 53: too many connections, disk full
    asyncpg.OperatorInterventionError,  # class 57: shutting down, starting up, cancelled by its timeout
    asyncpg.ReadOnlySQLTransactionError,  # we still talk to a primary that was demoted
    ConnectionError,
    TimeoutError,
)
_AWAY_MESSAGE = "The database is away. Try again shortly."
_CONTENDED = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_CONTENDED_MESSAGE = "Somebody else was changing the same thing. Try again."
_WRONG_DSN = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


_FOR_AGENTS: ContextVar[bool] = ContextVar("for_agents", default=False)


@contextmanager
def for_agents() -> Iterator[None]:
    """Checkouts within the block are of what agents and pings bring: a part of the connections is kept for them."""
    token = _FOR_AGENTS.set(True)
    try:
        yield
    finally:
        _FOR_AGENTS.reset(token)


class Managed(NamedTuple):
    """The one thing that a manage key opens: a monitor or a status page."""

    monitor_id: UUID | None = None
    page_id: UUID | None = None


_MANAGED: ContextVar[Managed | None] = ContextVar("managed", default=None)


@contextmanager
def managing(managed: Managed | None) -> Iterator[None]:
    """A tenant's connections within the block see what is of this one thing; without one, the whole tenant."""
    token = _MANAGED.set(managed)
    try:
        yield
    finally:
        _MANAGED.reset(token)


class _Session(asyncpg.Connection):  # type: ignore[misc]
    """Knows on whose behalf it was told to work. Nobody else sets that for a session: see `Database.tenant`."""

    __slots__ = ("_works_for",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._works_for: tuple[UUID, str, Managed | None] | None = None

    async def work_for(self, tenant_id: UUID, actor: str, managed: Managed | None = None) -> None:
        """Work for this tenant from now on. Asks nothing of the database where it does so already."""
        wanted = (tenant_id, actor, managed)
        if wanted == self._works_for:
            return
        self._works_for = None  # should this be cut short, nobody knows what the session holds
        if managed is None:
            await self.fetchval(_SET_TENANT, str(tenant_id), actor)
        else:
            ids = ("" if one is None else str(one) for one in managed)
            await self.fetchval(_SET_MANAGED, str(tenant_id), actor, *ids)
        self._works_for = wanted


class _Gauges:
    """What is measured of one pool, looked up once: every checkout needs it."""

    def __init__(self, pool: str) -> None:
        self.waited = CONNECTIONS_WAITED.labels(pool)
        self.used = CONNECTIONS_USED.labels(pool)
        self.seconds = CONNECTION_WAIT_SECONDS.labels(pool)


_OF_APP, _OF_TENANT, _OF_MANAGE = _Gauges("app"), _Gauges("tenant"), _Gauges("manage")


class Database:
    """One PostgreSQL database. Every checkout raises Unavailable while it is away, and works again when it is back."""

    def __init__(self, dsn: str, *, max_size: int, public_url: str = "") -> None:
        self._dsn = dsn
        settings = _SETTINGS | {"farwatch.public_url": public_url.rstrip("/")}
        self._app = _pool(dsn, role="farwatch_app", max_size=max_size, settings=settings)
        self._tenant = _pool(dsn, role="farwatch_tenant", max_size=max_size, settings=settings)
        managing_size = max(2, max_size // _KEPT_FOR_AGENTS)
        self._manage = _pool(dsn, role="farwatch_manage", max_size=managing_size, settings=settings)
        for name, size in (("app", max_size), ("tenant", max_size), ("manage", managing_size)):
            CONNECTIONS_MAX.labels(name).set(size)
        self._others = asyncio.Semaphore(max(1, max_size - max_size // _KEPT_FOR_AGENTS))
        self._shares = FairShare(max_size, patience_s=_CHECKOUT_TIMEOUT_S)
        self._listener = Listener(self._connect_owner)
        self._probe: asyncio.Task[bool] | None = None
        self._probe_until = 0.0
        self._lanes: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    @classmethod
    async def connect(cls, dsn: str, *, max_size: int = 10, public_url: str = "") -> Self:
        """Open up to 2 x `max_size` connections, on demand, and a quarter of `max_size` for manage keys.

        `public_url` goes with every connection as farwatch.public_url, for what is written to be read elsewhere.
        Raises Unavailable when nobody answers now, StartupRefused when the server turns this login away.
        """
        database = cls(dsn, max_size=max_size, public_url=public_url)
        await database._app
        await database._tenant
        await database._manage
        try:
            await database._ask()
        except _WRONG_DSN as error:
            await database.close()
            raise StartupRefused(f"database.dsn: the server refuses this login: {error}") from error
        except BaseException:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def app(self) -> AsyncIterator[Connection]:
        """A connection that sees every tenant: ingest, jobs, agents, the operator."""
        turn = nullcontext() if _FOR_AGENTS.get() else _patient(self._others)
        async with _checkout(self._app, _OF_APP, turn) as connection:
            yield connection

    @asynccontextmanager
    async def tenant(self, tenant_id: TenantId) -> AsyncIterator[Connection]:
        """A connection that sees the rows of one tenant: row-level security stands behind each WHERE clause.

        While a manage key is at work (`managing`) it sees those of its monitor or page alone.
        """
        managed = _MANAGED.get()
        if managed is not None:
            async with _checkout(self._manage, _OF_MANAGE, nullcontext()) as connection:
                await connection.work_for(tenant_id, actor_setting(), managed)
                yield connection
            return
        async with _checkout(self._tenant, _OF_TENANT, self._shares.turn(tenant_id)) as connection:
            await connection.work_for(tenant_id, actor_setting())
            yield connection

    @asynccontextmanager
    async def app_transaction(self) -> AsyncIterator[Connection]:
        async with _transaction(self.app()) as connection:
            actor = actor_setting()
            if actor:
                await connection.fetchval(_SET_ACTOR, actor)  # for this transaction: the next one works for another
            yield connection

    def tenant_transaction(self, tenant_id: TenantId) -> AbstractAsyncContextManager[Connection]:
        return _transaction(self.tenant(tenant_id))

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Connection]:
        """A fresh connection as the login itself, which owns the tables: partitions, retention, migrations' facts."""
        with told():
            with _unreachable():
                connection = await self._connect_owner()
            try:
                yield connection
            finally:
                await _close(connection)

    @asynccontextmanager
    async def lane(self, region_id: int) -> AsyncIterator[None]:
        """Who takes results of a region in this process: one at a time, and the others wait without a connection.

        Raises Unavailable to who would wait longer than for a connection: its sender asks again.
        """
        lock, started = self._lanes[region_id], time.perf_counter()
        try:
            async with asyncio.timeout(_CHECKOUT_TIMEOUT_S):
                await lock.acquire()
        except TimeoutError:
            raise Unavailable("Results of this region are taken slowly now. Try again shortly.") from None
        LANE_WAIT_SECONDS.observe(time.perf_counter() - started)
        try:
            yield
        finally:
            lock.release()

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call `callback` with the payload of each NOTIFY. Reconnects by itself; what came meanwhile is lost."""
        await self._listener.add(channel, callback)

    async def ping(self) -> None:
        """Raises Unavailable unless the database answers a new connection.

        Whoever asks meanwhile, or within a second, is given the same answer: anybody may ask, as often as they like.
        """
        if self._probe is None or (self._probe.done() and time.monotonic() >= self._probe_until):
            self._probe = asyncio.create_task(self._answers(), name="probe of the database")
        if not await asyncio.shield(self._probe):
            raise Unavailable(_AWAY_MESSAGE)

    async def _answers(self) -> bool:
        try:
            await self._ask()
        except (Unavailable, *_WRONG_DSN):
            return False
        finally:
            self._probe_until = time.monotonic() + _PROBE_GOOD_S
        return True

    async def _ask(self) -> None:
        async with self.owner() as connection:
            await connection.fetchval("SELECT 1", timeout=_CONNECT_TIMEOUT_S)

    async def close(self) -> None:
        """Wait up to 10 s for connections in use, then cut them off."""
        if self._probe is not None:
            self._probe.cancel()
        await self._listener.close()
        for pool in (self._app, self._tenant, self._manage):
            try:
                await asyncio.wait_for(pool.close(), 10)
            except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                pool.terminate()

    async def _connect_owner(self) -> Connection:
        return await asyncpg.connect(
            self._dsn, timeout=_CONNECT_TIMEOUT_S, command_timeout=_COMMAND_TIMEOUT_S, server_settings=_SETTINGS
        )


def _pool(dsn: str, *, role: str, max_size: int, settings: dict[str, str]) -> Any:
    return asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=max_size,
        connection_class=_Session,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_COMMAND_TIMEOUT_S,
        server_settings=settings | {"role": role},
        init=_set_codecs,
        reset=_keep,
    )


async def _keep(_connection: Connection) -> None:
    """After the rollback that asyncpg does by itself there is nothing to undo: no statement sets anything for longer
    than its transaction, save for the tenant, which each checkout sets anew.
    """


async def _set_codecs(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),  # the version that leads jsonb on the wire
        decoder=lambda data: orjson.loads(data[1:]),
    )


@asynccontextmanager
async def _checkout(pool: Any, gauges: _Gauges, turn: AbstractAsyncContextManager[None]) -> AsyncIterator[Connection]:
    """A connection of the pool while it is this checkout's turn, which keeps the others' way free."""
    with told():
        async with AsyncExitStack() as held:
            started = time.perf_counter()
            with gauges.waited.track_inprogress(), _unreachable():
                await held.enter_async_context(turn)
                connection = await pool.acquire(timeout=_CHECKOUT_TIMEOUT_S)
            gauges.seconds.observe(time.perf_counter() - started)
            held.enter_context(gauges.used.track_inprogress())
            try:
                yield connection
            finally:
                await pool.release(connection)


@asynccontextmanager
async def _patient(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    """A turn, waited for as long as for a connection."""
    async with asyncio.timeout(_CHECKOUT_TIMEOUT_S):
        await turns.acquire()
    try:
        yield
    finally:
        turns.release()


@asynccontextmanager
async def _transaction(checkout: AbstractAsyncContextManager[Connection]) -> AsyncIterator[Connection]:
    async with checkout as connection, connection.transaction():
        yield connection


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=_CONNECT_TIMEOUT_S)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()


@contextmanager
def _unreachable() -> Iterator[None]:
    """While connecting, every refusal of the system (no socket file, no route, no name) means the same."""
    try:
        yield
    except OSError as error:
        raise Unavailable(_AWAY_MESSAGE) from error


@contextmanager
def told() -> Iterator[None]:
    """Turn what PostgreSQL says into our errors: violated constraints by name, others in the way, a database away."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        meant = violations.error_of(error.constraint_name)
        if meant is None:
            raise
        raise meant from error
    except _CONTENDED as error:
        DATABASE_REFUSALS.labels("contended").inc()
        raise Unavailable(_CONTENDED_MESSAGE) from error
    except _AWAY as error:
        DATABASE_REFUSALS.labels("away").inc()
        raise Unavailable(_AWAY_MESSAGE) from error
    except asyncpg.InterfaceError as error:
        if not _is_gone(error):
            raise
        raise Unavailable(_AWAY_MESSAGE) from error


def _is_gone(error: asyncpg.InterfaceError) -> bool:
    """asyncpg tells a connection that ended while checked out from a mistake of ours by the text alone."""
    text = str(error)
    return "closed" in text or "closing" in text or "released back to the pool" in text
