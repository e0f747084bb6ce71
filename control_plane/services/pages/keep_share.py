"""Share links: made, found and revoked. Whoever has one sees one monitor, and changes nothing."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.share_rules import read_expiry, read_label
from control_plane.domain.tenants import capability_token
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import NotFound
from control_plane.store import maintenance_advance, monitor_reads, shares, tenants
from control_plane.store.pool import Connection, Database
from control_plane.store.shares import Share, SharedMonitor
from shared.ids import TenantId


class MintedShare(Struct, frozen=True):
    """A link, and its token, which is in this answer and nowhere else."""

    share: Share
    token: str


async def create_share(
    database: Database,
    *,
    tenant_id: TenantId,
    monitor_id: UUID,
    share_id: UUID,
    label: str,
    expires_at: datetime | None,
    terms: PlanTerms,
    created_by: str,
    pepper: bytes,
) -> MintedShare:
    """A new link. Raises BadRequest SHARE_LABEL_INVALID or INVALID_EXPIRY, NotFound, Refused QUOTA_EXCEEDED."""
    label = read_label(label)
    token = capability_token.make_token(secrets.token_bytes(capability_token.ENTROPY_BYTES))
    digest = capability_token.token_digest(token, "share", pepper)
    assert digest is not None
    async with database.tenant_transaction(tenant_id) as conn:
        expires_at = read_expiry(expires_at, now=await maintenance_advance.clock(conn))
        await _require_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        await _require_room(conn, terms, tenant_id=tenant_id, monitor_id=monitor_id)
        share = await shares.insert_share(
            conn,
            tenant_id=tenant_id,
            share_id=share_id,
            monitor_id=monitor_id,
            label=label,
            digest=digest,
            created_by=created_by,
            expires_at=expires_at,
        )
    return MintedShare(share, token)


async def list_shares(
    database: Database, *, tenant_id: TenantId, monitor_id: UUID, limit: int, offset: int
) -> tuple[list[Share], int]:
    """A page of the links that count. Raises NotFound MONITOR_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        await _require_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        return await shares.list_shares(conn, tenant_id=tenant_id, monitor_id=monitor_id, limit=limit, offset=offset)


async def revoke_share(database: Database, *, tenant_id: TenantId, monitor_id: UUID, share_id: UUID) -> None:
    """Let a link count no more. Raises NotFound SHARE_NOT_FOUND."""
    async with database.tenant_transaction(tenant_id) as conn:
        if not await shares.delete_share(conn, tenant_id=tenant_id, monitor_id=monitor_id, share_id=share_id):
            raise NotFound("There is no such share link", code="SHARE_NOT_FOUND")


async def find_share(database: Database, token: str, *, pepper: bytes) -> SharedMonitor | None:
    """What a token leads to while it counts; None says no more. Notes that it was used."""
    digest = capability_token.token_digest(token, "share", pepper)
    if digest is None:
        return None
    async with database.app() as conn:
        found = await shares.find_shared(conn, digest=digest)
        if found is not None:
            await shares.touch(conn, tenant_id=found.tenant_id, share_id=found.share_id)
    return found


async def _require_monitor(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID) -> None:
    if not await monitor_reads.monitor_exists(conn, tenant_id=tenant_id, monitor_id=monitor_id):
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")


async def _require_room(conn: Connection, terms: PlanTerms, *, tenant_id: TenantId, monitor_id: UUID) -> None:
    links = await shares.count_of_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    require_room(terms, "share_links_per_monitor", current=links)
    if not links:
        require_room(terms, "shared_monitors", current=await shares.count_shared(conn, tenant_id=tenant_id))
