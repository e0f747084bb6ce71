"""Telegram's Bot API as it is documented: chats it knows, what it takes of a message, and how it refuses.

https://core.telegram.org/bots/api: "Making requests", sendMessage, HTML style, ResponseParameters, setWebhook,
leaveChat. The words of refusals are those that the server answers with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from tests.support.vendors import Reply, Request

HOST = "api.telegram.org"
TOKEN = "123456789:AAE-test_token_of_a_bot_0123456789abc"
TAGS = {
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "span",
    "tg-spoiler",
    "a",
    "code",
    "pre",
    "blockquote",
}
PARAMETERS = {
    *("chat_id", "message_thread_id", "text", "parse_mode", "link_preview_options", "disable_notification"),
    *("protect_content", "reply_parameters", "reply_markup"),
}
UPDATES = {"message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member"}
WEBHOOK_PORTS = (80, 88, 443, 8443)


@dataclass
class Chat:
    """A chat that the bot may know. `closed` is why it may not write there, `moved` where the group went."""

    id: int
    type: str = "private"
    title: str = "Ana"
    topics: set[int] = field(default_factory=set)
    closed: str | None = None
    moved: int | None = None
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    left: bool = False


@dataclass
class TelegramJudge:
    """`chats` by their number or @name. `later` are answers that come before the rules, one for each request."""

    token: str = TOKEN
    chats: dict[str, Chat] = field(default_factory=dict)
    webhook: dict[str, Any] | None = None
    later: list[Reply | None] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def with_chat(self, chat: Chat, *, name: str | None = None) -> Chat:
        self.chats[str(chat.id)] = chat
        if name is not None:
            self.chats[name] = chat
        return chat

    def __call__(self, request: Request) -> Reply:
        said = self.later.pop(0) if self.later else None
        return self.judge(request) if said is None else said

    def judge(self, request: Request) -> Reply:
        split = re.fullmatch(r"/bot([^/]+)/([A-Za-z]+)", request.path)
        if split is None or not re.fullmatch(r"\d+:[A-Za-z0-9_-]+", split[1]):
            return refusal(404, "Not Found")
        if split[1] != self.token:
            return refusal(401, "Unauthorized")
        if request.method != "POST" or not request.headers.get("content-type", "").startswith("application/json"):
            return refusal(400, "Bad Request: the tests send JSON by POST")
        try:
            given = json.loads(request.body)
        except ValueError:
            return refusal(400, "Bad Request: object expected as parameters")
        methods = {"sendMessage": self._send, "leaveChat": self._leave, "setWebhook": self._set_webhook}
        if split[2] not in methods:
            return refusal(404, "Not Found: method not found")
        return methods[split[2]](given)

    def _send(self, given: dict[str, Any]) -> Reply:
        chat = self.chats.get(str(given.get("chat_id", "")))
        wrong = unknown(given) or (None if chat else "chat not found")
        if wrong is not None or chat is None:
            return refusal(400, f"Bad Request: {wrong}")
        if chat.moved is not None:
            upgraded = "Bad Request: group chat was upgraded to a supergroup chat"
            return refusal(400, upgraded, migrate_to_chat_id=chat.moved)
        if chat.closed is not None:
            return refusal(403, f"Forbidden: {chat.closed}")
        wrong = message_error(given) or place_error(given, chat)
        if wrong is not None:
            return refusal(400, f"Bad Request: {wrong}")
        number = 100 + len(self.sent)
        chat.messages[number] = given
        self.sent.append(given)
        told = {
            "message_id": number,
            "date": 1,
            "chat": {"id": chat.id, "type": chat.type},
            "text": plain(given["text"]),
        }
        return accepted(told)

    def _leave(self, given: dict[str, Any]) -> Reply:
        chat = self.chats.get(str(given.get("chat_id", "")))
        if chat is None:
            return refusal(400, "Bad Request: chat not found")
        if chat.type == "private":
            return refusal(400, "Bad Request: chat member status can't be changed in private chats")
        if chat.left:
            return refusal(403, "Forbidden: bot is not a member of the supergroup chat")
        chat.left = True
        return accepted(True)

    def _set_webhook(self, given: dict[str, Any]) -> Reply:
        url = urlsplit(str(given.get("url", "")))
        wrong = None
        if url.scheme != "https":
            wrong = "bad webhook: An HTTPS URL must be provided for webhook"
        elif (url.port or 443) not in WEBHOOK_PORTS:
            wrong = "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"
        elif not re.fullmatch("[A-Za-z0-9_-]{1,256}", given.get("secret_token", "")):
            wrong = "secret token contains unallowed characters"
        elif not set(given.get("allowed_updates", [])) <= UPDATES:
            wrong = "can't parse allowed updates"
        if wrong is not None:
            return refusal(400, f"Bad Request: {wrong}")
        self.webhook = given
        return accepted(True)


def accepted(result: Any) -> Reply:
    return Reply(200, json.dumps({"ok": True, "result": result}).encode(), {"Content-Type": "application/json"})


def refusal(status: int, description: str, **parameters: int) -> Reply:
    """An answer that is not ok."""
    said: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        said["parameters"] = parameters
    return Reply(status, json.dumps(said).encode(), {"Content-Type": "application/json"})


def too_many(seconds: int) -> Reply:
    return refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def unknown(given: Mapping[str, Any]) -> str | None:
    """Telegram ignores what it does not know; a test that sends such has mistyped something."""
    beyond = sorted(set(given) - PARAMETERS)
    return f"unknown parameters {', '.join(beyond)}" if beyond else None


def message_error(given: Mapping[str, Any]) -> str | None:
    """What is wrong with the text and the buttons."""
    if given.get("parse_mode", "HTML") != "HTML":
        return "unsupported parse_mode"
    try:
        text = plain(given.get("text", ""))
    except ValueError as wrong:
        return f"can't parse entities: {wrong}"
    if not text.strip():
        return "message text is empty"
    if len(text.encode("utf-16-le")) // 2 > 4096:
        return "message is too long"
    return button_error(given.get("reply_markup"))


def button_error(markup: Any) -> str | None:
    if markup is None:
        return None
    for row in markup["inline_keyboard"]:
        for button in row:
            if not button.get("text") or set(button) != {"text", "url"}:
                return "text buttons are unallowed in the inline keyboard"
            split = urlsplit(button["url"])
            if split.scheme not in ("http", "https", "tg") or "." not in (split.hostname or ""):
                return f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
    return None


def place_error(given: Mapping[str, Any], chat: Chat) -> str | None:
    """What is wrong with the topic and with the message that is answered."""
    thread = given.get("message_thread_id")
    if thread is not None and thread not in chat.topics:
        return "message thread not found"
    answered = given.get("reply_parameters")
    if answered is None or answered["message_id"] in chat.messages or answered.get("allow_sending_without_reply"):
        return None
    return "message to be replied not found"


def plain(text: str) -> str:
    """The text without its entities. Raises ValueError where Telegram cannot parse them."""
    parser = _Entities()
    parser.feed(text)
    parser.close()
    if parser.open:
        raise ValueError(f"Can't find end tag corresponding to start tag {parser.open[-1]}")
    return parser.text


class _Entities(HTMLParser):
    """Only the documented tags and entities; a bare < or & that is neither is refused."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise ValueError(f'Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise ValueError(f'Unexpected end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        if "<" in data or ">" in data or "&" in data:
            raise ValueError("a < > or & that is not escaped")
        self.text += data

    def handle_entityref(self, name: str) -> None:
        known = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
        if name not in known:
            raise ValueError(f"the entity {name} is not supported")
        self.text += known[name]

    def handle_charref(self, name: str) -> None:
        self.text += chr(int(name[1:], 16) if name[0] in "xX" else int(name))

    def handle_comment(self, data: str) -> None:
        raise ValueError(f"a comment {data}")

    def handle_decl(self, decl: str) -> None:
        raise ValueError(f"a declaration {decl}")

    def unknown_decl(self, data: str) -> None:
        raise ValueError(f"a declaration {data}")

    def handle_pi(self, data: str) -> None:
        raise ValueError(f"an instruction {data}")
