"""Discord's webhooks as they are documented: posting, editing, limits of embeds, errors.

https://discord.com/developers/docs/resources/webhook#execute-webhook and #edit-webhook-message,
https://discord.com/developers/docs/resources/message#embed-object-embed-limits,
https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.support.vendors import Reply, Request

HOST = "discord.com"
PATH = "/api/webhooks/1234567890/abc-DEF_ghi.123"
URL = f"https://{HOST}{PATH}"
THREAD = "998877665544"

_USER_AGENT = re.compile(r"DiscordBot \(https?://[^ ,]+, [^)]+\)")


@dataclass
class DiscordJudge:
    """`posted` are the messages by their id; `later` are answers that come before the rules, one for each request."""

    posted: dict[str, dict[str, Any]] = field(default_factory=dict)
    later: list[Reply | None] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        said = self.later.pop(0) if self.later else None
        return self.judge(request) if said is None else said

    def judge(self, request: Request) -> Reply:
        if not _USER_AGENT.fullmatch(request.headers.get("user-agent", "")):
            return Reply(403, b"error code: 1010")
        path = request.path.replace("/api/v10/", "/api/")
        if path != PATH and not path.startswith(f"{PATH}/messages/"):
            known = path.startswith(PATH.rpartition("/")[0])
            return _error(401, 50027, "Invalid Webhook Token") if known else _error(404, 10015, "Unknown Webhook")
        if request.query.get("thread_id", THREAD) != THREAD:
            return _error(404, 10003, "Unknown Channel")
        document = _read(request)
        wrong = message_error(document)
        if wrong:
            return _error(400, 50035, f"Invalid Form Body: {wrong}")
        return self._post(request, document) if path == PATH else self._edit(request, path, document)

    def _post(self, request: Request, document: dict[str, Any]) -> Reply:
        if request.method != "POST":
            return _error(405, 0, "405: Method Not Allowed")
        number = str(1100 + len(self.posted))
        self.posted[number] = document
        if request.query.get("wait") != "true":
            return Reply(204, b"")
        return Reply(200, json.dumps({"id": number, "type": 0, **document}).encode())

    def _edit(self, request: Request, path: str, document: dict[str, Any]) -> Reply:
        number = path.rpartition("/")[2]
        if request.method != "PATCH":
            return _error(405, 0, "405: Method Not Allowed")
        if number not in self.posted:
            return _error(404, 10008, "Unknown Message")
        self.posted[number] |= document
        return Reply(200, json.dumps({"id": number, **document}).encode())


def limited(seconds: float, **headers: str) -> Reply:
    """A 429 as documented."""
    said = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
    return Reply(429, json.dumps(said).encode(), headers)


def _error(status: int, code: int, message: str) -> Reply:
    return Reply(status, json.dumps({"message": message, "code": code}).encode())


def _read(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError:
        return {}
    is_json = request.headers.get("content-type", "").startswith("application/json")
    return found if is_json and isinstance(found, dict) else {}


def message_error(document: dict[str, Any]) -> str:
    """What is wrong with a message; empty for a good one."""
    embeds = document.get("embeds", [])
    if not document.get("content") and not embeds:
        return "Cannot send an empty message"
    if len(document.get("content", "")) > 2000:
        return "content"
    if len(embeds) > 10 or not all(map(_is_embed, embeds)) or sum(map(embed_size, embeds)) > 6000:
        return "embeds"
    if document.get("allowed_mentions") != {"parse": []}:
        return "allowed_mentions (Discord takes it, and would ping)"
    return ""


def embed_size(embed: dict[str, Any]) -> int:
    """Characters that count towards the limit of all embeds."""
    texts = [embed.get("title", ""), embed.get("description", "")]
    texts += [field[part] for field in embed.get("fields", []) for part in ("name", "value")]
    return sum(map(len, texts))


def _is_embed(embed: dict[str, Any]) -> bool:
    fields = embed.get("fields", [])
    return (
        len(embed.get("title", "")) <= 256
        and len(embed.get("description", "")) <= 4096
        and 0 <= embed.get("color", 0) <= 0xFFFFFF
        and len(fields) <= 25
        and all(0 < len(each["name"]) <= 256 and 0 < len(each["value"]) <= 1024 for each in fields)
    )
