"""Put many monitors on a status page at once, and give a heading another name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.pages.page_rules import MOST_COMPONENTS
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import Refused
from control_plane.services.pages.page_rows import held_page
from control_plane.store import page_components, page_editing, tenants
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class Chosen(Struct, frozen=True, kw_only=True):
    """Monitors for a page, in their order. `own_groups`: under their groups; what has none is under `group`."""

    monitor_ids: Sequence[UUID]
    own_groups: bool = False
    group: str | None = None


async def place_monitors(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    chosen: Chosen,
    new_id: Callable[[], UUID],
    terms: PlanTerms,
    write_source: str,
) -> int:
    """How many were put on the page: what is on it already, and what is no monitor, is left out.

    Raises NotFound STATUS_PAGE_NOT_FOUND, BadRequest INVALID_GROUP, Refused PAGE_FULL, QUOTA_EXCEEDED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        await held_page(conn, tenant_id=tenant_id, page_id=page_id)
        return await place_chosen(
            conn, tenant_id=tenant_id, page_id=page_id, chosen=chosen, new_id=new_id, terms=terms,
            write_source=write_source,
        )  # fmt: skip


async def place_chosen(
    conn: Connection,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    chosen: Chosen,
    new_id: Callable[[], UUID],
    terms: PlanTerms,
    write_source: str,
) -> int:
    """The same in a transaction that holds the page."""
    group = None if chosen.group is None else read_heading(chosen.group)
    monitors = list(dict.fromkeys(chosen.monitor_ids))
    put = await page_editing.place_monitors(
        conn, tenant_id=tenant_id, page_id=page_id, ids=[new_id() for _ in monitors], monitor_ids=monitors,
        own_groups=chosen.own_groups, group=group, write_source=write_source,
    )  # fmt: skip
    if await page_components.count_components(conn, tenant_id=tenant_id, page_id=page_id) > MOST_COMPONENTS:
        raise Refused(f"A page has at most {MOST_COMPONENTS} components: make another page", code="PAGE_FULL")
    await tenants.hold_counters(conn, tenant_id=tenant_id)
    shown = await page_components.count_public_monitors(conn, tenant_id=tenant_id)
    require_room(terms, "public_components", current=shown, more=0)
    return put


async def rename_heading(
    database: Database, *, tenant_id: TenantId, page_id: UUID, old: str, new: str, write_source: str
) -> None:
    """All that stands under `old` stands under `new`; empty: under no heading.

    Raises NotFound STATUS_PAGE_NOT_FOUND, BadRequest INVALID_GROUP.
    """
    name = read_heading(new) if new else None
    async with database.tenant_transaction(tenant_id) as conn:
        await held_page(conn, tenant_id=tenant_id, page_id=page_id)
        await page_editing.rename_heading(
            conn, tenant_id=tenant_id, page_id=page_id, old=old, new=name, write_source=write_source
        )


def read_heading(value: str) -> str:
    """Raises BadRequest INVALID_GROUP."""
    return field_rules.name(value, "/group", code="INVALID_GROUP")
