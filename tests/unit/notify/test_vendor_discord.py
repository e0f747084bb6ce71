"""The Discord of the tests refuses what Discord documents as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendor_discord import HOST, PATH, THREAD, DiscordJudge
from tests.support.vendors import Request

QUIET: dict[str, Any] = {"allowed_mentions": {"parse": []}}
FIELD = {"name": "Since", "value": "14:03"}


def request(
    document: Any,
    *,
    path: str = PATH,
    method: str = "POST",
    agent: str = "DiscordBot (https://a.example, 1)",
    **query: str,
) -> Request:
    headers = {"content-type": "application/json", "user-agent": agent}
    return Request(method, HOST, path, query, headers, json.dumps(document).encode())


def test_a_message_is_posted_and_edited() -> None:
    judge = DiscordJudge()
    reply = judge(request({"content": "Down", **QUIET}, wait="true", thread_id=THREAD))
    number = json.loads(reply.body)["id"]
    assert judge(request({"content": "Up", **QUIET}, path=f"{PATH}/messages/{number}", method="PATCH")).status == 200
    assert judge.posted[number]["content"] == "Up"


def test_without_wait_nothing_is_known_of_the_message() -> None:
    assert DiscordJudge()(request({"content": "Down", **QUIET})).status == 204


def embed(**over: Any) -> dict[str, Any]:
    return {"embeds": [over], **QUIET}


@pytest.mark.parametrize(
    ("refused", "status", "code"),
    [
        (request({**QUIET}), 400, 50035),
        (request([]), 400, 50035),
        (request({"content": "x" * 2001, **QUIET}), 400, 50035),
        (request({"content": "x"}), 400, 50035),
        (request(embed(description="x" * 4097)), 400, 50035),
        (request(embed(title="x" * 257)), 400, 50035),
        (request(embed(color=1 << 24)), 400, 50035),
        (request(embed(fields=[FIELD] * 26)), 400, 50035),
        (request(embed(fields=[{"name": "", "value": "x"}])), 400, 50035),
        (request(embed(description="x" * 4000, fields=[{"name": "x", "value": "y" * 1000}] * 3)), 400, 50035),
        (request({"content": "x", **QUIET}, path="/api/webhooks/999/abc"), 404, 10015),
        (request({"content": "x", **QUIET}, path=PATH + "x"), 401, 50027),
        (request({"content": "x", **QUIET}, thread_id="1"), 404, 10003),
        (request({"content": "x", **QUIET}, path=f"{PATH}/messages/1", method="PATCH"), 404, 10008),
        (request({"content": "x", **QUIET}, method="PUT"), 405, 0),
    ],
)
def test_what_discord_refuses_is_refused(refused: Request, status: int, code: int) -> None:
    reply = DiscordJudge()(refused)
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)


def test_whoever_does_not_say_who_asks_is_turned_away_before_anything_is_read() -> None:
    assert DiscordJudge()(request({"content": "x", **QUIET}, agent="python")).status == 403
