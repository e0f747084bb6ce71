"""Where the installation sends e-mail, an invitation's link is mailed as well as shown."""

from __future__ import annotations

from msgspec.structs import asdict

from control_plane.services.alerting.send_system_mails import send_system_mails
from control_plane.store.pool import Database
from tests.support.email_stage import path_in
from tests.support.people import ORIGIN, House, a_house
from tests.support.serving import settings_with
from tests.support.smtp_servers import mail_server

ROWS = "SELECT recipient, state FROM system_mails"


async def test_whoever_is_invited_gets_the_link_that_the_reply_shows(database: Database) -> None:
    async with mail_server() as server:
        settings = settings_with(email=asdict(server.settings()), server={"public_url": ORIGIN})
        async with a_house(database, settings) as house, house.owner() as owner:
            made = (await owner.api("POST", "/invitations", {"email": "ana@example.com", "role": "viewer"})).json()
            await sent(house)
            again = (await owner.api("POST", f"/invitations/{made['id']}/resend")).json()
            last = (await owner.api("POST", f"/invitations/{made['id']}/resend")).json()
            await sent(house)
            paths = [path_in(mail, "invite", home=ORIGIN) for mail in server.taken]
            assert [f"{ORIGIN}{path}" for path in paths] == [made["link"], last["link"]]
            assert again["link"] != last["link"], "a link that counts no more is not mailed"
            assert [mail.recipients for mail in server.taken] == [("ana@example.com",)] * 2
            assert (await owner.http.get(paths[1])).status_code == 200


async def sent(house: House) -> None:
    """Let the worker send what is owed."""
    deps = house.served.deps
    await send_system_mails(house.database, settings=deps.settings, sealer=deps.sealer, jitter=lambda: 0.0)


async def test_without_a_mail_server_the_link_is_only_shown(database: Database) -> None:
    async with a_house(database) as house, house.owner() as owner:
        await owner.api("POST", "/invitations", {"email": "ana@example.com"})
        assert await house.rows(ROWS) == []
