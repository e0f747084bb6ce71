"""Create, change and delete silences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.channels.silence_rules import SilenceConfig, read_silence
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import Conflict, NotFound
from control_plane.services.alerting.route_rows import known_of, match_of
from control_plane.store import maintenance_advance, silences, tenants
from control_plane.store.pool import Connection, Database
from control_plane.store.silences import SilenceRow, SilenceWrite
from shared.ids import TenantId


async def create_silence(
    database: Database,
    *,
    tenant_id: TenantId,
    silence_id: UUID,
    terms: PlanTerms,
    body: Mapping[str, Any],
    created_by: str,
    write_source: str,
) -> SilenceRow:
    """The silence. Raises BadRequest as domain/silence_rules says, Refused QUOTA_EXCEEDED."""
    async with database.tenant_transaction(tenant_id) as conn:
        config = await _read(conn, body, None, tenant_id=tenant_id)
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        require_room(terms, "silences", current=await silences.count_unended(conn, tenant_id=tenant_id))
        write = _row_values(config, write_source=write_source)
        return await silences.insert_silence(
            conn, tenant_id=tenant_id, silence_id=silence_id, created_by=created_by, write=write
        )


async def change_silence(
    database: Database,
    *,
    tenant_id: TenantId,
    silence_id: UUID,
    body: Mapping[str, Any],
    write_source: str,
    check_revision: Callable[[int], None],
) -> SilenceRow:
    """Merge the body (RFC 7396) onto a silence that is not over; an end that is past ends it now.

    Raises NotFound SILENCE_NOT_FOUND, Conflict SILENCE_EXPIRED, and what `check_revision` and the rules raise.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        row = await _held(conn, tenant_id=tenant_id, silence_id=silence_id, check_revision=check_revision)
        if row.state == "expired":
            raise Conflict("This silence is over and stays as it was: create another one", code="SILENCE_EXPIRED")
        before = _config_of(row)
        after = await _read(conn, body, before, tenant_id=tenant_id)
        if after == before:
            return row
        write = _row_values(after, write_source=write_source)
        return await silences.update_silence(conn, tenant_id=tenant_id, silence_id=silence_id, write=write)


async def delete_silence(
    database: Database, *, tenant_id: TenantId, silence_id: UUID, check_revision: Callable[[int], None]
) -> None:
    """It ends now. Raises NotFound SILENCE_NOT_FOUND, or what `check_revision` raises."""
    async with database.tenant_transaction(tenant_id) as conn:
        await _held(conn, tenant_id=tenant_id, silence_id=silence_id, check_revision=check_revision)
        await silences.delete_silence(conn, tenant_id=tenant_id, silence_id=silence_id)


async def _read(
    conn: Connection, body: Mapping[str, Any], stored: SilenceConfig | None, *, tenant_id: TenantId
) -> SilenceConfig:
    match = body.get("match")
    channel_ids = match.get("channel_ids") if isinstance(match, Mapping) else None
    known = await known_of(conn, tenant_id=tenant_id, match=match, channel_ids=channel_ids)
    return read_silence(body, stored=stored, known=known, now=await maintenance_advance.clock(conn))


async def _held(
    conn: Connection, *, tenant_id: TenantId, silence_id: UUID, check_revision: Callable[[int], None]
) -> SilenceRow:
    row = await silences.hold_silence(conn, tenant_id=tenant_id, silence_id=silence_id)
    if row is None:
        raise NotFound("There is no such silence", code="SILENCE_NOT_FOUND")
    check_revision(row.revision)
    return row


def _config_of(row: SilenceRow) -> SilenceConfig:
    return SilenceConfig(
        name=row.name,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        match=match_of(row),
        channel_ids=tuple(row.channel_ids),
    )


def _row_values(config: SilenceConfig, *, write_source: str) -> SilenceWrite:
    match = config.match
    return SilenceWrite(
        name=config.name,
        reason=config.reason,
        starts_at=config.starts_at,
        ends_at=config.ends_at,
        severities=list(match.severities),
        tags=list(match.tags),
        groups=list(match.groups),
        kinds=list(match.kinds),
        monitor_ids=list(match.monitor_ids),
        channel_ids=list(config.channel_ids),
        write_source=write_source,
    )
