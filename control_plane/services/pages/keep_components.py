"""Put monitors on a status page, change how they are shown, put them in order, take them off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from msgspec import structs

from control_plane.domain.field_rules import refuse
from control_plane.domain.pages.page_rules import MOST_COMPONENTS, read_component, read_order
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import Refused
from control_plane.services.pages.page_rows import component_of, component_values, held_component, held_page
from control_plane.store import manage_keys, page_components, status_pages, tenants, uptime_reads
from control_plane.store.page_components import ComponentRow
from control_plane.store.pool import Connection, Database
from control_plane.store.status_pages import PageRow
from control_plane.store.tenants import ANONYMOUS
from shared.ids import TenantId


async def add_component(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    component_id: UUID,
    terms: PlanTerms,
    body: Mapping[str, Any],
    write_source: str,
) -> ComponentRow:
    """The component, last on its page.

    Raises BadRequest as domain/page_rules says and INVALID_MONITOR, NotFound STATUS_PAGE_NOT_FOUND,
    Conflict COMPONENT_ON_PAGE, Refused QUOTA_EXCEEDED, PAGE_FULL.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        page = await held_page(conn, tenant_id=tenant_id, page_id=page_id)
        config = read_component(body, stored=None)
        monitor_id, name = await _monitor(conn, body, tenant_id=tenant_id)
        config = structs.replace(config, name=config.name or name)
        if page.components >= MOST_COMPONENTS:
            raise Refused(f"A page has at most {MOST_COMPONENTS} components: make another page", code="PAGE_FULL")
        await page_components.insert_component(
            conn, tenant_id=tenant_id, component_id=component_id, page_id=page_id, monitor_id=monitor_id,
            write=component_values(config, write_source=write_source),
        )  # fmt: skip
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        shown = await page_components.count_public_monitors(conn, tenant_id=tenant_id)
        require_room(terms, "public_components", current=shown, more=0)
        return await _read(conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id)


async def change_component(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    component_id: UUID,
    body: Mapping[str, Any],
    write_source: str,
    check_revision: Callable[[int], None],
) -> ComponentRow:
    """Merge the body (RFC 7396) onto the component; one that changes nothing writes nothing.

    Raises what `held_component` and domain/page_rules raise.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        row = await held_component(
            conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id, check_revision=check_revision
        )
        before = component_of(row)
        after = read_component(body, stored=before)
        if after == before:
            return row
        await page_components.update_component(
            conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id,
            write=component_values(after, write_source=write_source),
        )  # fmt: skip
        return await _read(conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id)


async def remove_component(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    component_id: UUID,
    check_revision: Callable[[int], None],
) -> None:
    """Raises what `held_component` raises. The monitor stays."""
    async with database.tenant_transaction(tenant_id) as conn:
        await held_component(
            conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id, check_revision=check_revision
        )
        await page_components.delete_component(conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id)


async def reorder_components(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    order: object,
    write_source: str,
    check_revision: Callable[[int], None],
) -> tuple[PageRow, list[ComponentRow]]:
    """The page and its components in their new order. `check_revision` is asked about the page's.

    Raises NotFound STATUS_PAGE_NOT_FOUND, BadRequest INVALID_ORDER.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        page = await held_page(conn, tenant_id=tenant_id, page_id=page_id, check_revision=check_revision)
        rows = await page_components.list_components(conn, tenant_id=tenant_id, page_id=page_id)
        ids = read_order(order, known=[row.id for row in rows])
        if ids == [row.id for row in rows]:
            return page, rows
        await page_components.place_components(
            conn, tenant_id=tenant_id, page_id=page_id, ids=ids, write_source=write_source
        )
        await status_pages.touch_page(conn, tenant_id=tenant_id, page_id=page_id, write_source=write_source)
        touched = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
        assert touched is not None
        return touched, await page_components.list_components(conn, tenant_id=tenant_id, page_id=page_id)


async def _monitor(conn: Connection, body: Mapping[str, Any], *, tenant_id: TenantId) -> tuple[UUID, str]:
    """The monitor that a body names, and its name. Raises BadRequest MISSING_FIELD, INVALID_MONITOR."""
    given = body.get("monitor_id")
    if given is None:
        refuse("MISSING_FIELD", "monitor_id is missing: the id of the monitor that feeds the component", "/monitor_id")
    ids = [monitor_id] if (monitor_id := _uuid(given)) else []
    if tenant_id == ANONYMOUS:  # of strangers, only what they show to everybody
        ids = [*await manage_keys.public_among(conn, tenant_id=tenant_id, monitor_ids=ids)]
    found = await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=ids)
    if not found:
        refuse("INVALID_MONITOR", "there is no such monitor", "/monitor_id")
    return found[0].id, found[0].name


def _uuid(given: object) -> UUID | None:
    try:
        return UUID(given) if isinstance(given, str) else None
    except ValueError:
        return None


async def _read(conn: Connection, *, tenant_id: TenantId, page_id: UUID, component_id: UUID) -> ComponentRow:
    row = await page_components.get_component(conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id)
    assert row is not None
    return row
