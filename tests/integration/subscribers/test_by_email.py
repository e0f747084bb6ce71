"""E-mail subscribers of a status page: asked first, told of what they chose, and gone without a trace."""

from __future__ import annotations

from datetime import timedelta

from tests.support.public_pages import SECRET_URL
from tests.support.subscribers import API, HOME, SubscriberStage, ago, path_in, token_of

READER = "reader@example.com"
EVERYTHING = """
SELECT (SELECT count(*) FROM page_subscribers) AS subscribers, (SELECT count(*) FROM page_deliveries) AS deliveries,
    (SELECT count(*) FROM system_mails) AS mails, (SELECT ended FROM page_watches) AS ended
"""


async def test_somebody_says_yes_is_told_of_an_incident_to_its_end_and_leaves_nothing_but_a_count(
    stage: SubscriberStage,
) -> None:
    asking = await stage.subscribed(READER)
    assert asking.subject == "Do you want messages from “Acme”?"
    assert asking.recipients == (READER,)
    incident = await stage.pages.incident(stage.api, "Checkout fails", text="We look into it.", ago=ago(1))
    [opened] = await stage.news()
    assert opened.subject == "Checkout fails · Acme"
    assert "We look into it." in opened.part("plain")
    assert "Affected: API" in opened.part("plain")
    assert f"{HOME}/status/acme/incidents/{incident}" in opened.part("html")
    assert SECRET_URL not in opened.raw.decode()
    assert "secret cause" not in opened.raw.decode()
    assert await stage.news() == [], "nothing is told twice"
    await stage.pages.update(incident, "A fix is on its way.")
    [update] = await stage.news()
    assert "A fix is on its way." in update.part("plain")
    assert "We look into it." not in update.part("plain")
    await stage.resolve(incident)
    [resolved] = await stage.news()
    assert "Resolved" in resolved.part("html")
    await _leave(stage, path_in(resolved, "unsubscribe"))
    await stage.pages.incident(stage.api, "Another", ago=ago(1))
    assert await stage.news() == []


async def _leave(stage: SubscriberStage, path: str) -> None:
    """By the one click of a mail program, as RFC 8058 has it, twice."""
    one_click = {"List-Unsubscribe": "One-Click"}
    assert (await stage.public.get(path)).status_code == 200
    assert (await stage.rows("SELECT count(*) FROM page_subscribers"))[0]["count"] == 1, (
        "looking at a link ends nothing"
    )
    for _ in range(2):
        assert (await stage.public.post(path, data=one_click)).status_code == 200
    [left] = await stage.rows(EVERYTHING)
    assert left == {"subscribers": 0, "deliveries": 0, "mails": 0, "ended": 1}


async def test_the_headers_of_a_mail_let_mail_programs_show_a_button(stage: SubscriberStage) -> None:
    await stage.subscribed(READER)
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    [mail] = await stage.news()
    headers = mail.message
    path = path_in(mail, "unsubscribe")
    assert headers["List-Unsubscribe"] == f"<{HOME}{path}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "<acme.status.farwatch.example>"


async def test_nobody_learns_from_the_answer_who_is_subscribed(stage: SubscriberStage) -> None:
    fresh = await stage.ask({"type": "email", "email": READER})
    [mail] = await stage.tell()
    assert (await stage.public.post(path_in(mail, "confirm"))).status_code == 200
    again = await stage.ask({"type": "email", "email": READER.upper()})
    assert (again.status_code, again.text) == (fresh.status_code, fresh.text)
    [reminder] = await stage.tell()
    assert reminder.subject == "You are subscribed to “Acme” already"
    assert path_in(reminder, "subscription")


async def test_a_link_counts_once_the_newest_alone_and_for_a_day(stage: SubscriberStage) -> None:
    await stage.ask({"type": "email", "email": READER})
    [first] = await stage.tell()
    await stage.ask({"type": "email", "email": READER})
    [second] = await stage.tell()
    assert (await stage.public.post(path_in(first, "confirm"))).status_code == 404
    token = token_of(path_in(second, "confirm"))
    confirmed = await stage.public.post(f"{API}/subscriptions/{token}/confirm")
    assert confirmed.json() == {"type": "email", "address": READER, "component_ids": None}
    assert (await stage.public.post(f"{API}/subscriptions/{token}/confirm")).status_code == 404
    await stage.ask({"type": "email", "email": "late@example.com"})
    [late] = await stage.tell()
    await stage.execute("UPDATE page_subscribers SET confirm_until = now() WHERE confirmed_at IS NULL")
    assert (await stage.public.post(path_in(late, "confirm"))).status_code == 404


async def test_an_address_is_asked_three_times_a_day_for_a_page_and_ten_times_for_all(stage: SubscriberStage) -> None:
    for _ in range(5):
        assert (await stage.ask({"type": "email", "email": READER})).status_code == 202
        await stage.tell()
    assert len(stage.mails.taken) == 3
    for number in range(10):
        await stage.pages.page(f"page-{number}")
        assert (await stage.ask({"type": "email", "email": READER}, slug=f"page-{number}")).status_code == 202
    await stage.tell()
    assert len(stage.mails.taken) == 10


