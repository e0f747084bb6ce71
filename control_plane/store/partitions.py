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
