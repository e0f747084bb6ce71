"""Note a domain that a tenant says is its own, with the tokens that prove it."""

from __future__ import annotations

import secrets
from uuid import UUID

from control_plane.domain.safety.safety_domains import MAX_DOMAINS, read_domain
from control_plane.errors import Refused
from control_plane.store import domains, tenants
from control_plane.store.domains import DomainRow
from control_plane.store.pool import Database
from shared.ids import TenantId


async def add_domain(
    database: Database, *, tenant_id: TenantId, domain_id: UUID, domain: str
) -> tuple[DomainRow, bool]:
    """The domain, and whether it is new: adding one again is the one there is, with its tokens.

    Raises BadRequest INVALID_DOMAIN, Refused QUOTA_EXCEEDED.
    """
    name = read_domain(domain)
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        known = await domains.get_by_name(conn, tenant_id=tenant_id, domain=name)
        if known is not None:
            return known, False
        current = await domains.count_domains(conn, tenant_id=tenant_id)
        if current >= MAX_DOMAINS:
            details = {"quota": "domains", "current": current, "limit": MAX_DOMAINS}
            message = f"A tenant has at most {MAX_DOMAINS} domains: verify the apex, it covers its subdomains"
            raise Refused(message, code="QUOTA_EXCEEDED", details=details)
        made = await domains.insert_domain(
            conn,
            tenant_id=tenant_id,
            domain_id=domain_id,
            domain=name,
            path_token=secrets.token_hex(16),
            txt_token=f"farwatch-verify-{secrets.token_hex(20)}",
        )
    assert made is not None, "the counters are held"
    return made, True
