"""A tenant's feeds: made, found, rotated and deleted."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.tenants import capability_token
from control_plane.errors import NotFound, Refused
from control_plane.store import feeds, tenants
from control_plane.store.feeds import Feed, OpenFeed
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId

MAX_FEEDS = 20
OVERLAP = timedelta(minutes=5)
"""How long a rotated token still counts."""


class MintedFeed(Struct, frozen=True):
    """A feed, and its token, which is in this answer and nowhere else."""

    feed: Feed
    token: str


async def create_feed(
    database: Database, *, tenant_id: TenantId, feed_id: UUID, name: str, created_by: str, pepper: bytes
) -> MintedFeed:
    """A new feed. Raises BadRequest NAME_INVALID, Conflict NAME_TAKEN, Refused FEED_LIMIT."""
    name = field_rules.name(name)
    token, digest = _new_token(pepper)
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        current = await feeds.count_feeds(conn, tenant_id=tenant_id)
        if current >= MAX_FEEDS:
            message = f"A tenant has {MAX_FEEDS} feeds at most: delete one that nobody reads"
            raise Refused(message, code="FEED_LIMIT", details={"limit": MAX_FEEDS, "current": current})
        feed = await feeds.insert_feed(
            conn, tenant_id=tenant_id, feed_id=feed_id, name=name, digest=digest, created_by=created_by
        )
    return MintedFeed(feed, token)


async def rotate_feed(database: Database, *, tenant_id: TenantId, feed_id: UUID, pepper: bytes) -> MintedFeed:
    """Another token; the one before counts for OVERLAP more. Raises NotFound FEED_NOT_FOUND."""
    token, digest = _new_token(pepper)
    async with database.tenant_transaction(tenant_id) as conn:
        await _held(conn, tenant_id=tenant_id, feed_id=feed_id)
        feed = await feeds.rotate_feed(conn, tenant_id=tenant_id, feed_id=feed_id, digest=digest, overlap=OVERLAP)
    return MintedFeed(feed, token)


async def delete_feed(
    database: Database, *, tenant_id: TenantId, feed_id: UUID, check_revision: Callable[[int], None]
) -> None:
    """Its tokens count no more. Raises NotFound FEED_NOT_FOUND, or what `check_revision` raises."""
    async with database.tenant_transaction(tenant_id) as conn:
        feed = await _held(conn, tenant_id=tenant_id, feed_id=feed_id)
        check_revision(feed.revision)
        await feeds.delete_feed(conn, tenant_id=tenant_id, feed_id=feed_id)


async def find_feed(database: Database, token: str, *, pepper: bytes) -> OpenFeed | None:
    """What a token leads to while it counts; None says no more. Notes that it was fetched."""
    digest = capability_token.token_digest(token, "feed", pepper)
    if digest is None:
        return None
    async with database.app() as conn:
        found = await feeds.find_feed(conn, digest=digest)
        if found is not None:
            await feeds.touch(conn, tenant_id=found.tenant_id, feed_id=found.feed_id)
    return found


def unknown_feed() -> NotFound:
    return NotFound("There is no such feed", code="FEED_NOT_FOUND")


async def _held(conn: Connection, *, tenant_id: TenantId, feed_id: UUID) -> Feed:
    feed = await feeds.hold_feed(conn, tenant_id=tenant_id, feed_id=feed_id)
    if feed is None:
        raise unknown_feed()
    return feed


def _new_token(pepper: bytes) -> tuple[str, bytes]:
    token = capability_token.make_token(secrets.token_bytes(capability_token.ENTROPY_BYTES))
    digest = capability_token.token_digest(token, "feed", pepper)
    assert digest is not None
    return token, digest
