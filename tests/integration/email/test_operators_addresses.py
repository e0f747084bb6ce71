"""The operator's own addresses say yes like any tenant's."""

from __future__ import annotations

from msgspec.structs import asdict

from control_plane.services.alerting.send_system_mails import send_system_mails
from control_plane.store.pool import Database
from tests.support.email_stage import path_in
from tests.support.people import ORIGIN, code_of
from tests.support.serving import control_plane, settings_with
from tests.support.smtp_servers import mail_server


async def test_an_address_of_the_operators_is_asked_and_asked_again(database: Database) -> None:
    async with mail_server() as server:
        settings = settings_with(email=asdict(server.settings()), server={"public_url": ORIGIN})
        async with control_plane(database, settings) as plane, plane.operator() as operator, plane.client() as public:
            config = {"type": "email", "to": "fleet@example.com"}
            made = (await operator.post("/operator/channels", json={"name": "Fleet", "config": config})).json()
            again = await operator.post(f"/operator/channels/{made['id']}/resend-verification")
            assert (again.status_code, again.json()["verification"]["state"]) == (200, "pending")
            await send_system_mails(database, settings=settings, sealer=plane.deps.sealer, jitter=lambda: 0.0)
            [mail] = server.taken
            assert (await public.post(path_in(mail, home=ORIGIN))).status_code == 200
            now = (await operator.get(f"/operator/channels/{made['id']}")).json()
            assert now["verification"]["state"] == "verified"
            refused = await operator.post(f"/operator/channels/{made['id']}/resend-verification")
            assert code_of(refused) == (409, "CHANNEL_VERIFIED")
