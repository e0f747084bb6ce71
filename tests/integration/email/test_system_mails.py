"""What the installation itself owes: sent once, tried again, wiped, and told to owners once for each spell."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from control_plane.domain.alerting.unsubscribe_link import unsubscribe_token
from control_plane.sealing import Sealer
from control_plane.services.alerting.owe_mails import owe_link_mail
from control_plane.services.alerting.send_system_mails import send_system_mails
from control_plane.services.safety.reseal import reseal
from control_plane.settings import Settings
from control_plane.store import system_mails
from control_plane.store.system_mails import MailEnd
from tests.support import seed
from tests.support.email_stage import ADDRESS, HOME, EmailStage, path_in
from tests.support.outbox import SEALER, WHOLE, working
from tests.support.receiver import a_receiver, answer
from tests.support.smtp_servers import Taken

ROWS = "SELECT * FROM system_mails ORDER BY created_at, id"
FALL_DUE = "UPDATE system_mails SET due_at = clock_timestamp() WHERE state = 'pending'"
LEASES_END = "UPDATE system_mails SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL"
A_USER = "INSERT INTO users (id, email, email_proven, name) VALUES ($1, $2, $3, $2)"
AN_OWNER = "INSERT INTO members (tenant_id, user_id, role, email) VALUES ($1, $2, $3, $4)"
WAITS = [15, 60, 300, 1800, 7200, 21600]


async def rows(stage: EmailStage) -> list[dict[str, object]]:
    async with stage.outbox.database.app() as conn:
        return [dict(row) for row in await conn.fetch(ROWS)]


async def a_member(stage: EmailStage, email: str, *, proven: bool = True, role: str = "owner") -> None:
    user_id = seed.new_id()
    async with stage.outbox.database.app_transaction() as conn:
        await conn.execute(A_USER, user_id, email, proven)
        await conn.execute(AN_OWNER, stage.outbox.tenant_id, user_id, role, email)


async def test_a_server_that_greylists_gets_it_again_under_the_same_message_id(stage: EmailStage) -> None:
    await stage.create()
    tried: list[Taken] = []

    def later(mail: Taken) -> str | None:
        tried.append(mail)
        return "451 4.7.1 greylisted, try later" if len(tried) == 1 else None

    stage.server.to_data = later
    assert await stage.send() == []
    [waiting] = await rows(stage)
    assert (waiting["state"], waiting["failures"]) == ("pending", 1)
    assert "greylisted" in str(waiting["last_error"])
    assert waiting["sealed"] is not None
    assert await stage.send() == [], "its time has not come"
    await stage.outbox.execute(FALL_DUE)
    [mail] = await stage.send()
    assert tried[0].message["Message-ID"] == mail.message["Message-ID"]
    [sent] = await rows(stage)
    assert (sent["state"], sent["sealed"]) == ("sent", None)


async def test_links_are_nowhere_to_be_read(stage: EmailStage) -> None:
    await stage.create()
    before = str(await rows(stage))
    [mail] = await stage.send()
    token = path_in(mail).rpartition("/")[2]
    found = before + str(await rows(stage))
    for table in ("channel_verifications", "channels", "audit"):
        async with stage.outbox.database.app() as conn:
            found += str([dict(row) for row in await conn.fetch(f"SELECT * FROM {table}")])
    assert token not in found


async def test_an_address_that_is_refused_for_good_is_given_up_and_wiped(stage: EmailStage) -> None:
    await stage.create()
    stage.server.to_rcpt = lambda _address: "550 5.1.1 no such user"
    await stage.send()
    [row] = await rows(stage)
    assert (row["state"], row["sealed"], row["failures"]) == ("dead", None, 1)
    assert "no such user" in str(row["last_error"])


async def test_the_schedule_is_that_of_alerts(stage: EmailStage) -> None:
    await stage.create()
    stage.server.to_data = lambda _mail: "452 no room"
    waits = []
    for _ in range(7):
        await stage.outbox.execute(FALL_DUE)
        await stage.send()
        due = await stage.outbox.value(
            "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM system_mails WHERE state = 'pending'"
        )
        waits.append(due)
    assert [pytest.approx(wait, abs=10) for wait in waits[:-1]] == WAITS
    assert waits[-1] is None
    [row] = await rows(stage)
    assert str(row["last_error"]).startswith("Given up after 7 attempts.")


async def test_a_worker_that_dies_after_the_mail_was_taken_is_followed_by_the_same_mail(stage: EmailStage) -> None:
    await stage.create()
    taken = asyncio.Event()

    async def then_hang() -> None:
        if not stage.server.taken:
            taken.set()
            await asyncio.Event().wait()

    stage.server.before_data = then_hang
    dying = asyncio.create_task(stage.send())
    await asyncio.wait_for(taken.wait(), 10)
    dying.cancel()
    await asyncio.wait([dying])
    stage.server.before_data = None
    assert await stage.send() == [], "its lease is still held"
    await stage.outbox.execute(LEASES_END)
    assert len(await stage.send()) == 1
    [row] = await rows(stage)
    assert (row["state"], row["attempts"], row["failures"]) == ("sent", 2, 0)


async def test_a_worker_that_comes_back_late_changes_nothing(stage: EmailStage) -> None:
    await stage.create()
    async with stage.outbox.database.app() as conn:
        [late] = await system_mails.claim(conn, token=uuid4(), lease=timedelta(0), most=4)
    assert len(await stage.send()) == 1
    async with stage.outbox.database.app_transaction() as conn:
        await system_mails.record(conn, late, MailEnd(state="dead", due_at=late.now, failed=True, error="late"))
    assert [row["state"] for row in await rows(stage)] == ["sent"]


async def test_workers_side_by_side_send_each_mail_once(stage: EmailStage) -> None:
    for number in range(12):
        await stage.create(f"a{number}@example.com", name=f"Channel {number}")
    await asyncio.gather(*(stage.send() for _ in range(4)))
    assert sorted(mail.recipients[0] for mail in stage.server.taken) == sorted(f"a{n}@example.com" for n in range(12))


async def test_without_a_mail_server_what_is_owed_waits(stage: EmailStage) -> None:
    await stage.create()
    made = await send_system_mails(stage.outbox.database, settings=Settings(), sealer=SEALER, jitter=lambda: 0.0)
    assert made == 0
    assert [row["attempts"] for row in await rows(stage)] == [0]


async def test_links_are_sealed_anew_when_keys_turn(stage: EmailStage) -> None:
    await stage.create()
    turned = Sealer({"k2": b"2" * 32, "k1": b"k" * 32})
    assert (await reseal(stage.outbox.database, turned)).done >= 1
    only_new = Sealer({"k2": b"2" * 32})
    await send_system_mails(stage.outbox.database, settings=stage.settings, sealer=only_new, jitter=lambda: 0.0)
    [mail] = stage.server.taken
    assert (await stage.public.get(path_in(mail))).status_code == 200


async def test_an_invitation_brings_its_link(stage: EmailStage) -> None:
    async with stage.outbox.database.tenant_transaction(stage.outbox.tenant_id) as conn:
        await owe_link_mail(
            conn,
            sealer=SEALER,
            tenant_id=stage.outbox.tenant_id,
            kind="invitation",
            to="ana@example.com",
            token="t0ken-of-the-link",
            data={"by": "Olga", "role": "viewer"},
        )
    [mail] = await stage.send()
    assert mail.subject == "You are invited to Farwatch"
    assert path_in(mail, "invite") == "/invite/t0ken-of-the-link"
    assert "“Olga” invites you to “Acme”, as viewer." in mail.part("plain")
    assert mail.message["Auto-Submitted"] == "auto-generated"


async def tried(stage: EmailStage, owed: UUID, times: int, *, settings: Settings | None = None) -> None:
    """Until the delivery was tried so many times more, its waits set aside."""
    before = len(await stage.outbox.log(owed))
    async with working(stage.outbox.database, whole=settings or stage.settings):
        for number in range(before + 1, before + times + 1):
            await stage.outbox.fall_due()
            await stage.outbox.attempted(owed, number)


async def test_owners_hear_once_of_a_channel_that_stopped_and_once_that_it_delivers(stage: EmailStage) -> None:
    await a_member(stage, "olga@example.com")
    await a_member(stage, "olaf@example.com")
    await a_member(stage, "unproven@example.com", proven=False)
    await a_member(stage, "admin@example.com", role="admin")
    async with a_receiver() as receiver:
        channel_id = await stage.outbox.channel(receiver.url(), name="Ops")
        owed = await stage.outbox.owe(channel_id, await stage.outbox.incident())
        receiver.otherwise = answer(500)
        await tried(stage, owed, 2)
        assert await stage.send() == []
        await tried(stage, owed, 3)
        told = await stage.send()
        assert sorted(mail.recipients[0] for mail in told) == ["olaf@example.com", "olga@example.com"]
        assert {mail.subject for mail in told} == {"The channel Ops stopped delivering"}
        assert "Last error: The receiver answered 500" in told[0].part("plain")
        assert f"{HOME}/app" in told[0].part("html")
        receiver.otherwise = answer(200)
        await tried(stage, owed, 1)
        again = await stage.outbox.owe(channel_id, await stage.outbox.incident())
        await tried(stage, again, 1)
        assert {mail.subject for mail in await stage.send()} == {"The channel Ops delivers again"}
    assert await stage.send() == []
    assert len(await rows(stage)) == 4


async def test_owners_who_were_not_told_of_the_trouble_are_not_told_of_its_end(stage: EmailStage) -> None:
    """As after an outage of the mail server itself, of which every e-mail channel would tell."""
    await a_member(stage, "olga@example.com")
    async with a_receiver() as receiver:
        channel_id = await stage.outbox.channel(receiver.url(), name="Ops")
        owed = await stage.outbox.owe(channel_id, await stage.outbox.incident())
        receiver.otherwise = answer(500)
        await tried(stage, owed, 3)
        receiver.otherwise = answer(200)
        await tried(stage, owed, 1)
    assert await stage.send() == []
    assert [row["state"] for row in await rows(stage)] == ["cancelled"]


async def test_an_owner_whose_address_a_channel_verified_is_told(stage: EmailStage) -> None:
    await stage.verified(ADDRESS)
    await a_member(stage, ADDRESS, proven=False)
    async with a_receiver() as receiver:
        channel_id = await stage.outbox.channel(receiver.url(), name="Ops")
        owed = await stage.outbox.owe(channel_id, await stage.outbox.incident())
        receiver.otherwise = answer(500)
        await tried(stage, owed, 3)
    assert [mail.recipients for mail in await stage.send()] == [(ADDRESS,)]


async def test_where_no_mail_is_sent_none_is_owed(stage: EmailStage) -> None:
    await a_member(stage, "olga@example.com")
    async with a_receiver() as receiver:
        channel_id = await stage.outbox.channel(receiver.url(), name="Ops")
        owed = await stage.outbox.owe(channel_id, await stage.outbox.incident())
        receiver.otherwise = answer(500)
        await tried(stage, owed, 4, settings=WHOLE)
    assert await rows(stage) == []
    assert await stage.outbox.value("SELECT unwell_since IS NOT NULL FROM channels WHERE id = $1", channel_id)


async def test_owners_hear_that_whoever_reads_it_wants_no_more(stage: EmailStage) -> None:
    made = await stage.verified()
    await a_member(stage, "olga@example.com")
    token = unsubscribe_token(
        tenant_id=stage.outbox.tenant_id, channel_id=UUID(made["id"]), address=ADDRESS, pepper=seed.PEPPER
    )
    for _ in range(2):
        assert (await stage.public.post(f"/unsubscribe/{token}")).status_code == 200
    [mail] = await stage.send()
    assert (mail.recipients, mail.subject) == (("olga@example.com",), "The channel On call stopped delivering")
    assert "asked for no more mail" in mail.part("plain")
