"""An address says yes before anything else is sent to it, and no whenever it likes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.alerting.unsubscribe_link import unsubscribe_token
from control_plane.domain.channels.verification import UNSUBSCRIBED
from tests.support import seed
from tests.support.email_stage import ADDRESS, HOME, EmailStage, path_in
from tests.support.outbox import deliverer, look_soon
from tests.support.people import code_of
from tests.support.waiting import until_async

IDLE = "SELECT count(*) = 0 FROM deliveries WHERE state = 'pending'"


async def delivered(stage: EmailStage) -> None:
    """Let a worker send all that is due."""
    worker = asyncio.create_task(deliverer(stage.outbox.database, whole=stage.settings).run(look_soon))
    try:
        await until_async(lambda: stage.outbox.value(IDLE), "nothing is pending")
    finally:
        worker.cancel()
        await asyncio.wait([worker])


async def test_a_new_address_is_asked_and_says_yes_by_a_button(stage: EmailStage) -> None:
    made = await stage.create()
    assert made["config"] == {"type": "email", "to": ADDRESS}
    assert made["verification"]["state"] == "pending"
    assert made["verification"]["sent_at"] is not None
    [mail] = await stage.send()
    assert mail.recipients == (ADDRESS,)
    assert mail.subject == "May Farwatch send alerts to this address?"
    assert "“Acme”" in mail.part("plain")
    assert "“On call”" in mail.part("html")
    path = path_in(mail)
    page = await stage.public.get(path)
    assert (page.status_code, ADDRESS in page.text, "Acme" in page.text) == (200, True, True)
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert (await stage.read(made))["verification"]["state"] == "pending", "a program that looks at links says nothing"
    assert (await stage.public.post(path)).status_code == 200
    assert (await stage.read(made))["verification"]["state"] == "verified"
    assert await stage.send() == []


async def test_links_that_are_used_unknown_or_too_old_are_answered_alike(stage: EmailStage) -> None:
    await stage.create()
    used = await stage.link()
    assert (await stage.public.post(used)).status_code == 200
    late = await stage.create("late@example.com", name="Late")
    old = await stage.link()
    await stage.a_day_passes()
    replies = [
        await getattr(stage.public, method)(path)
        for path in (used, old, "/verify/x", "/verify/" + "A" * 43, "/verify/%ff%fe")
        for method in ("get", "post")
    ]
    assert {reply.status_code for reply in replies} == {404}
    assert len({reply.text for reply in replies}) == 1
    assert (await stage.read(late))["verification"]["state"] == "expired"


async def test_of_two_that_follow_a_link_at_once_one_says_yes(stage: EmailStage) -> None:
    await stage.create()
    path = await stage.link()
    replies = await asyncio.gather(*(stage.public.post(path) for _ in range(2)))
    assert sorted(reply.status_code for reply in replies) == [200, 404]


async def test_nothing_is_sent_to_an_address_that_has_not_said_yes(stage: EmailStage) -> None:
    made = await stage.create()
    await stage.send()
    incident = await stage.outbox.incident()
    [owed] = await stage.outbox.owe_words(UUID(made["id"]), [incident])
    await stage.outbox.execute("UPDATE deliveries SET channel_kind = 'email'")
    await delivered(stage)
    view = await stage.outbox.view(owed)
    assert (view.state, view.reason) == ("cancelled", "The e-mail address is not verified")
    assert len(stage.server.taken) == 1
    saved = await stage.mine.post(f"/api/v1/channels/{made['id']}/test")
    unsaved = await stage.mine.post("/api/v1/channels/test", json={"config": {"type": "email", "to": ADDRESS}})
    assert code_of(saved) == code_of(unsaved) == (422, "CHANNEL_UNVERIFIED")
    assert len(stage.server.taken) == 1


async def test_a_verified_address_is_tested_and_alerted(stage: EmailStage) -> None:
    made = await stage.verified()
    tested = await stage.mine.post(f"/api/v1/channels/{made['id']}/test")
    assert tested.status_code == 200, tested.text
    incident = await stage.outbox.incident()
    await stage.outbox.owe_words(UUID(made["id"]), [incident])
    await stage.outbox.execute("UPDATE deliveries SET channel_kind = 'email'")
    await delivered(stage)
    assert [mail.recipients for mail in stage.server.taken] == [(ADDRESS,)] * 3


async def test_another_address_is_asked_anew(stage: EmailStage) -> None:
    made = await stage.verified()
    changed = await stage.mine.patch(
        f"/api/v1/channels/{made['id']}", json={"config": {"to": "night@example.com"}, "name": "Nights"}
    )
    assert changed.json()["verification"]["state"] == "pending"
    [mail] = await stage.send()
    assert mail.recipients == ("night@example.com",)
    same = await stage.mine.patch(f"/api/v1/channels/{made['id']}", json={"config": {"to": "night@example.com"}})
    assert same.json()["verification"]["state"] == "pending"
    assert await stage.send() == []
    assert (await stage.public.post(path_in(mail))).status_code == 200
    named = await stage.mine.patch(f"/api/v1/channels/{made['id']}", json={"name": "Again"})
    assert named.json()["verification"]["state"] == "verified"


async def test_the_link_of_an_earlier_address_verifies_no_other(stage: EmailStage) -> None:
    made = await stage.create()
    first = await stage.link()
    await stage.mine.patch(f"/api/v1/channels/{made['id']}", json={"config": {"to": "victim@example.com"}})
    assert (await stage.public.post(first)).status_code == 404
    assert (await stage.read(made))["verification"]["state"] == "pending"


async def test_an_address_that_changes_before_it_was_asked_is_not_asked_any_more(stage: EmailStage) -> None:
    made = await stage.create()
    await stage.mine.patch(f"/api/v1/channels/{made['id']}", json={"config": {"to": "other@example.com"}})
    assert [mail.recipients for mail in await stage.send()] == [("other@example.com",)]


async def test_an_address_says_yes_once_for_a_tenant(stage: EmailStage) -> None:
    await stage.verified()
    second = await stage.create(name="Second")
    assert second["verification"] == {"state": "verified", "sent_at": None}
    assert await stage.send() == []


async def test_links_are_mailed_three_times_a_day_for_a_channel(stage: EmailStage) -> None:
    made = await stage.create()
    assert [(await stage.resend(made)).status_code for _ in range(2)] == [200, 200]
    assert code_of(await stage.resend(made)) == (422, "CHANNEL_VERIFICATION_LIMIT")
    assert len(await stage.send()) == 1, "what a newer link replaces is not mailed"
    await stage.a_day_passes()
    assert (await stage.resend(made)).status_code == 200


async def test_links_are_mailed_twenty_times_a_day_for_a_tenant(stage: EmailStage) -> None:
    made = [await stage.create(f"a{number}@example.com", name=f"Channel {number}") for number in range(21)]
    assert [each["verification"]["sent_at"] is None for each in made] == [False] * 20 + [True]
    assert made[-1]["verification"]["state"] == "pending"
    assert code_of(await stage.resend(made[-1])) == (422, "CHANNEL_VERIFICATION_LIMIT")
    assert len(await stage.send()) == 20
    await stage.a_day_passes()
    assert (await stage.resend(made[-1])).status_code == 200


async def test_only_addresses_that_have_not_said_yes_are_asked_again(stage: EmailStage) -> None:
    verified = await stage.verified()
    hook = await stage.mine.post(
        "/api/v1/channels", json={"name": "Hook", "config": {"type": "webhook", "url": "https://ops.example.com/x"}}
    )
    assert hook.json()["verification"] is None
    assert code_of(await stage.resend(verified)) == (409, "CHANNEL_VERIFIED")
    assert code_of(await stage.resend(hook.json())) == (422, "CHANNEL_NOT_VERIFIABLE")
    strange = await stage.theirs.post(f"/api/v1/channels/{verified['id']}/resend-verification")
    assert strange.status_code == 404


@pytest.mark.parametrize(
    "to",
    [
        *(
            "",
            "oncall",
            "@example.com",
            "a@b@example.com",
            "Oncall@example.com",
            " oncall@example.com",
            "a b@example.com",
        ),
        *("a@example.com,b@example.com", "a@example.com\r\nBcc: b@example.com", "Ana <a@example.com>", "a@example"),
        *(
            "=?utf-8?q?a?=@example.com\n",
            "a@example.com\u202e",
            "\u0000@example.com",
            "a@-.example",
            "x" * 65 + "@example.com",
        ),
    ],
    ids=lambda to: ascii(to)[:40],
)
async def test_what_is_not_one_address_is_refused(stage: EmailStage, to: str) -> None:
    reply = await stage.mine.post("/api/v1/channels", json={"name": "A", "config": {"type": "email", "to": to}})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] in ("INVALID_CHANNEL_CONFIG", "INVALID_STRING")
    assert await stage.send() == []


async def test_a_domain_beyond_ascii_is_kept_as_it_is_mailed(stage: EmailStage) -> None:
    assert (await stage.create("ana@bücher.example"))["config"]["to"] == "ana@xn--bcher-kva.example"


async def an_unsubscribe_link(stage: EmailStage, channel: dict[str, Any], address: str = ADDRESS) -> str:
    token = unsubscribe_token(
        tenant_id=stage.outbox.tenant_id, channel_id=UUID(channel["id"]), address=address, pepper=seed.PEPPER
    )
    return f"/unsubscribe/{token}"


async def test_whoever_reads_it_ends_it_with_one_click(stage: EmailStage) -> None:
    made = await stage.verified()
    path = await an_unsubscribe_link(stage, made)
    incident = await stage.outbox.incident()
    [owed] = await stage.outbox.owe_words(UUID(made["id"]), [incident])
    german = await stage.public.get(path, headers={"Accept-Language": "de"})
    assert "Keine Alarme mehr an diese Adresse?" in german.text
    asked = await stage.public.get(path)
    assert (asked.status_code, ADDRESS in asked.text) == (200, True)
    assert (await stage.read(made))["enabled"], "looking at the link ends nothing"
    # RFC 8058 section 3.1: the mail program's own POST, as a multipart form.
    ended = await stage.public.post(path, files={"List-Unsubscribe": (None, "One-Click")})
    assert ended.status_code == 200
    after = await stage.read(made)
    assert (after["enabled"], after["disabled_reason"]) == (False, UNSUBSCRIBED)
    assert after["verification"]["state"] != "verified"
    assert (await stage.outbox.view(owed)).state == "cancelled"
    again = await stage.public.post(path, data={"List-Unsubscribe": "One-Click"})
    assert again.status_code == 200
    enabled = await stage.mine.patch(f"/api/v1/channels/{made['id']}", json={"enabled": True})
    assert enabled.json()["verification"]["state"] != "verified", "it would have to say yes again"


async def test_links_that_end_it_are_for_one_channel_and_address(stage: EmailStage) -> None:
    made = await stage.verified()
    good = await an_unsubscribe_link(stage, made)
    forged = good[:-1] + ("A" if good[-1] != "A" else "B")
    other = await an_unsubscribe_link(stage, made, "other@example.com")
    for path in (forged, other, "/unsubscribe/x", "/unsubscribe/" + "A" * 64):
        assert (await stage.public.get(path)).status_code == 404
        assert (await stage.public.post(path)).status_code == 404
    assert (await stage.read(made))["enabled"]


async def test_the_mail_says_where_it_leads(stage: EmailStage) -> None:
    await stage.create(name="see http://phish.example now")
    [mail] = await stage.send()
    assert "phish" not in mail.part("plain") + mail.part("html"), "mail programs make links of what looks like one"
    assert f"{HOME}/verify/" in mail.part("html")


async def test_who_asked_again_is_in_the_audit_log_and_the_link_is_not(stage: EmailStage) -> None:
    made = await stage.create()
    await stage.resend(made)
    path = await stage.link()
    async with stage.outbox.database.app() as conn:
        entries = [dict(row) for row in await conn.fetch("SELECT * FROM audit ORDER BY at")]
    assert [(each["operation"], each["action"], each["object_kind"]) for each in entries] == [
        ("create_channel", "created", "channel"),
        ("resend_verification", "updated", "channel"),
    ]
    assert path.rpartition("/")[2] not in str(entries)


async def test_an_address_in_a_configuration_file_is_asked_too(stage: EmailStage) -> None:
    channel = {"name": "From a file", "config": {"type": "email", "to": "file@example.com"}}
    applied = await stage.mine.post("/api/v1/apply", json={"version": 1, "channels": [channel]})
    assert applied.status_code == 200, applied.text
    [mail] = await stage.send()
    assert mail.recipients == ("file@example.com",)
    again = await stage.mine.post("/api/v1/apply", json={"version": 1, "channels": [channel]})
    assert again.status_code == 200, again.text
    assert await stage.send() == []
    assert (await stage.public.post(path_in(mail))).status_code == 200
    [row] = (await stage.mine.get("/api/v1/channels")).json()["items"]
    assert row["verification"]["state"] == "verified"
    moved = {**channel, "config": {"type": "email", "to": "other@example.com"}}
    await stage.mine.post("/api/v1/apply", json={"version": 1, "channels": [moved]})
    assert [mail.recipients for mail in await stage.send()] == [("other@example.com",)]
