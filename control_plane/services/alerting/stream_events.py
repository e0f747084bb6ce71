"""What a stream of events is made of: stored decisions read in order, and live checks that are only passed on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import orjson
from msgspec import Struct

from control_plane.domain.heartbeats.heartbeat import Ping
from control_plane.store import assignments, events_read, hints
from control_plane.store.events_read import EventRow, Kept
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from shared.results import CheckResult

PAGE = 500
_MAX_PAYLOAD = 7_900
"""Bytes. PostgreSQL takes fewer than 8000 in one NOTIFY."""


class CompletedCheck(Struct, frozen=True, kw_only=True):
    """One stored result, as watchers hear of it. Times in ms; `slot` in Unix ms."""

    tenant_id: UUID
    monitor_id: UUID
    region: str
    slot: int
    outcome: str
    reason: str
    total: float | None = None
    http_status: int | None = None


async def publish_checks(conn: Connection, checks: Sequence[CompletedCheck], *, watched: Collection[str]) -> None:
    """Tell every process, at commit, of results that somebody watches. `watched` are tenants' ids as text."""
    by_tenant: dict[str, list[CompletedCheck]] = defaultdict(list)
    for check in checks:
        tenant = str(check.tenant_id)
        if tenant in watched:
            by_tenant[tenant].append(check)
    payloads = [f"{tenant} {chunk}" for tenant, some in by_tenant.items() for chunk in _chunks(map(_document, some))]
    if payloads:
        await hints.notify_checks(conn, payloads)


async def publish_pings(database: Database, pings: Sequence[tuple[UUID, UUID, int, Ping]]) -> None:
    """Tell watchers of (tenant, monitor, number, ping), after their commit. Live only, like checks."""
    by_tenant: dict[UUID, list[dict[str, object]]] = defaultdict(list)
    for tenant_id, monitor_id, number, ping in pings:
        by_tenant[tenant_id].append(
            {
                "event": "heartbeat.pinged",
                "monitor_id": str(monitor_id),
                "number": number,
                "at": ping.at_ms,
                "kind": ping.kind.value,
                "exit_code": ping.exit_code,
                "rid": None if ping.rid is None else str(ping.rid),
            }
        )
    async with database.app() as conn:
        payloads = [f"{tenant} {chunk}" for tenant, some in by_tenant.items() for chunk in _chunks(some)]
        await hints.notify_checks(conn, payloads)


def _chunks(documents: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """JSON lists that each fit in one NOTIFY beside the tenant's id."""
    waiting: list[str] = []
    size = 0
    for document in documents:
        text = orjson.dumps(document).decode()
        length = len(text.encode()) + 1
        if waiting and size + length > _MAX_PAYLOAD - 40:
            yield f"[{','.join(waiting)}]"
            waiting, size = [], 0
        waiting.append(text)
        size += length
    if waiting:
        yield f"[{','.join(waiting)}]"


def _document(check: CompletedCheck) -> dict[str, object]:
    return {
        "monitor_id": str(check.monitor_id),
        "region": check.region,
        "slot": check.slot,
        "outcome": check.outcome,
        "reason": check.reason,
        "total": check.total,
        "http_status": check.http_status,
    }


async def publish_results(
    database: Database,
    *,
    region_id: int,
    region: str,
    items: Sequence[CheckResult | None],
    statuses: Sequence[str],
    watched: Collection[str],
) -> None:
    """Tell watchers of what a batch stored, after its commit: a reader never holds up ingest. `watched` as above."""
    stored = [item for item, status in zip(items, statuses, strict=True) if item is not None and status == "stored"]
    if not stored:
        return
    async with database.app() as conn:
        owners = await assignments.owners(
            conn,
            region_id=region_id,
            monitor_ids={item.monitor_id for item in stored},
            tenant_ids=[UUID(tenant) for tenant in watched],
        )
        checks = [_completed(item, owners[item.monitor_id], region) for item in stored if item.monitor_id in owners]
        await publish_checks(conn, checks, watched=watched)


def _completed(item: CheckResult, tenant_id: UUID, region: str) -> CompletedCheck:
    return CompletedCheck(
        tenant_id=tenant_id,
        monitor_id=item.monitor_id,
        region=region,
        slot=item.slot,
        outcome=item.outcome.value,
        reason=item.reason.value,
        total=item.total,
        http_status=item.http_status,
    )


async def watch_checks(database: Database, *, tenant_id: TenantId) -> None:
    """Tell every process that somebody watches this tenant's checks: for the next 30 s, ingest publishes them."""
    async with database.app() as conn:
        await hints.notify_watch(conn, tenant_id=tenant_id)


async def read_kept(database: Database, *, tenant_id: TenantId) -> Kept:
    """Which events can be resumed."""
    async with database.tenant(tenant_id) as conn:
        return await events_read.kept(conn, tenant_id=tenant_id)


async def read_events(database: Database, *, tenant_id: TenantId, after: int) -> list[EventRow]:
    """The next events beyond a number, at most PAGE."""
    async with database.tenant(tenant_id) as conn:
        return await events_read.events_after(conn, tenant_id=tenant_id, number=after, limit=PAGE)
