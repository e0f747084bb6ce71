"""page_subscribers: who is told of what a status page says. Where each leads is sealed, and found by its digest.

Whoever adds, confirms or ends holds the page's list first (`hold_list`), then the subscriber.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.subscriber_rules import Kind, Source, State
from control_plane.store.pool import Connection
from shared.ids import TenantId


class SubscriberRow(Struct, frozen=True, kw_only=True):
    """A subscriber as stored. `component_ids` None: all of the page. `is_over`: it was asked, and may say yes no more.

    `asked`: messages within the last day that it has not agreed to.
    """

    tenant_id: UUID
    id: UUID
    page_id: UUID
    kind: Kind
    sealed: bytes
    component_ids: list[UUID] | None
    source: Source
    note: str
    nonce: bytes
    asked: int
    is_over: bool
    confirmed_at: datetime | None
    last_delivered_at: datetime | None
    last_error: str | None
    created_at: datetime


_COLUMNS = """tenant_id, id, page_id, kind, sealed, component_ids, source, note, nonce,
    CASE WHEN asked_at > clock_timestamp() - interval '1 day' THEN asked ELSE 0 END AS asked,
    confirmed_at IS NULL AND confirm_until <= clock_timestamp() AS is_over, confirmed_at, last_delivered_at, last_error,
    created_at"""


class SubscriberFilter(Struct, frozen=True, kw_only=True):
    """Which subscribers of a page; None is any."""

    kind: Kind | None = None
    state: State | None = None
    digest: bytes | None = None


_WANTED = """tenant_id = $1 AND page_id = $2 AND ($3::text IS NULL OR kind = $3)
    AND ($4::text IS NULL OR (confirmed_at IS NOT NULL) = ($4 = 'confirmed')) AND ($5::bytea IS NULL OR digest = $5)"""
LIST_SUBSCRIBERS = f"SELECT {_COLUMNS} FROM page_subscribers WHERE {_WANTED} ORDER BY id DESC LIMIT $6 OFFSET $7"
COUNT_SUBSCRIBERS = f"SELECT count(*) FROM page_subscribers WHERE {_WANTED}"


async def list_subscribers(
    conn: Connection,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    wanted: SubscriberFilter,
    limit: int | None,
    offset: int = 0,
) -> tuple[list[SubscriberRow], int]:
    """Those of a page, newest first, and how many there are."""
    given = (tenant_id, page_id, wanted.kind, wanted.state, wanted.digest)
    rows = await conn.fetch(LIST_SUBSCRIBERS, *given, limit, offset)
    total: int = await conn.fetchval(COUNT_SUBSCRIBERS, *given)
    return [SubscriberRow(**row) for row in rows], total


SUBSCRIBERS_AFTER = f"""
SELECT {_COLUMNS} FROM page_subscribers WHERE tenant_id = $1 AND page_id = $2 AND id > $3 ORDER BY id LIMIT $4
"""


async def subscribers_after(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, after: UUID, limit: int
) -> list[SubscriberRow]:
    """A slice of a page's subscribers, oldest first: for reading all of them."""
    return [SubscriberRow(**row) for row in await conn.fetch(SUBSCRIBERS_AFTER, tenant_id, page_id, after, limit)]


class SubscriberCounts(Struct, frozen=True):
    """How many are subscribed by each way, how many were asked and have not answered, and how many have left."""

    email: int = 0
    webhook: int = 0
    web_push: int = 0
    pending: int = 0
    ended: int = 0

    @property
    def confirmed(self) -> int:
        return self.email + self.webhook + self.web_push


COUNTS = """
SELECT count(s.id) FILTER (WHERE s.kind = 'email' AND s.confirmed_at IS NOT NULL),
    count(s.id) FILTER (WHERE s.kind = 'webhook' AND s.confirmed_at IS NOT NULL),
    count(s.id) FILTER (WHERE s.kind = 'web_push' AND s.confirmed_at IS NOT NULL),
    count(s.id) FILTER (WHERE s.confirmed_at IS NULL), w.ended
FROM page_watches w LEFT JOIN page_subscribers s ON s.tenant_id = w.tenant_id AND s.page_id = w.page_id
WHERE w.tenant_id = $1 AND w.page_id = $2 GROUP BY w.ended
"""


