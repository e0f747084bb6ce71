"""What a fresh installation is given: a tenant, a key, a setup link, and on request private regions with agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from control_plane.domain.tenants.credentials import SCOPES
from control_plane.domain.tenants.people import SETUP_FOR, link_digest
from control_plane.services.fleet.create_region import write_region
from control_plane.services.fleet.issue_probe_key import write_agent
from control_plane.services.installation.identity import new_id
from control_plane.services.people.invite_member import new_token
from control_plane.services.tenants.issue_api_key import write_key
from control_plane.store import invitations, tenants
from control_plane.store.pool import Database
from shared.ids import TenantId

TENANT_NAME = "Home"
KEY_LABEL = "First key"


class RegionDefinition(Struct, frozen=True):
    """A private region to make. `allow_cidrs` are otherwise blocked ranges that its agents may reach."""

    slug: str
    name: str
    allow_cidrs: tuple[str, ...] = ()
    city: str | None = None
    country: str | None = None
    agent_name: str = "agent-1"


class FirstRun(Struct, frozen=True):
    """What was made. The keys and the token of the setup link, /setup/{token}, are here and nowhere else."""

    tenant_id: TenantId
    api_key: str
    probe_keys: Mapping[str, str]
    """By the region's slug."""
    setup_token: str = ""


async def ensure_first_tenant(
    database: Database, *, pepper: bytes, regions: Sequence[RegionDefinition] = ()
) -> FirstRun | None:
    """Make the first tenant, or None when there is one. Of several processes that ask at once, one makes it."""
    async with database.app_transaction() as conn:
        await tenants.hold_first_run(conn)
        if await tenants.exist(conn):
            return None
        tenant_id = TenantId(new_id())
        await tenants.insert(conn, tenant_id=tenant_id, name=TENANT_NAME, plan="unlimited")
        issued = await write_key(conn, tenant_id, label=KEY_LABEL, scopes=SCOPES, pepper=pepper)
        token = new_token()
        digest = link_digest(token, pepper)
        await invitations.insert_setup(conn, tenant_id=tenant_id, digest=digest, lasts=SETUP_FOR)
        probe_keys = {}
        for region in regions:
            fields = {
                "name": region.name,
                "city": region.city,
                "country": region.country,
                "allow_cidrs": region.allow_cidrs,
            }
            region_id = await write_region(conn, slug=region.slug, tenant_id=tenant_id, fields=fields)
            _, probe_keys[region.slug] = await write_agent(
                conn, region_id=region_id, name=region.agent_name, pepper=pepper
            )
        return FirstRun(tenant_id=tenant_id, api_key=issued.key, probe_keys=probe_keys, setup_token=token)
