"""Let in somebody whom a provider vouched for: who is it, of which tenant are they a member, and with which session.

A person is known by the provider's issuer and subject. A new identity is somebody known already only if the provider
vouches for an address that this person proved before; an address that was merely said matches nobody.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.domain.tenants.credentials import Role
from control_plane.domain.tenants.people import is_of, shown_name
from control_plane.domain.tenants.plan import require_room
from control_plane.errors import Conflict, Forbidden, NotFound
from control_plane.services.installation.identity import new_id
from control_plane.services.people.open_session import Browser, open_member_session
from control_plane.store import invitations, members, plans, tenants, users
from control_plane.store.invitations import OpenInvitation
from control_plane.store.pool import Connection, Database
from control_plane.store.users import User
from shared.ids import TenantId


class Identity(Struct, frozen=True):
    """Whom a provider says somebody is. `email` is normalised, and None unless the provider vouches for it."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


class OpenDomains(Struct, frozen=True):
    """Whose addresses may enter without an invitation, as what, and where (None: the first tenant)."""

    domains: frozenset[str] = frozenset()
    role: Role = Role.VIEWER
    tenant_id: TenantId | None = None


async def admit_person(
    database: Database, identity: Identity, *, link: bytes | None, open_domains: OpenDomains, browser: Browser
) -> TenantId:
    """The tenant that they are signed in to. `link`: the digest of the invitation or setup link that led them here.

    Raises Forbidden NOT_A_MEMBER for a stranger, EMAIL_NOT_VERIFIED for one whose address nobody vouches for, and
    WRONG_EMAIL for an invitation to somebody else, ADDRESS_TAKEN for an address that another subject of that provider
    proved before; NotFound LINK_OVER; Refused QUOTA_EXCEEDED.
    """
    async with database.app_transaction() as conn:
        await users.hold_email(conn, email=identity.email or f"{identity.issuer} {identity.subject}")
        user = await _known(conn, identity)
        if link is None:
            user, tenant_id = await _enter(conn, identity, user, open_domains)
        else:
            user, tenant_id = await _follow(conn, identity, user, link)
        await users.note_identity(conn, issuer=identity.issuer, subject=identity.subject)
        await open_member_session(conn, tenant_id=tenant_id, user_id=user.id, browser=browser)
    return tenant_id


async def _known(conn: Connection, identity: Identity) -> User | None:
    found = await users.find_by_identity(conn, issuer=identity.issuer, subject=identity.subject)
    if found is not None or identity.email is None:
        return found
    found = await users.find_by_email(conn, email=identity.email)
    if found is not None:
        if await users.has_identity(conn, user_id=found.id, issuer=identity.issuer):
            message = (
                f"{identity.email} belongs to another account of your provider. Ask an owner to remove that member"
            )
            raise Forbidden(message, code="ADDRESS_TAKEN")  # addresses are given to new people, subjects are not
        await users.add_identity(conn, issuer=identity.issuer, subject=identity.subject, user_id=found.id)
    return found


async def _enter(
    conn: Connection, identity: Identity, user: User | None, open_domains: OpenDomains
) -> tuple[User, TenantId]:
    """A member already, or somebody of an open domain."""
    entered = [] if user is None else await members.of_user(conn, user_id=user.id)
    if user is not None and entered:
        return user, entered[0].tenant_id
    if identity.email is None:
        raise _unproven()
    if not is_of(identity.email, open_domains.domains):
        message = f"{identity.email} is no member here. Ask an owner or an admin for an invitation"
        raise Forbidden(message, code="NOT_A_MEMBER")
    user = user or await _new_person(conn, identity, identity.email)
    tenant_id = open_domains.tenant_id or await tenants.first(conn)
    await _join(conn, tenant_id, user.id, role=open_domains.role, email=identity.email)
    return user, tenant_id


async def _follow(conn: Connection, identity: Identity, user: User | None, link: bytes) -> tuple[User, TenantId]:
    """Somebody with an invitation, or the owner-to-be with the setup link."""
    if identity.email is None:
        raise _unproven()
    setup = await invitations.find_setup(conn, digest=link)
    if setup is not None:
        user = user or await _new_person(conn, identity, identity.email)
        await take_setup(conn, setup.tenant_id, link, user_id=user.id, email=identity.email)
        return user, setup.tenant_id
    invitation = await invitations.find_open(conn, digest=link)
    if invitation is None:
        raise link_over()
    if invitation.email != identity.email:
        message = f"This invitation is to {invitation.email}, and you signed in as {identity.email}"
        raise Forbidden(message, code="WRONG_EMAIL")
    user = user or await _new_person(conn, identity, identity.email)
    await take_invitation(conn, invitation, user_id=user.id)
    return user, invitation.tenant_id


async def take_setup(conn: Connection, tenant_id: TenantId, link: bytes, *, user_id: UUID, email: str) -> None:
    """Become the first owner. Raises NotFound LINK_OVER when somebody was faster."""
    await tenants.lock(conn, tenant_id=tenant_id)
    owners = await members.count_owners(conn, tenant_id=tenant_id)
    if owners or not await invitations.use_setup(conn, tenant_id=tenant_id, digest=link):
        raise link_over()
    if await members.get(conn, tenant_id=tenant_id, user_id=user_id) is not None:
        await members.set_role(conn, tenant_id=tenant_id, user_id=user_id, role=Role.OWNER)
    else:
        await members.insert(conn, tenant_id=tenant_id, user_id=user_id, role=Role.OWNER, email=email)


async def take_invitation(conn: Connection, invitation: OpenInvitation, *, user_id: UUID) -> None:
    """Become a member by it. A member already keeps their role. Raises NotFound LINK_OVER, Refused QUOTA_EXCEEDED."""
    tenant_id = invitation.tenant_id
    await tenants.lock(conn, tenant_id=tenant_id)
    if not await invitations.accept(conn, tenant_id=tenant_id, invitation_id=invitation.id, user_id=user_id):
        raise link_over()
    if await members.get(conn, tenant_id=tenant_id, user_id=user_id) is None:
        await _join(conn, tenant_id, user_id, role=invitation.role, email=invitation.email)


def link_over() -> NotFound:
    """What a link is answered that does not count, whatever the reason."""
    return NotFound(
        "This link was used, revoked, or is too old. Ask whoever gave it to you for another", code="LINK_OVER"
    )


async def _join(conn: Connection, tenant_id: TenantId, user_id: UUID, *, role: Role, email: str) -> None:
    if await tenants.lock(conn, tenant_id=tenant_id) is None:
        raise Conflict("The tenant that auth.domain_tenant names is not there", code="TENANT_NOT_FOUND")
    terms = await plans.read_terms(conn, tenant_id=tenant_id)
    require_room(terms, "members", current=await members.count(conn, tenant_id=tenant_id))
    await members.insert(conn, tenant_id=tenant_id, user_id=user_id, role=role, email=email)


async def _new_person(conn: Connection, identity: Identity, email: str) -> User:
    user = await users.insert(
        conn, user_id=new_id(), email=email, email_proven=True, name=shown_name(identity.name, email)
    )
    await users.add_identity(conn, issuer=identity.issuer, subject=identity.subject, user_id=user.id)
    return user


def _unproven() -> Forbidden:
    message = "Your provider does not vouch for your e-mail address. Confirm it there, then sign in again"
    return Forbidden(message, code="EMAIL_NOT_VERIFIED")
