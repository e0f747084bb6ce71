"""A Google Chat space's webhook as it is documented: texts, cards, threads, and messages that are sent twice.

https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create,
https://developers.google.com/workspace/chat/api/reference/rest/v1/cards
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.support.vendors import Reply, Request

HOST = "chat.googleapis.com"
PATH = "/v1/spaces/AAAAbbbbCCC/messages"
KEY, TOKEN = "AIzaSyDdI0hCZtE6vySjMm-WEfRq3CPzqKqqsHI", "o7Gq2-rYtPz_x1%3D"
URL = f"https://{HOST}{PATH}?key={KEY}&token={TOKEN}"

_OPTIONS = {"REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD", "REPLY_MESSAGE_OR_FAIL"}
_PARAMETERS = {"key", "token", "requestId", "messageReplyOption", "messageId", "threadKey"}
_TAG = re.compile(r"<(?!/?(b|i|u|s|br|a href=\"[^\"]*\"|font color=\"[^\"]*\")/?>)|&(?!(amp|lt|gt|quot|#39);)")


@dataclass
class GoogleChatJudge:
    """`threads` are the texts by the key of their thread; `later` answers before the rules, once for each request."""

    threads: dict[str, list[str]] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    by_request: dict[str, str] = field(default_factory=dict)
    later: list[Reply | None] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        said = self.later.pop(0) if self.later else None
        return self.judge(request) if said is None else said

    def judge(self, request: Request) -> Reply:
        if request.path != PATH:
            return error(404, "NOT_FOUND")
        if request.method != "POST" or set(request.query) - _PARAMETERS:
            return error(400, "INVALID_ARGUMENT")
        if request.query.get("key") != KEY:
            return error(400, "INVALID_ARGUMENT")
        if request.query.get("token") != TOKEN.replace("%3D", "="):
            return error(403, "PERMISSION_DENIED")
        document = _read(request)
        if len(request.body) > 32_000 or not _is_message(document):
            return error(400, "INVALID_ARGUMENT")
        return self._posted(request, document)

    def _posted(self, request: Request, document: dict[str, Any]) -> Reply:
        again = self.by_request.get(request.query.get("requestId", ""))
        if again is None:
            again = f"spaces/AAAAbbbbCCC/messages/{len(self.posted) + 1}"
            self.by_request[request.query.get("requestId", again)] = again
            self.posted.append(document)
            replies = request.query.get("messageReplyOption") in _OPTIONS
            key = document.get("thread", {}).get("threadKey") if replies else None
            self.threads.setdefault(key or again, []).append(document.get("text", ""))
        return Reply(200, json.dumps({"name": again, "thread": {"name": "spaces/AAAAbbbbCCC/threads/x"}}).encode())


def error(status: int, name: str) -> Reply:
    """A refusal in Google's form."""
    return Reply(status, json.dumps({"error": {"code": status, "message": name, "status": name}}).encode())


def _read(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError:
        return {}
    is_json = request.headers.get("content-type", "").startswith("application/json")
    return found if is_json and isinstance(found, dict) else {}


def _is_message(document: dict[str, Any]) -> bool:
    text, cards = document.get("text", ""), document.get("cardsV2", [])
    if set(document) - {"text", "cardsV2", "thread"} or not (text or cards) or len(text) > 4096:
        return False
    return all(map(_is_widget, [w for c in cards for s in c["card"]["sections"] for w in s["widgets"]]))


def _is_widget(widget: dict[str, Any]) -> bool:
    match widget:
        case {"textParagraph": {"text": str(text)}}:
            return bool(text) and not _TAG.search(text)
        case {"decoratedText": {"text": str(text)}}:
            return bool(text) and not _TAG.search(text)
        case {"buttonList": {"buttons": [*buttons]}}:
            return bool(buttons) and all(b["text"] and b["onClick"]["openLink"]["url"] for b in buttons)
    return False
