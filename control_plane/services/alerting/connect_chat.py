"""Add to Slack, Add to Discord: off to the vendor, and back with a webhook that becomes a channel.

Who sets out is remembered for ten minutes, counts once and in one browser: a session of the dashboard, or whoever holds
a delegation link. The tenant is known from there alone, never from what comes back.
"""

from __future__ import annotations

import secrets
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.channels import channel_link, channel_rules
from control_plane.domain.tenants.people import SIGNING_IN_FOR, link_digest
from control_plane.domain.tenants.plan import PlanTerms
from control_plane.errors import BadRequest, Forbidden, NotFound, Unavailable
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.ask_chat import TITLES, Granted, authorize_url, connects_of
from control_plane.services.alerting.channel_config import Prepared, Transports
from control_plane.services.alerting.create_channel import place_channel
from control_plane.services.alerting.create_linked_channel import Passage, create_linked_channel, link_over
from control_plane.settings import Settings
from control_plane.store import channel_links, channels, sessions, tenants
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Database
from control_plane.store.sessions import LoginState
from shared.ids import TenantId


class Asker(Struct, frozen=True):
    """Who connects: a session of the dashboard by its digest, or a delegation link by its code's digest."""

    tenant_id: TenantId
    session: bytes | None = None
    link: bytes | None = None


async def begin_connect(
    database: Database, settings: Settings, asker: Asker, *, sealer: Sealer, kind: str, browser: bytes
) -> str:
    """Where to send the browser. Raises NotFound when the installation has no app of that kind.

    `browser`: the digest that web/browser.begin_sign_in marked it with; it has to come back with the same mark.
    """
    if kind not in connects_of(settings):
        raise NotFound("This installation cannot connect that by one click")
    state = secrets.token_urlsafe(32)
    digest = _digest(state, settings)
    told = msgspec.msgpack.encode((asker.tenant_id.bytes, asker.session))
    sealed = sealer.seal(told, context=_context(digest))
    remembered = LoginState(provider=_provider(kind), sealed=sealed, next="", link=asker.link)
    async with database.app() as conn:
        await sessions.insert_login(conn, digest=digest, browser=browser, state=remembered, lasts=SIGNING_IN_FOR)
    return authorize_url(settings, kind, state=state)


async def take_connect(
    database: Database, settings: Settings, *, sealer: Sealer, kind: str, state: str, browser: bytes | None
) -> Asker:
    """Who set out with this state from this browser, once. Raises Forbidden CONNECT_STALE."""
    digest, found = _digest(state, settings), None
    if browser is not None:
        async with database.app() as conn:
            found = await sessions.take_login(conn, digest=digest, browser=browser, provider=_provider(kind))
    if found is None:
        raise stale()
    try:
        told = sealer.open(found.sealed, context=_context(digest))
    except UnsealError:  # the key was taken away meanwhile
        raise stale() from None
    tenant_id, session = msgspec.msgpack.decode(told, type=tuple[bytes, bytes | None])
    return Asker(TenantId(UUID(bytes=tenant_id)), session, found.link)


async def finish_connect(
    database: Database,
    granted: Granted,
    *,
    sealer: Sealer,
    transports: Transports,
    tenant_id: TenantId,
    channel_id: UUID,
    terms: PlanTerms,
) -> ChannelRow:
    """The channel of a session's tenant. The caller has looked at what the session may. Raises as create_channel does,
    and Unavailable CONNECT_UNAVAILABLE when the vendor has handed out what is no webhook of its own.

    The tenant's counters are held while a free name is looked for, so that two at once get two names.
    """
    prepared = prepare_granted(granted, transports)
    wanted = channel_link.shown_name(granted.called)
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        taken = await channels.names(conn, tenant_id=tenant_id)
        return await place_channel(
            conn,
            sealer=sealer,
            tenant_id=tenant_id,
            channel_id=channel_id,
            terms=terms,
            name=channel_link.free_name(wanted, taken),
            prepared=prepared,
            enabled=True,
            write_source="ui",
        )


async def finish_delegated(
    database: Database,
    granted: Granted,
    *,
    sealer: Sealer,
    transports: Transports,
    link: bytes,
    channel_id: UUID,
    passage: Passage,
) -> ChannelRow:
    """The one channel of a delegation link, which is used up with it. Raises NotFound CHANNEL_LINK_OVER, and as
    create_linked_channel does.
    """
    prepared = prepare_granted(granted, transports)
    async with database.app() as conn:
        found = await channel_links.find_open(conn, digest=link, purposes=("delegate",))
    if found is None:
        raise link_over()
    return await create_linked_channel(
        database,
        found,
        sealer=sealer,
        channel_id=channel_id,
        prepared=prepared,
        called=granted.called,
        passage=passage,
    )


def prepare_granted(granted: Granted, transports: Transports) -> Prepared:
    """What the vendor has handed out, under the rules of its kind."""
    kind = granted.config["type"]
    try:
        channel_rules.refuse_mask(granted.config, pointer="/config")
        return channel_config.prepare(granted.config, transports)
    except BadRequest:
        message = f"{TITLES[kind]} answered with something else than a webhook of its own. Try again shortly"
        raise Unavailable(message, code="CONNECT_UNAVAILABLE") from None


def stale() -> Forbidden:
    """One answer for a state that is unknown, used, too old, or another browser's."""
    message = "This was not begun in this browser, took longer than ten minutes, or is over. Begin again"
    return Forbidden(message, code="CONNECT_STALE")


def _provider(kind: str) -> str:
    """No provider of identities can be called so."""
    return f"connect:{kind}"


def _digest(state: str, settings: Settings) -> bytes:
    return link_digest(state, settings.security.pepper.encode())


def _context(digest: bytes) -> str:
    return f"connect:{digest.hex()}"