async def counts(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> SubscriberCounts:
    """Of one page."""
    row = await conn.fetchrow(COUNTS, tenant_id, page_id)
    return SubscriberCounts() if row is None else SubscriberCounts(*row)


GET_SUBSCRIBER = f"SELECT {_COLUMNS} FROM page_subscribers WHERE tenant_id = $1 AND id = $2"
LOCK_SUBSCRIBER = f"{GET_SUBSCRIBER} FOR UPDATE"


async def get_subscriber(conn: Connection, *, tenant_id: UUID, subscriber_id: UUID) -> SubscriberRow | None:
    row = await conn.fetchrow(GET_SUBSCRIBER, tenant_id, subscriber_id)
    return None if row is None else SubscriberRow(**row)


async def hold_subscriber(conn: Connection, *, tenant_id: UUID, subscriber_id: UUID) -> SubscriberRow | None:
    """The same, locked until commit."""
    row = await conn.fetchrow(LOCK_SUBSCRIBER, tenant_id, subscriber_id)
    return None if row is None else SubscriberRow(**row)


OPEN_WATCH = """
INSERT INTO page_watches (tenant_id, page_id) VALUES ($1, $2) ON CONFLICT (tenant_id, page_id) DO NOTHING
"""
HOLD_WATCH = "SELECT FROM page_watches WHERE tenant_id = $1 AND page_id = $2 FOR UPDATE"


async def hold_list(conn: Connection, *, tenant_id: UUID, page_id: UUID) -> None:
    """Lock the page's list of subscribers until commit, making it first where there is none."""
    await conn.execute(OPEN_WATCH, tenant_id, page_id)
    await conn.execute(HOLD_WATCH, tenant_id, page_id)


KNOWN = f"SELECT {_COLUMNS} FROM page_subscribers WHERE tenant_id = $1 AND page_id = $2 AND digest = $3"


class Known(Struct, frozen=True):
    """What a page knows of an address: a subscription, one that is not confirmed yet, or both."""

    confirmed: SubscriberRow | None
    pending: SubscriberRow | None


async def known(conn: Connection, *, tenant_id: UUID, page_id: UUID, digest: bytes) -> Known:
    """The caller holds the list."""
    rows = [SubscriberRow(**row) for row in await conn.fetch(KNOWN, tenant_id, page_id, digest)]
    confirmed = next((row for row in rows if row.confirmed_at is not None), None)
    return Known(confirmed, next((row for row in rows if row.confirmed_at is None), None))


COUNT_OF_PAGE = "SELECT count(*) FROM page_subscribers WHERE tenant_id = $1 AND page_id = $2"


async def count_of_page(conn: Connection, *, tenant_id: UUID, page_id: UUID) -> int:
    """All there are, confirmed or not."""
    count: int = await conn.fetchval(COUNT_OF_PAGE, tenant_id, page_id)
    return count


# Over all tenants: whom an address belongs to is asked by many pages at once, or by one who makes many pages.
FLEET_COUNT_ASKED = """
SELECT coalesce(sum(asked), 0)::bigint FROM page_subscribers
WHERE digest = $1 AND asked_at > clock_timestamp() - $2::interval
"""


async def count_asked(conn: Connection, *, digest: bytes, within: timedelta) -> int:
    """How many unasked messages went to an address of late. For connections that see every tenant."""
    count: int = await conn.fetchval(FLEET_COUNT_ASKED, digest, within)
    return count


class NewSubscriber(Struct, frozen=True, kw_only=True):
    """What a new subscription sets, in the order of the statement's parameters."""

    tenant_id: UUID
    id: UUID
    page_id: UUID
    kind: Kind
    digest: bytes
    sealed: bytes
    component_ids: Sequence[UUID] | None
    source: Source
    note: str
    nonce: bytes


INSERT_SUBSCRIBER = """
INSERT INTO page_subscribers (tenant_id, id, page_id, kind, digest, sealed, component_ids, source, note, nonce,
    confirm_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp() + $11::interval)
"""


async def insert_subscriber(conn: Connection, new: NewSubscriber, *, within: timedelta) -> None:
    """One that has `within` to say yes. The caller holds the list."""
    values = [getattr(new, name) for name in NewSubscriber.__struct_fields__]
    await conn.execute(INSERT_SUBSCRIBER, *values, within)


RENEW_SUBSCRIBER = """
UPDATE page_subscribers
SET sealed = $3, component_ids = $4, nonce = $5, confirm_until = clock_timestamp() + $6::interval
WHERE tenant_id = $1 AND id = $2 AND confirmed_at IS NULL
"""


async def renew_subscriber(
    conn: Connection,
    row: SubscriberRow,
    *,
    sealed: bytes,
    component_ids: Sequence[UUID] | None,
    nonce: bytes,
    within: timedelta,
) -> None:
    """Ask once more; the link before counts no longer."""
    ids = None if component_ids is None else list(component_ids)
    await conn.execute(RENEW_SUBSCRIBER, row.tenant_id, row.id, sealed, ids, nonce, within)


NOTE_ASKED = """
UPDATE page_subscribers
SET asked = CASE WHEN asked_at > clock_timestamp() - interval '1 day' THEN asked ELSE 0 END + 1,
    asked_at = CASE WHEN asked > 0 AND asked_at > clock_timestamp() - interval '1 day' THEN asked_at
        ELSE clock_timestamp() END
WHERE tenant_id = $1 AND id = $2
"""


async def note_asked(conn: Connection, *, tenant_id: UUID, subscriber_id: UUID) -> None:
    """Count a message that nobody has agreed to."""
    await conn.execute(NOTE_ASKED, tenant_id, subscriber_id)


CONFIRM = """
UPDATE page_subscribers SET confirmed_at = clock_timestamp(), confirm_until = NULL
WHERE tenant_id = $1 AND id = $2 AND confirmed_at IS NULL AND confirm_until > clock_timestamp()
"""
HOLD_SAME = """
SELECT FROM page_subscribers o JOIN page_subscribers s ON s.tenant_id = o.tenant_id AND s.page_id = o.page_id
    AND s.digest = o.digest
WHERE s.tenant_id = $1 AND s.id = $2 FOR UPDATE OF o
"""
# The subscription that it takes the place of: what that has heard of, this one has.
TAKE_OVER = """
UPDATE page_deliveries d SET subscriber_id = s.id
FROM page_subscribers s JOIN page_subscribers o ON o.tenant_id = s.tenant_id AND o.page_id = s.page_id
    AND o.digest = s.digest AND o.id <> s.id
WHERE s.tenant_id = $1 AND s.id = $2 AND d.tenant_id = o.tenant_id AND d.subscriber_id = o.id
"""
REPLACE = """
DELETE FROM page_subscribers o USING page_subscribers s
WHERE s.tenant_id = $1 AND s.id = $2 AND o.tenant_id = s.tenant_id AND o.page_id = s.page_id AND o.digest = s.digest
    AND o.id <> s.id
"""


async def confirm(conn: Connection, row: SubscriberRow) -> None:
    """They said yes. The caller holds the list and the row, which is pending and not over."""
    await conn.execute(HOLD_SAME, row.tenant_id, row.id)
    await conn.execute(TAKE_OVER, row.tenant_id, row.id)
    await conn.execute(REPLACE, row.tenant_id, row.id)
    await conn.execute(CONFIRM, row.tenant_id, row.id)


CHOOSE = "UPDATE page_subscribers SET component_ids = $3 WHERE tenant_id = $1 AND id = $2"


async def choose(
    conn: Connection, *, tenant_id: UUID, subscriber_id: UUID, component_ids: Sequence[UUID] | None
) -> None:
    """Tell them of these components from now on; None: of all."""
    await conn.execute(CHOOSE, tenant_id, subscriber_id, None if component_ids is None else list(component_ids))


END = """
WITH gone AS (
    DELETE FROM page_subscribers WHERE tenant_id = $1 AND id = $2 RETURNING tenant_id, page_id, confirmed_at
)
UPDATE page_watches w SET ended = ended + 1 FROM gone
WHERE w.tenant_id = gone.tenant_id AND w.page_id = gone.page_id AND gone.confirmed_at IS NOT NULL
"""


async def end_subscriber(conn: Connection, *, tenant_id: UUID, subscriber_id: UUID) -> None:
    """Nothing is left but a count; what it was owed goes along."""
    await conn.execute(END, tenant_id, subscriber_id)
