"""Status pages between their rows and what people write."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from control_plane.domain.pages.page_rules import ComponentConfig, PageConfig
from control_plane.errors import NotFound, Refused
from control_plane.store import page_components, status_pages
from control_plane.store.acting import acting
from control_plane.store.page_components import ComponentRow, ComponentWrite
from control_plane.store.pool import Connection, Database
from control_plane.store.status_pages import PageRow, PageWrite
from shared.ids import TenantId


def config_of(row: PageRow) -> PageConfig:
    return PageConfig(**{name: getattr(row, name) for name in PageConfig.__struct_fields__})


def page_values(config: PageConfig, *, password_digest: str | None, write_source: str) -> PageWrite:
    fields = {name: getattr(config, name) for name in PageConfig.__struct_fields__}
    fields["branding"] = dict(config.branding)
    return PageWrite(**fields, password_digest=password_digest, write_source=write_source)


def component_of(row: ComponentRow) -> ComponentConfig:
    return ComponentConfig(**{name: getattr(row, name) for name in ComponentConfig.__struct_fields__})


def component_values(config: ComponentConfig, *, write_source: str) -> ComponentWrite:
    fields = {name: getattr(config, name) for name in ComponentConfig.__struct_fields__}
    return ComponentWrite(**fields, write_source=write_source)


def unknown_page() -> NotFound:
    return NotFound("There is no such status page", code="STATUS_PAGE_NOT_FOUND")


async def held_page(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, check_revision: Callable[[int], None] | None = None
) -> PageRow:
    """The page, locked until commit. Raises NotFound STATUS_PAGE_NOT_FOUND, and what `check_revision` raises."""
    row = await status_pages.hold_page(conn, tenant_id=tenant_id, page_id=page_id)
    if row is None:
        raise unknown_page()
    if check_revision is not None:
        check_revision(row.revision)
    return row


async def held_component(
    conn: Connection,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    component_id: UUID,
    check_revision: Callable[[int], None],
) -> ComponentRow:
    """The component of a page that is locked until commit.

    Raises NotFound STATUS_PAGE_NOT_FOUND, COMPONENT_NOT_FOUND, and what `check_revision` raises.
    """
    await held_page(conn, tenant_id=tenant_id, page_id=page_id)
    row = await page_components.get_component(conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id)
    if row is None:
        raise NotFound("There is no such component on this page", code="COMPONENT_NOT_FOUND")
    check_revision(row.revision)
    return row


async def release_domain(database: Database, domain: object) -> None:
    """Free the domain that a body asks for, if the page that has it may no longer be reached by it.

    It is Farwatch that does so: whose the page is must not learn who asked.
    """
    if not isinstance(domain, str) or "\x00" in domain:
        return
    with acting(None):
        async with database.app_transaction() as conn:
            await status_pages.release_domain(conn, domain=domain.strip().lower())


async def require_proof(conn: Connection, *, tenant_id: TenantId, domain: str | None) -> None:
    """Raise Refused DOMAIN_UNVERIFIED unless the tenant has proven the domain, or one above it."""
    if domain is None or await status_pages.proves_domain(conn, tenant_id=tenant_id, domain=domain):
        return
    raise unproven(domain)


def unproven(domain: str) -> Refused:
    message = f"{domain} is not proven to be yours: verify it, or a domain above it, first"
    return Refused(message, code="DOMAIN_UNVERIFIED", field="/custom_domain")