async def test_only_the_chosen_components_are_told_of_and_the_choice_can_be_changed(stage: SubscriberStage) -> None:
    await stage.subscribed(READER, [stage.shop])
    first = await stage.pages.incident(stage.api, "API down", ago=ago(1))
    assert await stage.news() == []
    await stage.pages.incident(stage.shop, "Shop down", ago=ago(1))
    [told] = await stage.news()
    assert told.subject == "Shop down · Acme"
    managed = f"{API}/subscriptions/{token_of(path_in(told, 'subscription'))}"
    assert (await stage.public.get(managed)).json()["component_ids"] == [str(stage.shop.id)]
    strange = await stage.public.patch(managed, json={"component_ids": [str(stage.page_id)]})
    assert strange.json()["error"]["code"] == "INVALID_COMPONENTS"
    everything = await stage.public.patch(managed, json={"component_ids": None})
    assert everything.json()["component_ids"] is None
    await stage.resolve(first)
    await stage.pages.incident(stage.api, "API down again", ago=ago(1))
    assert [mail.subject for mail in await stage.news()] == ["API down again · Acme"]
    assert (await stage.public.delete(managed)).status_code == 204
    assert (await stage.public.get(managed)).json()["error"]["code"] == "SUBSCRIPTION_NOT_FOUND"


async def test_an_end_is_told_to_those_alone_who_heard_of_the_beginning(stage: SubscriberStage) -> None:
    await stage.subscribed(READER)
    incident = await stage.pages.incident(stage.api, "Down", ago=ago(1))
    assert len(await stage.news()) == 1
    await stage.subscribed("later@example.com")
    await stage.resolve(incident)
    assert [mail.recipients for mail in await stage.news()] == [(READER,)]


async def test_maintenance_is_told_when_it_is_planned_and_when_it_is_called_off(stage: SubscriberStage) -> None:
    await stage.subscribed(READER)
    window = await stage.pages.window(stage.api, "Move to new disks", ahead=timedelta(days=2))
    [planned] = await stage.news()
    assert "Maintenance planned" in planned.part("html")
    assert "From: " in planned.part("plain")
    await stage.execute("DELETE FROM maintenance_windows WHERE id = $1", window)
    [cancelled] = await stage.news()
    assert "Maintenance is cancelled" in cancelled.part("html")


async def test_a_storm_is_five_mails_and_then_one_that_tells_of_the_rest(stage: SubscriberStage) -> None:
    await stage.subscribed(READER)
    lines = [await stage.pages.component(stage.page_id, f"System {number}") for number in range(9)]
    for number in range(5):
        await stage.pages.incident(lines[number], f"Trouble {number}", ago=ago(1))
        assert len(await stage.news()) == 1
    for number in range(5, 9):
        await stage.pages.incident(lines[number], f"Trouble {number}", ago=ago(1))
        assert await stage.news() == []
    await stage.execute("UPDATE page_subscribers SET full_at = full_at - interval '1 minute'")
    [digest] = await stage.tell()
    assert digest.subject == "Several messages: Acme"
    assert all(f"Trouble {number}" in digest.part("html") for number in range(5, 9))
    assert await stage.states() == {"delivered": 9}


async def test_whoever_bounces_is_taken_off_the_list(stage: SubscriberStage) -> None:
    await stage.subscribed(READER)
    await stage.subscribed("gone@example.com")
    stage.mails.to_rcpt = lambda address: "550 5.1.1 no such user" if address.startswith("gone@") else None
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    assert [mail.recipients for mail in await stage.news()] == [(READER,)]
    [left] = await stage.rows(EVERYTHING)
    assert (left["subscribers"], left["ended"]) == (1, 1)


async def test_a_draft_and_a_page_with_a_password_take_nobody_and_tell_nobody(stage: SubscriberStage) -> None:
    await stage.subscribed(READER)
    body = {"type": "email", "email": "another@example.com"}
    await stage.pages.page("secret", password_digest="$argon2id$nobody")
    assert (await stage.ask(body, slug="secret")).json()["error"]["code"] == "PAGE_PASSWORD_NEEDED"
    await stage.pages.page("unlisted", listed=False)
    assert (await stage.ask(body, slug="unlisted")).status_code == 202
    await stage.tell()
    incident = await stage.pages.incident(stage.api, "Down", ago=ago(1))
    await stage.look()
    await stage.execute("UPDATE status_pages SET state = 'draft' WHERE slug = 'acme'")
    assert await stage.tell() == []
    assert await stage.states() == {"dead": 1}
    await stage.look()
    await stage.execute("UPDATE status_pages SET state = 'published' WHERE slug = 'acme'")
    await stage.pages.incident(stage.shop, "While it was a draft", ago=ago(1))
    assert await stage.news() == [], "what was there before the page was is no news"
    await stage.resolve(incident)
    assert await stage.news() == []
