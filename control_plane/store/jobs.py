"""jobs: work that a tenant ordered. Who does it holds a lease, and its token fences each of the writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId

MAX_FAILURES = 1000
"""Failed items that are kept word for word; beyond them they are counted."""


class JobView(Struct, frozen=True, kw_only=True):
    """A job as its tenant sees it."""

    id: UUID
    number: int
    kind: str
    state: str
    total: int
    done: int
    failed: int
    failures: list[dict[str, Any]]
    result: Any
    error: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    ordered_by: UUID | None


class ClaimedJob(Struct, frozen=True, kw_only=True):
    """A job that this process does now. `done` is where it goes on; `request` is sealed."""

    tenant_id: TenantId
    id: UUID
    kind: str
    total: int
    done: int
    attempts: int
    request: bytes
    actor: dict[str, Any] | None
    token: UUID


TAKE_JOB_NUMBER = "UPDATE tenant_counters SET jobs = jobs + 1 WHERE tenant_id = $1 RETURNING jobs"
COUNT_WAITING = "SELECT count(*) FROM jobs WHERE tenant_id = $1 AND finished_at IS NULL"
INSERT_JOB = """
INSERT INTO jobs (tenant_id, id, number, kind, total, request, actor) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
HINT_JOBS = "SELECT pg_notify('farwatch_jobs', $1), pg_notify('farwatch_jobs', '')"


async def take_job_number(conn: Connection, *, tenant_id: UUID) -> int:
    """The tenant's next job number. Locks the tenant's counters until commit."""
    number: int = await conn.fetchval(TAKE_JOB_NUMBER, tenant_id)
    return number


async def count_waiting(conn: Connection, *, tenant_id: UUID) -> int:
    """How many jobs of the tenant are not over."""
    count: int = await conn.fetchval(COUNT_WAITING, tenant_id)
    return count


async def insert_job(
    conn: Connection,
    *,
    tenant_id: UUID,
    job_id: UUID,
    number: int,
    kind: str,
    total: int,
    request: bytes,
    actor: dict[str, Any] | None,
) -> None:
    """Queue a job, and hint at it."""
    await conn.execute(INSERT_JOB, tenant_id, job_id, number, kind, total, request, actor)
    await conn.execute(HINT_JOBS, str(job_id))


_VIEW = (
    "id, number, kind, state, total, done, failed, failures, result, error, created_at, started_at, finished_at"
    ", (actor ->> 'id')::uuid AS ordered_by"
)
GET_JOB = f"SELECT {_VIEW} FROM jobs WHERE tenant_id = $1 AND id = $2"


async def get_job(conn: Connection, *, tenant_id: UUID, job_id: UUID) -> JobView | None:
    """None when this tenant has no such job."""
    record = await conn.fetchrow(GET_JOB, tenant_id, job_id)
    return record and JobView(**dict(record))


_WANTED = "FROM jobs WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR state = $3)"
LIST_JOBS = f"SELECT {_VIEW} {_WANTED} ORDER BY number DESC LIMIT $4 OFFSET $5"
COUNT_JOBS = f"SELECT count(*) {_WANTED}"


async def list_jobs(
    conn: Connection, *, tenant_id: UUID, kind: str | None, state: str | None, limit: int, offset: int
) -> tuple[list[JobView], int]:
    """One page of the tenant's jobs, newest first, and how many there are."""
    records = await conn.fetch(LIST_JOBS, tenant_id, kind, state, limit, offset)
    total: int = await conn.fetchval(COUNT_JOBS, tenant_id, kind, state)
    return [JobView(**dict(record)) for record in records], total


# One at a time of each tenant, so that nobody's many jobs keep those of others waiting.
FLEET_CLAIM_JOB = """
UPDATE jobs SET state = 'running', token = $1, lease_until = clock_timestamp() + $2::interval,
    attempts = attempts + 1, started_at = coalesce(started_at, clock_timestamp())
WHERE (tenant_id, id) = (
    SELECT j.tenant_id, j.id FROM jobs j
    WHERE j.finished_at IS NULL AND (j.state = 'queued' OR j.lease_until < clock_timestamp())
      AND NOT EXISTS (SELECT FROM jobs o WHERE o.tenant_id = j.tenant_id AND o.finished_at IS NULL
                         AND o.state = 'running' AND o.lease_until >= clock_timestamp())
    ORDER BY j.created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, id, kind, total, done, attempts, request, actor, token
"""


async def claim_job(conn: Connection, *, token: UUID, lease: Any) -> ClaimedJob | None:
    """The oldest job that waits, or whose holder is gone, leased for `lease` (a timedelta) under this token."""
    record = await conn.fetchrow(FLEET_CLAIM_JOB, token, lease)
    return record and ClaimedJob(**dict(record))


