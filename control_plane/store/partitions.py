"""Daily partitions of results: results_YYYYMMDD holds the slots of one UTC day.

There is no default partition: a row without a home would be a mistake of ours, and a default partition hides it until
it blocks the making of the right one. Accepted slots lie between 25 h back and 5 min ahead of the server's clock; the
days made reach from two days back to seven days ahead, so a job that fails for six days loses nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from control_plane.store.pool import Connection
from shared.clock import from_unix_ms, to_unix_ms

DAYS_BACK = 2
DAYS_AHEAD = 7
_LOCK = 0x70617274  # "part": one process at a time makes or drops partitions

SELECT_PARTITIONS = """
SELECT child.relname
FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = 'results'::regclass
ORDER BY child.relname
"""
PARTITION_LOCK = "SELECT pg_advisory_xact_lock($1)"
SHORT_PATIENCE = "SET LOCAL lock_timeout = '500ms'"


def partition_name(day: date) -> str:
    return f"results_{day:%Y%m%d}"


def partition_day(name: str) -> date | None:
    """The day whose slots the partition holds; None when the name is not one of ours."""
    try:
        return datetime.strptime(name, "results_%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def days_ahead(now_ms: int) -> list[date]:
    """The days that must have a partition at this instant."""
    today = from_unix_ms(now_ms).date()
    return [today + timedelta(days=offset) for offset in range(-DAYS_BACK, DAYS_AHEAD + 1)]


def create_statement(day: date) -> str:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    bounds = to_unix_ms(start), to_unix_ms(start + timedelta(days=1))
    return (
        f"CREATE TABLE IF NOT EXISTS {partition_name(day)}"
        f" PARTITION OF results FOR VALUES FROM ({bounds[0]}) TO ({bounds[1]})"
    )


def statements_ahead(now_ms: int) -> list[str]:
    return [create_statement(day) for day in days_ahead(now_ms)]


async def partitions(connection: Connection) -> list[str]:
    """The names of all partitions of results, oldest first."""
    return [row["relname"] for row in await connection.fetch(SELECT_PARTITIONS)]


async def make_partitions(connection: Connection, *, now_ms: int) -> list[str]:
    """Make the missing partitions around `now_ms` (Unix ms) and return their names. Needs the owner's connection.

    The lock serialises makers; a new partition takes a short SHARE UPDATE EXCLUSIVE lock on results, beside which
    inserts and reads go on.
    """
    async with connection.transaction():
        await connection.execute(PARTITION_LOCK, _LOCK)
        there = set(await partitions(connection))
        missing = [day for day in days_ahead(now_ms) if partition_name(day) not in there]
        for day in missing:
            await connection.execute(create_statement(day))
    return [partition_name(day) for day in missing]


async def drop_partitions(connection: Connection, *, before: date) -> list[str]:
    """Drop the partitions of days before `before`, one transaction each. Returns their names.

    Needs the owner's connection, outside of a transaction. Dropping needs results for itself for an instant: who waits
    for a long reader would make everybody wait behind it, so the attempt gives up after `lock_timeout` and Unavailable
    says to come again.
    """
    old = [name for name in await partitions(connection) if (day := partition_day(name)) and day < before]
    for name in old:
        async with connection.transaction():
            await connection.execute(SHORT_PATIENCE)
            await connection.execute(PARTITION_LOCK, _LOCK)
            await connection.execute(f"DROP TABLE IF EXISTS {name}")
    return old
