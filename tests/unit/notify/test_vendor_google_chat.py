"""The Google Chat of the tests refuses what Google documents as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendor_google_chat import HOST, KEY, PATH, GoogleChatJudge
from tests.support.vendors import Request

PROOF = {"key": KEY, "token": "o7Gq2-rYtPz_x1="}
REPLY = {**PROOF, "messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"}


def request(document: Any, *, path: str = PATH, query: dict[str, str] = PROOF) -> Request:
    return Request("POST", HOST, path, query, {"content-type": "application/json"}, json.dumps(document).encode())


def widget(**one: Any) -> dict[str, Any]:
    return {"cardsV2": [{"cardId": "a", "card": {"sections": [{"widgets": [one]}]}}]}


def test_messages_of_one_key_are_one_thread_where_they_reply() -> None:
    judge = GoogleChatJudge()
    for text in ("Down", "Up"):
        assert judge(request({"text": text, "thread": {"threadKey": "a"}}, query=REPLY)).status == 200
    judge(request({"text": "Other", "thread": {"threadKey": "a"}}))
    assert sorted(judge.threads.values()) == [["Down", "Up"], ["Other"]]


def test_a_message_that_is_sent_twice_is_posted_once() -> None:
    judge = GoogleChatJudge()
    for _ in range(2):
        assert judge(request({"text": "Down"}, query={**PROOF, "requestId": "r"})).status == 200
    assert len(judge.posted) == 1


@pytest.mark.parametrize(
    ("refused", "status", "name"),
    [
        (request({"text": "x"}, path="/v1/spaces/other/messages"), 404, "NOT_FOUND"),
        (request({"text": "x"}, query={**PROOF, "token": "other"}), 403, "PERMISSION_DENIED"),
        (request({"text": "x"}, query={"token": "other"}), 400, "INVALID_ARGUMENT"),
        (request({"text": "x"}, query={**PROOF, "wait": "true"}), 400, "INVALID_ARGUMENT"),
        (request({"text": ""}), 400, "INVALID_ARGUMENT"),
        (request({"text": "x" * 4097}), 400, "INVALID_ARGUMENT"),
        (request({"text": "x", "content": "y"}), 400, "INVALID_ARGUMENT"),
        (request([]), 400, "INVALID_ARGUMENT"),
        (request(widget(textParagraph={"text": "<users/all>"})), 400, "INVALID_ARGUMENT"),
        (request(widget(textParagraph={"text": "a & b"})), 400, "INVALID_ARGUMENT"),
        (request(widget(textParagraph={"text": ""})), 400, "INVALID_ARGUMENT"),
        (request(widget(video={})), 400, "INVALID_ARGUMENT"),
        (request(widget(textParagraph={"text": "é" * 16_000})), 400, "INVALID_ARGUMENT"),
    ],
)
def test_what_google_refuses_is_refused(refused: Request, status: int, name: str) -> None:
    reply = GoogleChatJudge()(refused)
    assert (reply.status, json.loads(reply.body)["error"]["status"]) == (status, name)
