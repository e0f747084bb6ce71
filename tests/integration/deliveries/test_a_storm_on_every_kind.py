"""A storm told to people through a mail server, a chat and phones at once: five messages each, and one digest."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from control_plane.store.pool import Database
from tests.support import vendor_slack
from tests.support.email_stage import ADDRESS, settings_of
from tests.support.ntfy_server import an_ntfy_server
from tests.support.outbox import Outbox, working
from tests.support.smtp_servers import mail_server
from tests.support.vendor_slack import SlackJudge
from tests.support.vendors import vendor_server
from tests.support.waiting import until_async

STORM, SINGLES = 60, 5
VERIFY = "UPDATE channels SET verified_at = now() WHERE kind = 'email'"
LEFT = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND put_off"


async def test_mail_chat_and_phones_each_hear_five_messages_and_one_digest(database: Database) -> None:
    outbox, judge = await Outbox.make(database), SlackJudge()
    async with mail_server() as mail, an_ntfy_server() as phones, vendor_server(judge, vendor_slack.API) as slack:
        whole = msgspec.structs.replace(settings_of(mail), delivery=slack.settings())
        configs = {
            "email": {"type": "email", "to": ADDRESS},
            "slack": {"type": "slack", "bot_token": vendor_slack.TOKEN, "channel": "#alerts"},
            "ntfy": {"type": "ntfy", "topic": "alerts", "server_url": phones.url},
        }
        incidents = [await outbox.incident() for _ in range(STORM)]
        for kind, config in configs.items():
            channel_id = await outbox.channel_of(config, name=kind, settings=whole)
            await outbox.execute(VERIFY)
            await outbox.owe_words(channel_id, incidents, kind=kind)
        async with working(database, workers=2, whole=whole):

            async def only_digests_are_left() -> bool:
                pending = await outbox.value("SELECT count(*) FROM deliveries WHERE state = 'pending'")
                return bool(pending == await outbox.value(LEFT) == len(configs) * (STORM - SINGLES))

            await until_async(only_digests_are_left, "the singles were told", timeout=30)
            await outbox.a_minute_passes()
            await outbox.emptied()

    def heard(titles: Sequence[str]) -> list[bool]:
        return [f"{STORM - SINGLES} opened" in title for title in titles]

    once = [False] * SINGLES + [True]
    assert heard([each.subject for each in mail.taken]) == once
    assert heard([each["text"] for each in judge.posted.values()]) == once
    assert heard([each["title"] for each in phones.published]) == once
