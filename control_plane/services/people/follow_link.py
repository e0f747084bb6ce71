"""Come in by a link alone: the first owner of a fresh installation, and invited people where there is no provider.

Nobody vouches for the address then. The person is one of their own, whom no provider's identity is ever matched with by
that address, so that no link holder can wait for its rightful owner.
"""

from __future__ import annotations

from control_plane.domain.tenants.people import read_email, shown_name
from control_plane.errors import Forbidden
from control_plane.services.installation.identity import new_id
from control_plane.services.people.admit_person import link_over, take_invitation, take_setup
from control_plane.services.people.open_session import Browser, open_member_session
from control_plane.store import invitations, members, tenants, users
from control_plane.store.pool import Database
from shared.ids import TenantId


async def name_by_setup(database: Database, *, link: bytes, tenant_name: str) -> None:
    """Name the tenant before its owner is known. Raises NotFound LINK_OVER, BadRequest for an empty name."""
    async with database.app_transaction() as conn:
        setup = await invitations.find_setup(conn, digest=link)
        if setup is None:
            raise link_over()
        await tenants.update(conn, tenant_id=setup.tenant_id, name=shown_name(tenant_name, ""))


async def follow_setup(
    database: Database, *, link: bytes, tenant_name: str, name: str, email: str, browser: Browser
) -> TenantId:
    """Name the tenant, become its owner. Raises BadRequest INVALID_EMAIL, NotFound LINK_OVER."""
    address = read_email(email)
    async with database.app_transaction() as conn:
        setup = await invitations.find_setup(conn, digest=link)
        if setup is None:
            raise link_over()
        user = await users.insert(
            conn, user_id=new_id(), email=address, email_proven=False, name=shown_name(name, address)
        )
        await take_setup(conn, setup.tenant_id, link, user_id=user.id, email=address)
        if named := shown_name(tenant_name, ""):
            await tenants.update(conn, tenant_id=setup.tenant_id, name=named)
        await open_member_session(conn, tenant_id=setup.tenant_id, user_id=user.id, browser=browser)
    return setup.tenant_id


async def follow_invitation(database: Database, *, link: bytes, name: str, browser: Browser) -> TenantId:
    """Accept an invitation without a provider. Raises NotFound LINK_OVER, Refused QUOTA_EXCEEDED.

    A member who came in like this before, by an invitation to the same address, comes back as who they are.
    """
    async with database.app_transaction() as conn:
        invitation = await invitations.find_open(conn, digest=link)
        if invitation is None:
            raise link_over()
        tenant_id, address = invitation.tenant_id, invitation.email
        known = await members.find_by_email(conn, tenant_id=tenant_id, email=address)
        if known is not None and known.email_proven:
            raise Forbidden("You are a member already: sign in with your provider", code="ALREADY_MEMBER")
        if known is not None:
            user_id = known.id
        else:
            user_id = new_id()
            await users.insert(conn, user_id=user_id, email=address, email_proven=False, name=shown_name(name, address))
        await take_invitation(conn, invitation, user_id=user_id)
        await open_member_session(conn, tenant_id=tenant_id, user_id=user_id, browser=browser)
    return tenant_id
