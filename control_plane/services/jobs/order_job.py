"""Ordering jobs: what is asked for is kept sealed until it is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.tenants.actor import Actor
from control_plane.domain.tenants.credentials import ROLES, Role
from control_plane.errors import FarwatchError, Forbidden, Refused, Unauthenticated
from control_plane.store import jobs, tenants
from control_plane.store.pool import Connection
from shared.ids import TenantId

MAX_WAITING = 20
"""Jobs of one tenant that are not over."""
LEASE = timedelta(seconds=30)
"""How long a process that died keeps its job; each transaction of a living one begins it anew."""


SCOPES: Mapping[str, str] = {
    "create_monitors": "monitors:write",
    "act_on_monitors": "monitors:write",
    "apply_configuration": "config:write",
    "report": "monitors:read",
}
"""What ordering a job of each kind needs: at the order, and for as long as it is done."""


def job_context(tenant_id: UUID, job_id: UUID) -> str:
    """What a job's request is sealed for."""
    return f"job:{tenant_id}:{job_id}"


async def loss_of_right(
    conn: Connection, *, tenant_id: TenantId, kind: str, ordered_by: UUID | None
) -> FarwatchError | None:
    """Why a job may not go on: its tenant is suspended, or who ordered it is gone or lost the scope. None: it may."""
    standing = await jobs.read_standing(conn, tenant_id=tenant_id, ordered_by=ordered_by)
    if standing.suspended:
        return Forbidden("The tenant was suspended while the job was under way", code="TENANT_SUSPENDED")
    if ordered_by is None:
        return None
    scopes = standing.scopes if standing.role is None else ROLES[Role(standing.role)]
    if scopes is None:
        return Unauthenticated("The key or the person that ordered the job is gone")
    needed = SCOPES.get(kind)
    if needed is not None and needed not in scopes:
        message = f"Whoever ordered the job lost the scope {needed}"
        return Forbidden(message, code="MISSING_SCOPE", details={"scope": needed})
    return None


async def enqueue_job(
    conn: Connection,
    *,
    tenant_id: TenantId,
    job_id: UUID,
    kind: str,
    request: bytes,
    total: int,
    actor: Actor | None,
) -> None:
    """Queue a job inside the caller's transaction. `request` is sealed for `job_context`; `actor` orders it.

    Raises Refused TOO_MANY_JOBS.
    """
    await tenants.hold_counters(conn, tenant_id=tenant_id)
    waiting = await jobs.count_waiting(conn, tenant_id=tenant_id)
    if waiting >= MAX_WAITING:
        message = f"{waiting} jobs are waiting or running, and {MAX_WAITING} are allowed: wait for one, or cancel one"
        raise Refused(message, code="TOO_MANY_JOBS", details={"limit": MAX_WAITING})
    told: dict[str, Any] | None = None if actor is None else msgspec.to_builtins(actor)
    await jobs.insert_job(
        conn,
        tenant_id=tenant_id,
        job_id=job_id,
        number=await jobs.take_job_number(conn, tenant_id=tenant_id),
        kind=kind,
        total=total,
        request=request,
        actor=told,
    )
