"""Whoever sends no credential, where the installation lets such people create something (anonymous.enabled)."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from control_plane.domain.tenants.credentials import key_digest
from control_plane.domain.tenants.plan import terms_of
from control_plane.store import manage_keys, tenants
from control_plane.store.manage_keys import AnonymousTenant
from control_plane.store.pool import Database
from control_plane.store.tenants import ANONYMOUS
from control_plane.web.browser import read_session
from control_plane.web.call import Deps
from control_plane.web.caller import TenantCaller


def is_nobody(request: web.Request, deps: Deps) -> bool:
    """Whether the request carries no credential of any kind, and that is allowed."""
    if not deps.settings.anonymous.enabled or "Authorization" in request.headers or "X-API-Key" in request.headers:
        return False
    return read_session(request, deps.settings) is None


async def nobody(request: web.Request, deps: Deps) -> TenantCaller:
    """A caller of the anonymous tenant who may create, and is counted by address. Its id tells no address."""
    pepper = deps.settings.security.pepper.encode()
    digest = key_digest(f"anonymous {deps.authenticator.counted_address(request)}", pepper)
    tenant = await _anonymous_tenant(deps.database)
    return TenantCaller(
        tenant_id=ANONYMOUS,
        key_id=UUID(bytes=digest[:16]),
        label="anonymous",
        scopes=frozenset({"monitors:write", "status-pages:write"}),
        terms=terms_of(tenant.terms),
        plan=tenant.plan,
        suspended=tenant.suspended,
        anonymous=True,
    )


async def _anonymous_tenant(database: Database) -> AnonymousTenant:
    async with database.app_transaction() as conn:
        found = await manage_keys.anonymous_tenant(conn, tenant_id=ANONYMOUS)
        if found is None:
            await tenants.ensure_anonymous(conn)
            found = await manage_keys.anonymous_tenant(conn, tenant_id=ANONYMOUS)
    assert found is not None, "it was just made"
    return found
