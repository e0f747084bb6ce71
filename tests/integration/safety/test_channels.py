"""Channels: denied destinations, and secrets that do not follow to another host."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.secret_places import chats
from tests.support.serving import ControlPlane

HEADERS = {"Authorization": "Bearer s3cret"}
WEBHOOK = {"type": "webhook", "url": "https://hooks.test.org/x", "headers": HEADERS}


async def test_a_denied_destination_is_refused_when_a_channel_is_made_or_changed(served: ControlPlane) -> None:
    async with served.tenant() as http, served.operator() as operator:
        rules = [
            {"kind": "domain", "value": "bad.test.org", "reason": "Report 9"},
            {"kind": "url_glob", "value": "*/collect*", "reason": "Report 10"},
        ]
        for rule in rules:
            assert (await operator.post("/operator/deny-lists", json=rule)).status_code == 201
        made = await http.post("/api/v1/channels", json={"name": "Ops", "config": WEBHOOK})
        path = f"/api/v1/channels/{made.json()['id']}"
        answers = [
            await http.post(
                "/api/v1/channels", json={"name": "x", "config": {**WEBHOOK, "url": "https://a.bad.test.org/"}}
            ),
            await http.patch(path, json={"config": {**WEBHOOK, "url": "https://bad.test.org:8443/"}}),
            await http.patch(path, json={"config": {"url": "https://hooks.test.org/collect?x"}}),
        ]
    codes = [(a.status_code, a.json()["error"]["code"]) for a in answers]
    assert codes == [(422, "DOMAIN_DENYLISTED"), (422, "DOMAIN_DENYLISTED"), (422, "URL_PATTERN_BLOCKED")]


@pytest.mark.parametrize("config", chats("sEcReT0123456789"), ids=range(5))
async def test_a_denied_chat_is_refused_at_the_field_of_its_url(served: ControlPlane, config: dict[str, Any]) -> None:
    kind = config["type"]
    async with served.tenant() as http, served.operator() as operator:
        for host in ("slack.com", "discord.com", "logic.azure.com", "chat.googleapis.com"):
            rule = {"kind": "domain", "value": host, "reason": "Report 12"}
            assert (await operator.post("/operator/deny-lists", json=rule)).status_code == 201
        made = await http.post("/api/v1/channels", json={"name": kind, "config": config})
        tried = await http.post("/api/v1/channels/test", json={"config": config})
    field = "/config/webhook_url" if "webhook_url" in config else "/config"
    for reply in (made, tried):
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], error["field"]) == (422, "DOMAIN_DENYLISTED", field)
        assert "sEcReT" not in reply.text


async def test_headers_are_sent_again_when_the_host_changes(served: ControlPlane) -> None:
    async with served.tenant() as http:
        made = await http.post("/api/v1/channels", json={"name": "Ops", "config": WEBHOOK})
        path = f"/api/v1/channels/{made.json()['id']}"
        elsewhere = {"url": "https://thief.test.org/"}
        silent = await http.patch(path, json={"config": elsewhere})
        same_host = await http.patch(path, json={"config": {"url": "https://hooks.test.org/y"}})
        again = await http.patch(path, json={"config": {**elsewhere, "headers": HEADERS}})
    assert (silent.status_code, silent.json()["error"]["code"]) == (400, "CREDENTIAL_RESUPPLY_REQUIRED")
    assert silent.json()["error"]["field"] == "/config/headers"
    assert (same_host.status_code, again.status_code) == (200, 200)


async def test_the_test_of_a_channel_that_is_older_than_a_rule_is_refused(served: ControlPlane) -> None:
    rule = {"kind": "domain", "value": "test.org", "reason": "Report 11"}
    async with served.tenant() as http, served.operator() as operator:
        made = await http.post("/api/v1/channels", json={"name": "Ops", "config": WEBHOOK})
        assert (await operator.post("/operator/deny-lists", json=rule)).status_code == 201
        tested = await http.post(f"/api/v1/channels/{made.json()['id']}/test")
        (delivery,) = (await http.get("/api/v1/deliveries")).json()["items"]
    assert (tested.status_code, tested.json()["error"]["code"]) == (422, "DOMAIN_DENYLISTED")
    assert (delivery["state"], delivery["reason"].partition(":")[0]) == ("cancelled", "DOMAIN_DENYLISTED")
