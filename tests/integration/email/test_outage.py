"""The mail server is away for two hours, and fifty incidents come and go: then all of it arrives, in order, once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from control_plane.store.pool import Database
from tests.support.email_stage import ADDRESS, EmailStage, settings_of
from tests.support.outbox import Outbox, working
from tests.support.smtp_servers import MailServer, Taken, mail_server, nobody_listens
from tests.support.waiting import until_async

VERIFY = "UPDATE channels SET verified_at = now() WHERE id = $1"
SETTLED = """
SELECT count(*) = 0 FROM deliveries d
WHERE d.state = 'pending' AND (d.lease_until > clock_timestamp() OR d.due_at <= clock_timestamp() AND NOT EXISTS (
    SELECT FROM deliveries earlier
    WHERE earlier.tenant_id = d.tenant_id AND earlier.incident_id = d.incident_id
      AND earlier.channel_id = d.channel_id AND earlier.number < d.number AND earlier.state = 'pending'
      AND earlier.due_at > clock_timestamp()))
"""
MINUTES = """
UPDATE deliveries
SET due_at = due_at - $1 * interval '1 minute', message_at = message_at - $1 * interval '1 minute'
WHERE state = 'pending' OR message_at IS NOT NULL
"""
ENDS = "SELECT state, count(*) AS rows FROM deliveries GROUP BY state"
INCIDENTS, DOWN_MINUTES, STEP = 50, 120, 5
SINGLES = 5


async def settled(outbox: Outbox) -> None:
    await until_async(lambda: outbox.value(SETTLED), "all that is due was tried", timeout=30)


def told(mail: Taken) -> list[tuple[str, int]]:
    """What a mail tells: pairs of notice and incident. Monitors are named after numbers that grow with what is owed."""
    rows = re.findall(r"^(Opened|Resolved): API (\d+)\.", mail.part("plain"), re.MULTILINE)
    if not rows:
        name = re.search(r"API (\d+)", mail.subject)
        assert name is not None, mail.subject
        rows = [("Opened" if int(name[1]) <= INCIDENTS else "Resolved", name[1])]
    return [(notice, (int(number) - 1) % INCIDENTS) for notice, number in rows]


def in_order(mails: Sequence[Taken]) -> bool:
    """Whether no recovery came before its opening, nothing twice, and nothing is missing."""
    came = [each for mail in mails for each in told(mail)]
    assert Counter(came) == Counter((notice, n) for notice in ("Opened", "Resolved") for n in range(INCIDENTS))
    return all(came.index(("Opened", n)) < came.index(("Resolved", n)) for n in range(INCIDENTS))


async def test_after_two_hours_without_a_mail_server_all_arrives_in_order(database: Database) -> None:
    outbox, port = await Outbox.make(database), await nobody_listens()
    gone = settings_of(MailServer(port=port))
    channel_id = await outbox.channel_of({"type": "email", "to": ADDRESS}, name="On call", settings=gone)
    await outbox.execute(VERIFY, channel_id)
    incidents = [await outbox.incident() for _ in range(INCIDENTS)]
    async with working(database, workers=2, whole=gone):
        await outbox.owe_words(channel_id, incidents, kind="email")
        for minute in range(0, DOWN_MINUTES, STEP):
            await settled(outbox)
            if minute == DOWN_MINUTES // 2:
                await outbox.owe_words(channel_id, incidents, "resolved", kind="email")
            await outbox.execute(MINUTES, STEP)
        await settled(outbox)
        async with mail_server(port=port) as server:
            minutes: list[list[Taken]] = []
            while await outbox.value("SELECT count(*) FROM deliveries WHERE state = 'pending'"):
                before = len(server.taken)
                await settled(outbox)
                minutes.append(server.taken[before:])
                await outbox.execute(MINUTES, 1)
    assert in_order(server.taken)
    async with database.app() as conn:
        assert [tuple(row) for row in await conn.fetch(ENDS)] == [("delivered", 2 * INCIDENTS)]
    assert len({mail.message["Message-ID"] for mail in server.taken}) == len(server.taken)
    for mails in minutes:
        digests = [mail for mail in mails if len(told(mail)) > 1]
        singly = Counter(notice for mail in mails if len(told(mail)) == 1 for notice, _ in told(mail))
        assert len(digests) <= 1
        assert all(count <= SINGLES for count in singly.values()), "what was to go singly before is tried so again"
    assert len(server.taken) <= 4 * SINGLES


async def test_a_recovery_is_threaded_below_its_opening(stage: EmailStage) -> None:
    made = await stage.verified()
    channel_id, incident = UUID(made["id"]), await stage.outbox.incident()
    stage.server.taken.clear()
    async with working(stage.outbox.database, whole=stage.settings):
        for notice in ("opened", "reminder", "resolved"):
            await stage.outbox.owe_words(channel_id, [incident], notice, kind="email")
            await stage.outbox.emptied()
    first, *later = [mail.message for mail in stage.server.taken]
    assert (
        [mail["In-Reply-To"] for mail in later] == [mail["References"] for mail in later] == [first["Message-ID"]] * 2
    )
    assert first["In-Reply-To"] is None
    assert len({mail["Message-ID"] for mail in (first, *later)}) == 3
