"""What a tenant sees of its pages' subscribers, and may do: ask an address, take one off, never more than that."""

from __future__ import annotations

import csv
import io

from control_plane.services.installation.forget_old_rows import forget_old_rows
from control_plane.settings import RetentionSettings
from tests.support.subscribers import HOOK_SECRET, SubscriberStage, ago, path_in

READER, GUEST = "reader@example.com", "guest@example.com"
STORED = "SELECT page_subscribers::text AS row FROM page_subscribers"
A_DAY_LATER = """
UPDATE page_subscribers
SET asked_at = asked_at - interval '25 hours', confirm_until = confirm_until - interval '25 hours'
"""
YEARS_LATER = """
UPDATE page_notices SET created_at = created_at - interval '3 years', finished_at = finished_at - interval '3 years'
"""


async def test_a_tenant_lists_asks_counts_exports_and_removes(stage: SubscriberStage) -> None:
    await stage.subscribed(READER, [stage.shop])
    await stage.crowd(1)
    path = f"/api/v1/status-pages/{stage.page_id}/subscribers"
    async with stage.pages.served.tenant() as http:
        made = await http.post(path, json={"email": GUEST, "note": "=asked by phone"})
        assert (made.status_code, made.json()["state"], made.json()["source"]) == (201, "pending", "tenant")
        known = await http.post(path, json={"email": READER})
        assert (known.status_code, known.json()["error"]["code"]) == (409, "ALREADY_SUBSCRIBED")
        mails = {mail.recipients[0]: mail for mail in await stage.tell()}
        assert path_in(mails[GUEST], "confirm"), "whom a tenant adds is asked like everybody"
        listed = (await http.get(path)).json()
        assert listed["total"] == 3
        assert {one["address"] for one in listed["items"]} == {READER, GUEST, "https://127.0.0.1/…"}
        [found] = (await http.get(path, params={"email": READER.upper()})).json()["items"]
        assert found["component_ids"] == [str(stage.shop.id)]
        counts = {"email": 1, "webhook": 1, "web_push": 0, "confirmed": 2, "pending": 1, "ended": 0}
        assert (await http.get(f"{path}/counts")).json() == counts
        table = list(csv.DictReader(io.StringIO((await http.get(f"{path}/export")).text)))
        assert {row["address"]: row["note"] for row in table}[GUEST] == "'=asked by phone"
        assert HOOK_SECRET not in (await http.get(f"{path}/export")).text + (await http.get(path)).text
        assert (await http.delete(f"{path}/{found['id']}")).status_code == 204
        gone = await http.get(f"{path}/{found['id']}")
        assert gone.json()["error"]["code"] == "SUBSCRIBER_NOT_FOUND"
        assert (await http.get(f"{path}/counts")).json()["ended"] == 1
        await stage.execute("UPDATE status_pages SET state = 'draft'")
        draft = await http.post(path, json={"email": "another@example.com"})
        assert draft.json()["error"]["code"] == "PAGE_NOT_OPEN"


async def test_where_subscriptions_lead_is_stored_sealed(stage: SubscriberStage) -> None:
    await stage.subscribed(READER)
    await stage.crowd(1)
    stored = "".join(row["row"] for row in await stage.rows(STORED))
    assert stored
    for text in (READER, "127.0.0.1", HOOK_SECRET):
        assert text not in stored
        assert text.encode().hex() not in stored


async def test_who_never_said_yes_is_forgotten_after_the_link_and_old_news_after_a_while(
    stage: SubscriberStage,
) -> None:
    await stage.subscribed(READER)
    await stage.ask({"type": "email", "email": GUEST})
    over = await stage.pages.incident(stage.api, "Over", ago=ago(2))
    await stage.pages.incident(stage.shop, "Goes on", ago=ago(2))
    await stage.news()
    await stage.resolve(over)
    await stage.news()
    await stage.execute(A_DAY_LATER)
    await stage.execute(YEARS_LATER)
    await forget_old_rows(stage.database, settings=RetentionSettings(), now=stage.pages.served.deps.now())
    assert len(await stage.rows("SELECT 1 FROM page_subscribers")) == 1
    left = await stage.rows("SELECT told ->> 'title' AS title FROM page_notices")
    assert [row["title"] for row in left] == ["Goes on"], "what goes on is not news once more"
    assert await stage.news() == []
