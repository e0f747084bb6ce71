"""The OAuth of the tests' Slack and Discord refuses what theirs document as refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from control_plane.notify.excerpt import basic
from control_plane.services.alerting.ask_chat import authorize_url, connects_of
from control_plane.settings import DiscordSettings, ServerSettings, Settings, SlackSettings
from tests.support.chat_apps import CLIENT_ID, CLIENT_SECRET, ChatApps
from tests.support.vendors import Reply, Request

CALLBACK = "https://watch.example/connect/{}/callback"
PATHS = {"slack": "/api/oauth.v2.access", "discord": "/api/oauth2/token"}
SETTINGS = Settings(
    server=ServerSettings(public_url="https://watch.example/"),
    slack=SlackSettings(CLIENT_ID, CLIENT_SECRET),
    discord=DiscordSettings(CLIENT_ID, CLIENT_SECRET),
)


def allowed(apps: ChatApps, kind: str) -> str:
    back = apps.allow(authorize_url(SETTINGS, kind, state="a state"))
    query = parse_qs(urlsplit(back).query)
    assert query["state"] == ["a state"]
    return query["code"][0]


def exchange(apps: ChatApps, kind: str, code: str, *, secret: str = CLIENT_SECRET, back: str = CALLBACK) -> Reply:
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "authorization": f"Basic {basic(CLIENT_ID, secret)}",
    }
    body = urlencode({"code": code, "grant_type": "authorization_code", "redirect_uri": back.format(kind)}).encode()
    return apps(Request("POST", f"{kind}.com", PATHS[kind], {}, headers, body))


def said(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reply.body)
    return found


@pytest.mark.parametrize("kind", ["discord", "slack"])
def test_a_code_is_exchanged_once(kind: str) -> None:
    apps = ChatApps(CALLBACK)
    code = allowed(apps, kind)
    assert {"webhook", "incoming_webhook"} & set(said(exchange(apps, kind, code)))
    assert said(exchange(apps, kind, code))["error"] in ("invalid_code", "invalid_grant")


@pytest.mark.parametrize("kind", ["discord", "slack"])
def test_a_code_counts_for_its_own_client_and_way_back_alone(kind: str) -> None:
    apps = ChatApps(CALLBACK)
    assert "client" in said(exchange(apps, kind, allowed(apps, kind), secret="other"))["error"]
    assert "error" in said(exchange(apps, kind, allowed(apps, kind), back="https://evil.example/{}"))
    assert "error" in said(exchange(apps, kind, "made-up"))


def test_an_app_is_offered_where_people_can_come_back_to() -> None:
    assert connects_of(SETTINGS) == ("discord", "slack")
    assert connects_of(Settings(slack=SETTINGS.slack)) == ()
    assert connects_of(Settings(server=SETTINGS.server, slack=SETTINGS.slack)) == ("slack",)
