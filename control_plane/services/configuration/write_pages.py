"""Write the status pages of a configuration file, inside the transaction of whoever applies it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import UNSET, structs

from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import FarwatchError
from control_plane.services.configuration.plan_steps import WRITES, PageStep
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.services.pages.page_rows import (
    component_of,
    component_values,
    page_values,
    release_domain,
    require_proof,
)
from control_plane.store import page_components, page_configuration, status_pages
from control_plane.store.pool import Connection, Database, told
from shared.ids import TenantId


async def prepare_pages(database: Database, steps: Sequence[PageStep]) -> list[PageStep]:
    """What takes time, or transactions of its own: digests of new passwords, domains whose proof is gone."""
    prepared = []
    for step in steps:
        if step.after is not None and (step.row is None or step.row.custom_domain != step.after.custom_domain):
            await release_domain(database, step.after.custom_domain)
        if step.password is not UNSET:
            digest = None if step.password is None else await hash_page_password(step.password)
            step = structs.replace(step, digest=digest)  # noqa: PLW2901
        prepared.append(step)
    return prepared


def shown_monitors(steps: Sequence[PageStep]) -> list[UUID]:
    """The monitors that pages to be written show now, or will. Those that are new are among them."""
    written = [step for step in steps if step.change.action in WRITES]
    return [
        *(row.monitor_id for step in written for row in step.stored),
        *(placed.monitor_id for step in written for placed in step.components),
    ]


async def hold_pages(conn: Connection, steps: Sequence[PageStep], *, tenant_id: TenantId) -> None:
    """Lock those that will be written."""
    ids = [step.row.id for step in steps if step.row is not None and step.change.action in WRITES]
    await page_configuration.hold_pages(conn, tenant_id=tenant_id, ids=ids)


async def write_pages(
    conn: Connection,
    steps: Sequence[PageStep],
    *,
    tenant_id: TenantId,
    terms: PlanTerms,
    new_id: Callable[[], UUID],
    write_source: str,
) -> None:
    """Delete, create and change them, once what they show is there.

    Raises Refused QUOTA_EXCEEDED, DOMAIN_UNVERIFIED, Conflict SLUG_TAKEN, CUSTOM_DOMAIN_TAKEN at the entry's place.
    """
    pages = [step.row.id for step in steps if step.row is not None and step.change.action in WRITES]
    await page_configuration.hold_components(conn, tenant_id=tenant_id, page_ids=pages)
    for step in steps:
        if step.change.action == "delete" and step.row is not None:
            await status_pages.delete_page(conn, tenant_id=tenant_id, page_id=step.row.id)
    written = [step for step in steps if step.after is not None]
    await _free_domains(conn, written, tenant_id=tenant_id)
    for step in written:
        try:
            with told():
                await _write(conn, step, tenant_id=tenant_id, new_id=new_id, write_source=write_source)
        except FarwatchError as error:
            error.field = f"{step.change.pointer or ''}{error.field or ''}"
            raise
    await _require_room(conn, written, tenant_id=tenant_id, terms=terms)


async def _write(
    conn: Connection, step: PageStep, *, tenant_id: TenantId, new_id: Callable[[], UUID], write_source: str
) -> None:
    after, row, page_id = step.after, step.row, step.change.id
    assert after is not None
    assert page_id is not None
    if row is None or row.custom_domain != after.custom_domain:
        await require_proof(conn, tenant_id=tenant_id, domain=after.custom_domain)
    write = page_values(
        structs.replace(after, key=step.change.key), password_digest=step.digest, write_source=write_source
    )
    if row is None:
        await status_pages.insert_page(conn, tenant_id=tenant_id, page_id=page_id, write=write)
    else:
        await status_pages.update_page(conn, tenant_id=tenant_id, page_id=page_id, write=write)
    await _write_components(conn, step, page_id, tenant_id=tenant_id, new_id=new_id, write_source=write_source)


async def _write_components(
    conn: Connection,
    step: PageStep,
    page_id: UUID,
    *,
    tenant_id: TenantId,
    new_id: Callable[[], UUID],
    write_source: str,
) -> None:
    """Take off what is listed no more, change what is shown otherwise, add what is new, put all of it in order."""
    stored = {row.monitor_id: row for row in step.stored}
    listed = {placed.monitor_id: placed.config for placed in step.components}
    gone = [row.id for monitor_id, row in stored.items() if monitor_id not in listed]
    if gone:
        await page_configuration.delete_components(conn, tenant_id=tenant_id, page_id=page_id, ids=gone)
    for monitor_id, row in stored.items():
        config = listed.get(monitor_id)
        if config is not None and config != component_of(row):
            await page_components.update_component(
                conn,
                tenant_id=tenant_id,
                page_id=page_id,
                component_id=row.id,
                write=component_values(config, write_source=write_source),
            )
    ids = {monitor_id: stored[monitor_id].id if monitor_id in stored else new_id() for monitor_id in listed}
    new = [
        (ids[one], one, component_values(listed[one], write_source=write_source)) for one in listed if one not in stored
    ]
    await page_configuration.insert_components(conn, tenant_id=tenant_id, page_id=page_id, components=new)
    if [*ids.values()] != [*(row.id for row in step.stored if row.monitor_id in listed), *(one for one, _, _ in new)]:
        await page_components.place_components(
            conn, tenant_id=tenant_id, page_id=page_id, ids=[*ids.values()], write_source=write_source
        )


async def _free_domains(conn: Connection, steps: Sequence[PageStep], *, tenant_id: TenantId) -> None:
    """Domains that move from page to page within the file are nobody's in between."""
    wanted = {step.after.custom_domain: step.change.id for step in steps if step.after is not None}
    moved = [s.row.id for s in steps if s.row is not None and wanted.get(s.row.custom_domain, s.row.id) != s.row.id]
    if moved:
        await page_configuration.free_domains(conn, tenant_id=tenant_id, ids=moved)


async def _require_room(conn: Connection, steps: Sequence[PageStep], *, tenant_id: TenantId, terms: PlanTerms) -> None:
    new = sum(step.row is None for step in steps)
    if new:
        there = await status_pages.count_pages(conn, tenant_id=tenant_id)
        require_room(terms, "status_pages", current=there - new, more=new)
    if steps:
        shown = await page_components.count_public_monitors(conn, tenant_id=tenant_id)
        require_room(terms, "public_components", current=shown, more=0)
