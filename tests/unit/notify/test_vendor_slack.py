"""The Slack of the tests refuses what Slack documents as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendor_slack import API, HOOKS, PATH, TOKEN, SlackJudge
from tests.support.vendors import Request

HEADER = {"type": "header", "text": {"type": "plain_text", "text": "Down"}}


def call(document: Any, method: str = "chat.postMessage", *, token: str = TOKEN) -> Request:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return Request("POST", API, f"/api/{method}", {}, headers, json.dumps(document).encode())


def hook(document: Any, path: str = PATH) -> Request:
    return Request("POST", HOOKS, path, {}, {}, json.dumps(document).encode())


def said(judge: SlackJudge, request: Request) -> dict[str, Any]:
    reply = judge(request)
    assert reply.status == 200
    found: dict[str, Any] = json.loads(reply.body)
    return found


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_a_message_is_posted_answered_and_edited() -> None:
    judge = SlackJudge()
    first = said(judge, call({"channel": "#alerts", "text": "Down", "blocks": [HEADER]}))
    assert first["ok"]
    assert said(judge, call({"channel": first["channel"], "text": "Up", "thread_ts": first["ts"]}))["ok"]
    assert said(judge, call({"channel": first["channel"], "text": "Over", "ts": first["ts"]}, "chat.update"))["ok"]
    assert judge.posted[first["ts"]]["text"] == "Over"


def test_a_webhook_takes_a_message_of_its_own() -> None:
    judge = SlackJudge()
    assert (judge(hook({"text": "Down <https://a.example/x|see> &amp;"})).body, len(judge.hooked)) == (b"ok", 1)


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (call({"channel": "#alerts"}), "no_text"),
        (call([]), "invalid_json"),
        (call({"channel": "#other", "text": "x"}), "channel_not_found"),
        (call({"channel": "#alerts", "text": "x", "thread_ts": "1.1"}), "thread_not_found"),
        (call({"channel": "#alerts", "text": "x" * 40_001}), "msg_too_long"),
        (call({"channel": "#alerts", "blocks": [section("x" * 3001)]}), "invalid_blocks"),
        (call({"channel": "#alerts", "blocks": [section("")]}), "invalid_blocks"),
        (call({"channel": "#alerts", "blocks": [HEADER] * 51}), "invalid_blocks"),
        (call({"channel": "#alerts", "blocks": [{"type": "video"}]}), "invalid_blocks"),
        (call({"channel": "#alerts", "blocks": [section("<!channel>")]}), "invalid_blocks"),
        (call({"channel": "#alerts", "text": "a & b"}), "unescaped"),
        (call({"channel": "C0000000001", "ts": "1.1", "text": "x"}, "chat.update"), "message_not_found"),
        (call({"channel": "#alerts", "ts": "1.1", "text": "x"}, "chat.update"), "channel_not_found"),
        (call({"channel": "#alerts", "text": "x"}, token="xoxb-other"), "invalid_auth"),
        (call({"channel": "#alerts", "text": "x"}, "chat.unknown"), "unknown_method"),
    ],
)
def test_what_the_api_refuses_is_refused(refused: Request, error: str) -> None:
    assert said(SlackJudge(), refused) == {"ok": False, "error": error}


@pytest.mark.parametrize(
    ("refused", "status", "word"),
    [
        (hook({"text": "x"}, "/services/T0/B0/other"), 404, b"no_service"),
        (hook({"text": "x"}, "/workflows/T0/A0/1/x"), 404, b"no_active_hooks"),
        (hook([]), 400, b"invalid_payload"),
        (hook({}), 400, b"invalid_payload"),
        (hook({"text": "x", "thread_ts": "1.1"}), 400, b"invalid_payload"),
        (hook({"text": "", "blocks": []}), 400, b"no_text"),
    ],
)
def test_what_a_webhook_refuses_is_refused(refused: Request, status: int, word: bytes) -> None:
    reply = SlackJudge()(refused)
    assert (reply.status, reply.body) == (status, word)
