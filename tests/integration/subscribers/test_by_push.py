"""Browsers that subscribe to a status page: each says yes by what is pushed to it, and goes when it ends."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.support.subscribers import SubscriberStage, ago

SUBSCRIBERS = "SELECT confirmed_at IS NOT NULL AS yes FROM page_subscribers"


async def test_a_browser_confirms_by_its_first_push_is_told_and_goes_with_its_subscription(
    stage: SubscriberStage,
) -> None:
    config = stage.browser.config
    keys = {"p256dh": config["p256dh"], "auth": config["auth"]}
    asked = await stage.ask({"type": "web_push", "subscription": {"endpoint": config["endpoint"], "keys": keys}})
    assert (asked.status_code, asked.json()) == (202, {"type": "web_push", "status": "pending", "secret": None})
    await stage.tell()
    [question] = stage.browser.shown
    assert question["title"] == "Acme"
    assert (await stage.public.post(urlsplit(question["url"]).path)).status_code == 200
    await stage.look()
    incident = await stage.pages.incident(stage.api, "Checkout fails", ago=ago(1))
    await stage.news()
    told = stage.browser.shown[1]
    assert told["title"] == "Acme: New incident"
    assert told["body"].startswith("Checkout fails\nAffected: API")
    assert told["url"].endswith(f"/status/acme/incidents/{incident}")
    stage.browser.ended = True
    await stage.resolve(incident)
    await stage.news()
    assert await stage.rows(SUBSCRIBERS) == []
    strange = {"endpoint": "https://10.0.0.1/push", "keys": keys}
    refused = await stage.ask({"type": "web_push", "subscription": strange})
    assert refused.json()["error"]["code"] == "SSRF_BLOCKED"
