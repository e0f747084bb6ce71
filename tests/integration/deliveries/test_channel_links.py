"""Codes that connect a channel: shown once, kept as digests, used once, of one tenant."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from control_plane.domain.channels.channel_link import MAX_PENDING, Purpose
from control_plane.errors import Forbidden, NotFound, Refused
from control_plane.notify import every_transport
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.channel_config import Prepared
from control_plane.services.alerting.create_linked_channel import Passage, create_linked_channel
from control_plane.services.alerting.link_codes import Minted, find_code, mint_code, revoke_code
from control_plane.store import channel_links, channels
from control_plane.store.channel_links import ChannelLink
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.outbox import SEALER
from tests.support.seed import PEPPER

RUN_OUT = "UPDATE channel_links SET expires_at = now() - interval '1 second'"
SUSPEND = "UPDATE tenants SET suspended_at = now()"
AUDIT = "SELECT actor_kind, actor, source, operation, action, object_kind, changes::text FROM audit ORDER BY id"
HOOK = {"type": "webhook", "url": "https://ops.example.com/farwatch"}
PAGE = Passage(source="ui", operation="follow_delegation_link", address="192.0.2.7", trace_id="a1")


@pytest.fixture
async def acme(database: Database) -> TenantId:
    async with database.app_transaction() as conn:
        return await seed.a_tenant(conn)


async def minted(database: Database, tenant_id: TenantId, purpose: Purpose = "delegate", **over: Any) -> Minted:
    asked: dict[str, Any] = {"name": "On call", "created_by": "Ana", **over}
    return await mint_code(
        database, tenant_id=tenant_id, link_id=seed.new_id(), purpose=purpose, pepper=PEPPER, **asked
    )


async def used(database: Database, code: str, *, prepared: Prepared | None = None) -> ChannelRow:
    link = await find_code(database, code, purposes=("delegate",), pepper=PEPPER)
    assert link is not None
    return await create_linked_channel(
        database,
        link,
        sealer=SEALER,
        channel_id=seed.new_id(),
        prepared=prepared or channel_config.prepare(HOOK, every_transport()),
        called="Told by the other side",
        passage=PAGE,
    )


async def read(database: Database, tenant_id: TenantId, made: Minted) -> ChannelLink:
    async with database.tenant(tenant_id) as conn:
        found = await channel_links.get(conn, tenant_id=tenant_id, purpose="delegate", link_id=made.link.id)
    assert found is not None
    return found


async def test_a_code_makes_one_channel_and_tells_which(database: Database, acme: TenantId) -> None:
    made = await minted(database, acme)
    assert made.link.state == "pending"
    channel = await used(database, made.code)
    assert (channel.name, channel.kind, channel.write_source) == ("On call", "webhook", "ui")
    after = await read(database, acme, made)
    assert (after.state, after.channel_id) == ("consumed", channel.id)
    assert await find_code(database, made.code, purposes=("delegate",), pepper=PEPPER) is None


async def test_of_many_that_use_a_code_at_once_one_makes_a_channel(database: Database, acme: TenantId) -> None:
    made = await minted(database, acme)
    tries = await asyncio.gather(*(used(database, made.code) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, ChannelRow) for each in tries) == 1
    others = [each for each in tries if not isinstance(each, ChannelRow)]
    assert all(isinstance(each, NotFound | AssertionError) for each in others), others
    async with database.tenant(acme) as conn:
        assert await channels.count_channels(conn, tenant_id=acme) == 1


async def test_only_a_digest_is_kept(database: Database, acme: TenantId) -> None:
    made = await minted(database, acme)
    async with database.app() as conn:
        rows = [str(dict(row)) for row in await conn.fetch("SELECT * FROM channel_links")]
    assert not any(made.code in row for row in rows)


async def test_a_code_that_ran_out_was_revoked_or_is_of_a_suspended_tenant_leads_nowhere(
    database: Database, acme: TenantId
) -> None:
    revoked, too_old = await minted(database, acme), await minted(database, acme)
    await revoke_code(database, tenant_id=acme, purpose="delegate", link_id=revoked.link.id)
    assert (await read(database, acme, revoked)).state == "expired"
    assert await find_code(database, revoked.code, purposes=("delegate",), pepper=PEPPER) is None
    link = await find_code(database, too_old.code, purposes=("delegate",), pepper=PEPPER)
    async with database.app_transaction() as conn:
        await conn.execute(RUN_OUT)
    assert link is not None
    assert await find_code(database, too_old.code, purposes=("delegate",), pepper=PEPPER) is None
    with pytest.raises(NotFound, match="used before, or is too old"):
        await create_linked_channel(
            database,
            link,
            sealer=SEALER,
            channel_id=seed.new_id(),
            prepared=channel_config.prepare(HOOK, every_transport()),
            called=None,
            passage=PAGE,
        )
    fresh = await minted(database, acme)
    async with database.app_transaction() as conn:
        await conn.execute(SUSPEND)
    assert await find_code(database, fresh.code, purposes=("delegate",), pepper=PEPPER) is None


async def test_a_code_counts_for_its_purpose_and_kind_only(database: Database, acme: TenantId) -> None:
    made = await minted(database, acme, "telegram")
    assert await find_code(database, made.code, purposes=("delegate", "whatsapp"), pepper=PEPPER) is None
    for kind, found in (("telegram_app", True), ("webhook", False)):
        link = await find_code(database, made.code, purposes=("telegram",), pepper=PEPPER, kind=kind)
        assert (link is not None) is found
    narrow = await minted(database, acme, kind="email")
    with pytest.raises(NotFound):
        await used(database, narrow.code)


async def test_eleven_codes_are_not_outstanding_at_once(database: Database, acme: TenantId) -> None:
    asked = [minted(database, acme) for _ in range(MAX_PENDING + 3)]
    tries = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in tries if isinstance(each, Refused)]
    assert {each.code for each in refused} == {"DELEGATE_LINK_LIMIT"}
    assert len(refused) == 3
    await minted(database, acme, "telegram")  # another purpose has room of its own
    async with database.app_transaction() as conn:
        await conn.execute(RUN_OUT)
    await minted(database, acme)


async def test_a_taken_name_gets_a_number(database: Database, acme: TenantId) -> None:
    names = [(await used(database, (await minted(database, acme)).code)).name for _ in range(3)]
    assert names == ["On call", "On call (2)", "On call (3)"]
    nameless = await minted(database, acme, name=None)
    assert (await used(database, nameless.code)).name == "Told by the other side"


async def test_the_plan_binds_who_comes_with_a_code(database: Database, acme: TenantId) -> None:
    async with database.app_transaction() as conn:
        await conn.execute("""UPDATE tenants SET overrides = '{"features": {"channel_kinds": ["ntfy"]}}'""")
    made = await minted(database, acme)
    with pytest.raises(Forbidden):
        await used(database, made.code)
    async with database.app_transaction() as conn:
        await conn.execute("""UPDATE tenants SET overrides = '{"quotas": {"channels": 0}}'""")
    with pytest.raises(Refused) as refused:
        await used(database, made.code)
    assert refused.value.code == "QUOTA_EXCEEDED"
    assert (await read(database, acme, made)).state == "pending", "what was refused uses no code up"


async def test_the_audit_log_tells_which_link_made_the_channel(database: Database, acme: TenantId) -> None:
    made = await minted(database, acme)
    await used(database, made.code)
    async with database.app() as conn:
        entries = [tuple(row) for row in await conn.fetch(AUDIT)]
    assert [entry[:6] for entry in entries] == [
        ("link", "delegation link of Ana", "ui", "follow_delegation_link", "created", "channel"),
        ("link", "delegation link of Ana", "ui", "follow_delegation_link", "updated", "channel_link"),
    ]
