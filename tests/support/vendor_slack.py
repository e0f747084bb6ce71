"""Slack as it is documented: incoming webhooks, chat.postMessage, chat.update, and what Block Kit allows.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/reference/methods/chat.update,
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.support.vendors import Reply, Request

HOOKS, API = "hooks.slack.com", "slack.com"
PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
HOOK = f"https://{HOOKS}{PATH}"
TOKEN = "xoxb-1234567890-abcdefghijkl"
CHANNELS = {"#alerts": "C0000000001", "C0000000001": "C0000000001"}

_TEXTS = {"plain_text", "mrkdwn"}
_ENTITY = re.compile(r"&(?!(amp|lt|gt);)")
_LINK = re.compile(r"<https?://[^<>|]+\|[^<>|]+>")


@dataclass
class SlackJudge:
    """`posted` are the messages by their ts; `later` are answers that come before the rules, one for each request."""

    posted: dict[str, dict[str, Any]] = field(default_factory=dict)
    hooked: list[dict[str, Any]] = field(default_factory=list)
    later: list[Reply | None] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        said = self.later.pop(0) if self.later else None
        return self.judge(request) if said is None else said

    def judge(self, request: Request) -> Reply:
        if request.host.partition(":")[0] == HOOKS:
            return self._hook(request)
        called = {"/api/chat.postMessage": self._post, "/api/chat.update": self._update}.get(request.path)
        if called is None:
            return _api(error="unknown_method")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _api(error="invalid_auth" if "authorization" in request.headers else "not_authed")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return _api(error="invalid_post_type")
        document = _read(request)
        wrong = message_error(document)
        return _api(error=wrong) if wrong else called(document)

    def _hook(self, request: Request) -> Reply:
        if request.method != "POST":
            return Reply(405, b"")
        if not request.path.startswith("/services/"):
            return Reply(404, b"no_active_hooks")
        if request.path != PATH:
            return Reply(404, b"no_service")
        document = _read(request)
        wrong = message_error(document)
        if wrong or {"thread_ts", "channel", "reply_broadcast"} & set(document):
            return Reply(400, b"invalid_payload" if wrong in ("", "invalid_json") else wrong.encode())
        self.hooked.append(document)
        return Reply(200, b"ok")

    def _post(self, document: dict[str, Any]) -> Reply:
        channel = CHANNELS.get(document.get("channel", ""))
        if channel is None:
            return _api(error="channel_not_found")
        if "thread_ts" in document and document["thread_ts"] not in self.posted:
            return _api(error="thread_not_found")
        ts = f"1700000000.{len(self.posted) + 1:06}"
        self.posted[ts] = document
        return _api(channel=channel, ts=ts, message=document)

    def _update(self, document: dict[str, Any]) -> Reply:
        if document.get("channel") not in CHANNELS.values():
            return _api(error="channel_not_found")
        if document.get("ts") not in self.posted:
            return _api(error="message_not_found")
        self.posted[document["ts"]] |= document
        return _api(channel=document["channel"], ts=document["ts"], text=document["text"])


def _api(*, error: str | None = None, **answer: Any) -> Reply:
    said = {"ok": False, "error": error} if error else {"ok": True, **answer}
    return Reply(200, json.dumps(said).encode(), {"Content-Type": "application/json"})


def _read(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def message_error(document: dict[str, Any]) -> str:
    """The word that Slack refuses it with; empty for a good message."""
    if not document:
        return "invalid_json"
    if not document.get("text") and not document.get("blocks"):
        return "no_text"
    if len(document.get("text", "")) > 40_000:
        return "msg_too_long"
    blocks = document.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > 50 or not all(map(_is_block, blocks)):
        return "invalid_blocks"
    return "" if _is_marked_up(document.get("text", "")) else "unescaped"


def _is_block(block: dict[str, Any]) -> bool:
    match block.get("type"):
        case "header":
            text = block.get("text", {})
            return text.get("type") == "plain_text" and _is_text(text, 150)
        case "section":
            fields = block.get("fields", [])
            if not ("text" in block or fields) or len(fields) > 10:
                return False
            return ("text" not in block or _is_text(block["text"], 3000)) and all(_is_text(f, 2000) for f in fields)
        case "context":
            elements = block.get("elements", [])
            return 0 < len(elements) <= 10 and all(_is_text(element, 3000) for element in elements)
    return False


def _is_text(text: dict[str, Any], limit: int) -> bool:
    if text.get("type") not in _TEXTS or not 0 < len(text.get("text", "")) <= limit:
        return False
    allowed = {"type", "text"} | ({"emoji"} if text["type"] == "plain_text" else {"verbatim"})
    return set(text) <= allowed and (text["type"] == "plain_text" or _is_marked_up(text["text"]))


def _is_marked_up(text: str) -> bool:
    """Whether nothing but links is in angle brackets, and every & begins an escape. Stricter than Slack, as we are."""
    bare = _LINK.sub("", text)
    return "<" not in bare and ">" not in bare and not _ENTITY.search(bare)
