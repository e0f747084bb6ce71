"""The Teams workflow of the tests refuses what Teams and Logic Apps document as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendor_msteams import HOST, PATH, SIGNATURE, MsTeamsJudge
from tests.support.vendors import Request

QUERY = {"api-version": "2016-06-01", "sig": SIGNATURE}
TEXT = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "Down"}]}
OPEN = {"type": "Action.OpenUrl", "title": "Open", "url": "https://a.example"}


def message(**over: Any) -> dict[str, Any]:
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [TEXT], "actions": [OPEN], **over}
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def request(
    document: Any, *, path: str = PATH, query: dict[str, str] = QUERY, content: str = "application/json"
) -> Request:
    return Request("POST", HOST, path, query, {"content-type": content}, json.dumps(document).encode())


def test_a_card_is_taken_and_nothing_is_said_of_it() -> None:
    judge = MsTeamsJudge()
    reply = judge(request(message()))
    assert (reply.status, reply.body, judge.posted[0]["body"]) == (202, b"", [TEXT])


@pytest.mark.parametrize(
    ("refused", "status", "code"),
    [
        (request(message(), path="/workflows/other/triggers/manual/paths/invoke"), 404, "WorkflowNotFound"),
        (request(message(), query={"api-version": "2016-06-01"}), 401, "DirectApiAuthorizationRequired"),
        (request(message(), query={"sig": SIGNATURE}), 401, "DirectApiAuthorizationRequired"),
        (request(message(body=[TEXT] * 500)), 413, "RequestEntityTooLarge"),
        (request(message(), content="text/plain"), 400, "TriggerInputSchemaMismatch"),
        (request({"text": "x"}), 400, "TriggerInputSchemaMismatch"),
        (request([]), 400, "TriggerInputSchemaMismatch"),
        (request(message(version="2.0")), 400, "TriggerInputSchemaMismatch"),
        (request(message(body=[{"type": "Html"}])), 400, "TriggerInputSchemaMismatch"),
        (request(message(actions=[OPEN] * 7)), 400, "TriggerInputSchemaMismatch"),
        (request(message(actions=[{**OPEN, "url": "javascript:x"}])), 400, "TriggerInputSchemaMismatch"),
    ],
)
def test_what_a_workflow_refuses_is_refused(refused: Request, status: int, code: str) -> None:
    reply = MsTeamsJudge()(refused)
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (status, code)
