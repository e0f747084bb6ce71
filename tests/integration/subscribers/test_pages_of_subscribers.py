"""What people see on their way to a subscription and out of it: by forms, in each language, with words for errors."""

from __future__ import annotations

import re

import pytest

from control_plane.store.pool import Database
from tests.support.subscribers import SubscriberStage, a_subscriber_stage, ago, path_in

PAGE = "/status/acme"
FORM = f"{PAGE}/subscribe"


async def test_somebody_subscribes_by_forms_alone_chooses_and_leaves(stage: SubscriberStage) -> None:
    page = await stage.public.get(PAGE)
    assert f'action="{FORM}"' in page.text
    assert len(page.content) < 60_000
    form = await stage.public.get(FORM)
    assert {"By e-mail", "In this browser", "By webhook", "By feed or calendar"} <= set(_headings(form.text))
    wrong = await stage.public.post(FORM, data={"way": "email", "email": "nobody"})
    assert wrong.status_code == 400
    assert "This is no e-mail address" in wrong.text
    assert 'value="nobody"' in wrong.text
    none = await stage.public.post(FORM, data={"way": "email", "email": "reader@example.com", "about": "some"})
    assert "Choose at least one system" in none.text
    fields = {"way": "email", "email": "reader@example.com", "about": "some", "c": str(stage.api.id)}
    asked = await stage.public.post(FORM, data=fields)
    assert "Please look into your mailbox" in asked.text
    [mail] = await stage.tell()
    confirming = path_in(mail, "confirm")
    assert "reader@example.com" in (await stage.public.get(confirming)).text
    assert "You will be told" in (await stage.public.post(confirming)).text
    again = await stage.public.post(confirming)
    assert (again.status_code, "This link counts no more" in again.text) == (404, True)
    await stage.look()
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    [told] = await stage.news()
    await _choose(stage, path_in(told, "subscription"))
    left = await stage.public.post(path_in(told, "unsubscribe"))
    assert "Nothing more is sent" in left.text
    assert left.headers["Cache-Control"] == "no-store"
    assert "Nothing more is sent" in (await stage.public.get(path_in(told, "unsubscribe"))).text


async def _choose(stage: SubscriberStage, path: str) -> None:
    managed = await stage.public.get(path)
    assert re.search(rf'value="{stage.api.id}" checked', managed.text)
    assert "noindex" in managed.text
    saved = await stage.public.post(path, data={"about": "all"})
    assert "Saved." in saved.text
    assert not re.search(rf'value="{stage.api.id}" checked', saved.text)


async def test_a_webhook_is_shown_its_secret_once_and_other_sites_subscribe_nobody(stage: SubscriberStage) -> None:
    shown = await stage.public.post(FORM, data={"way": "webhook", "url": stage.hooks.url()})
    assert re.search(r"whsec_[\w+/]{43}=", shown.text)
    assert shown.headers["Cache-Control"] == "no-store"
    blocked = await stage.public.post(FORM, data={"way": "webhook", "url": "https://10.0.0.1/"})
    assert "Nothing can be sent to this URL" in blocked.text
    fields = {"way": "email", "email": "reader@example.com"}
    foreign = await stage.public.post(FORM, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert len(await stage.rows("SELECT 1 FROM page_subscribers")) == 1


async def test_who_asks_too_often_is_told_to_wait_and_the_worker_governs_its_page_alone(stage: SubscriberStage) -> None:
    replies = [await stage.public.post(FORM, data={"way": "email", "email": f"r{n}@example.com"}) for n in range(11)]
    assert [reply.status_code for reply in replies] == [200] * 10 + [429]
    assert int(replies[-1].headers["Retry-After"]) > 0
    worker = await stage.public.get(f"{PAGE}/sw.js")
    assert worker.headers["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in worker.headers
    assert "connect-src 'self'" in worker.headers["Content-Security-Policy"]


async def test_whoever_leaves_is_let_go_even_when_the_page_is_a_draft(stage: SubscriberStage) -> None:
    await stage.subscribed("reader@example.com")
    await stage.pages.incident(stage.api, "Down", ago=ago(1))
    [told] = await stage.news()
    await stage.execute("UPDATE status_pages SET state = 'draft'")
    assert (await stage.public.post(path_in(told, "unsubscribe"))).status_code == 200
    assert await stage.rows("SELECT 1 FROM page_subscribers") == []


@pytest.mark.parametrize(
    ("language", "title", "subject", "label"),
    [
        ("de", "Meldungen von Acme", "Möchten Sie Meldungen von „Acme“?", "Neue Störung"),
        ("ar", "رسائل Acme", "هل تريد رسائل من «Acme»؟", "عطل جديد"),
    ],
)
async def test_a_page_speaks_its_language_to_its_subscribers(
    database: Database, language: str, title: str, subject: str, label: str
) -> None:
    async with a_subscriber_stage(database, language=language) as stage:
        assert f"<h1>{title}</h1>" in (await stage.public.get(FORM)).text
        asked = await stage.subscribed("reader@example.com")
        assert asked.subject == subject
        await stage.pages.incident(stage.api, ago=ago(1))
        [told] = await stage.news()
        assert label in told.part("html")
        assert f'lang="{language}"' in told.part("html")


def _headings(text: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]+)</h2>", text)