HOLD_JOB = """
SELECT done FROM jobs WHERE tenant_id = $1 AND id = $2 AND token = $3 AND state = 'running' FOR UPDATE
"""


async def hold_job(conn: Connection, *, tenant_id: UUID, job_id: UUID, token: UUID) -> int | None:
    """How many items are done, with the job locked until commit; None: it is cancelled, or another's by now."""
    done: int | None = await conn.fetchval(HOLD_JOB, tenant_id, job_id, token)
    return done


class Standing(Struct, frozen=True):
    """Whether the tenant is suspended; the scopes of the key, or the role of the member, that ordered a job.

    Both are None for somebody who is neither any more.
    """

    suspended: bool
    scopes: list[str] | None
    role: str | None


READ_STANDING = """
SELECT suspended_at IS NOT NULL AS suspended,
    (SELECT scopes FROM api_keys
     WHERE tenant_id = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > clock_timestamp())) AS scopes,
    (SELECT role FROM members WHERE tenant_id = $1 AND user_id = $2) AS role
FROM tenants WHERE id = $1
"""


async def read_standing(conn: Connection, *, tenant_id: UUID, ordered_by: UUID | None) -> Standing:
    """What became of whoever ordered a job."""
    return Standing(**await conn.fetchrow(READ_STANDING, tenant_id, ordered_by))


ADVANCE_JOB = """
UPDATE jobs SET done = done + $4, failed = failed + $5,
    failures = CASE WHEN jsonb_array_length(failures) < $7 THEN failures || $6 ELSE failures END,
    lease_until = clock_timestamp() + $8::interval
WHERE tenant_id = $1 AND id = $2 AND token = $3
"""
HINT_JOB = "SELECT pg_notify('farwatch_jobs', $1)"


async def advance_job(
    conn: Connection,
    *,
    tenant_id: UUID,
    job_id: UUID,
    token: UUID,
    items: int,
    failures: Sequence[dict[str, Any]],
    lease: Any,
) -> None:
    """So many more items are done, of which these failed. The caller holds the job. `lease` begins anew."""
    kept = list(failures)[:MAX_FAILURES]
    counted = len(failures)
    await conn.execute(ADVANCE_JOB, tenant_id, job_id, token, items, counted, kept, MAX_FAILURES, lease)
    await conn.execute(HINT_JOB, str(job_id))


# Passed over while a transaction of the work holds the row, which keeps others off by itself.
KEEP_LEASE = """
UPDATE jobs SET lease_until = clock_timestamp() + $4::interval
WHERE tenant_id = $1 AND id = (
    SELECT id FROM jobs WHERE tenant_id = $1 AND id = $2 AND token = $3 AND state = 'running' FOR UPDATE SKIP LOCKED)
"""


async def keep_lease(conn: Connection, *, tenant_id: UUID, job_id: UUID, token: UUID, lease: Any) -> None:
    """Begin the lease anew, while the job is this token's."""
    await conn.execute(KEEP_LEASE, tenant_id, job_id, token, lease)


READ_OUTPUT = "SELECT output FROM jobs WHERE tenant_id = $1 AND id = $2"


async def read_output(conn: Connection, *, tenant_id: UUID, job_id: UUID) -> bytes | None:
    """What the job made, if anything."""
    output: bytes | None = await conn.fetchval(READ_OUTPUT, tenant_id, job_id)
    return output


FINISH_JOB = """
UPDATE jobs
SET state = $4, result = $5, error = $6, output = $7, done = CASE WHEN $7::bytea IS NULL THEN done ELSE total END,
    request = NULL, lease_until = NULL, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2 AND token = $3 AND state = 'running'
"""


async def finish_job(
    conn: Connection,
    *,
    tenant_id: UUID,
    job_id: UUID,
    token: UUID,
    state: str,
    result: Any = None,
    error: dict[str, Any] | None = None,
    output: bytes | None = None,
) -> None:
    """The job is over: what was asked for is forgotten. `output`: what it made, which is all that it was to do."""
    await conn.execute(FINISH_JOB, tenant_id, job_id, token, state, result, error, output)
    await conn.execute(HINT_JOBS, str(job_id))


CANCEL_JOB = """
UPDATE jobs
SET state = 'cancelled', error = $3, request = NULL, token = NULL, lease_until = NULL, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2 AND finished_at IS NULL
RETURNING id
"""


async def cancel_job(conn: Connection, *, tenant_id: UUID, job_id: UUID, reason: dict[str, Any] | None = None) -> bool:
    """End it between two transactions of whoever does it; False when it is over already, or there is none.

    `reason`: why, as an error, where nobody asked for it.
    """
    found = await conn.fetchval(CANCEL_JOB, tenant_id, job_id, reason) is not None
    if found:
        await conn.execute(HINT_JOBS, str(job_id))
    return found
