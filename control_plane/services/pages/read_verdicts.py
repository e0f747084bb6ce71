"""What the heads of a tenant's pages say now, drafts as well: in two statements, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from control_plane.domain.pages.public_page import ComponentState
from control_plane.domain.pages.public_state import component_state, page_state
from control_plane.store import page_editing
from control_plane.store.pool import Connection
from shared.ids import TenantId


async def read_verdicts(
    conn: Connection, *, tenant_id: TenantId, page_ids: Sequence[UUID]
) -> dict[UUID, ComponentState]:
    """By page, as `read_public_page` has it."""
    shown = await page_editing.shown_on_pages(conn, tenant_id=tenant_id, page_ids=page_ids)
    declared = await page_editing.declared_on_pages(conn, tenant_id=tenant_id, page_ids=page_ids)
    states: dict[UUID, list[ComponentState]] = {each: [] for each in page_ids}
    severities: dict[UUID, list[str]] = {each: [] for each in page_ids}
    for one in shown:
        states[one.page_id].append(component_state(shown=one.shown, regions_up=one.regions_up))
    for page_id, severity in declared:
        severities[page_id].append(severity)
    return {each: page_state(states[each], declared=severities[each]) for each in page_ids}
