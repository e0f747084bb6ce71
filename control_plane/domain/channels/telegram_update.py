"""What Telegram tells the installation's bot, as far as we act on it (https://core.telegram.org/bots/api#update). Pure.

`/start CODE` comes from a person's deep link and, as `/start@bot CODE`, from one that picked a group; `/link CODE` is
typed. `/stop` ends what is linked to the chat, and so does removing or blocking the bot. Everything else means nothing.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

ALLOWED_UPDATES = ("message", "channel_post", "my_chat_member")
"""What the bot asks to be told of."""

TITLE_LIMIT = 128

_COMMAND = re.compile(r"/(?P<verb>start|link|stop)(?:@(?P<bot>\w{1,64}))?(?:\s+(?P<rest>.*))?", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_GONE = {
    "kicked": "The bot was removed from this chat, or blocked",
    "left": "The bot was removed from this chat",
}
REMOVED = frozenset(_GONE.values())
"""Reasons that say that the bot is out of a chat."""


class Chat(Struct, frozen=True):
    """Where something was said. `thread`: the topic, in a group that has them."""

    id: str
    title: str
    private: bool
    thread: int | None = None


class Connect(Struct, frozen=True):
    """Somebody brings a code."""

    chat: Chat
    code: str


class Greet(Struct, frozen=True):
    """Somebody found the bot without a code."""

    chat: Chat


class Stop(Struct, frozen=True):
    """The chat wants no more."""

    chat: Chat


class Closed(Struct, frozen=True):
    """The bot may not write there any more."""

    chat: Chat
    reason: str


class Moved(Struct, frozen=True):
    """The group is a supergroup now, under another id."""

    chat: Chat
    to: str


Heard = Connect | Greet | Stop | Closed | Moved


class _Chat(Struct, frozen=True):
    id: int
    type: str = ""
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    username: str = ""


class _Message(Struct, frozen=True):
    chat: _Chat
    text: str = ""
    message_thread_id: int | None = None
    is_topic_message: bool = False
    migrate_to_chat_id: int | None = None


class _Member(Struct, frozen=True):
    status: str = ""


class _MemberUpdate(Struct, frozen=True):
    chat: _Chat
    new_chat_member: _Member


class _Update(Struct, frozen=True):
    message: _Message | None = None
    channel_post: _Message | None = None
    my_chat_member: _MemberUpdate | None = None


_READ = msgspec.json.Decoder(_Update)


def read_update(body: bytes, *, bot_name: str) -> Heard | None:
    """What an update says to this bot; None for whatever else it is, broken ones included."""
    try:
        update = _READ.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if update.my_chat_member is not None:
        reason = _GONE.get(update.my_chat_member.new_chat_member.status)
        return None if reason is None else Closed(_chat(update.my_chat_member.chat), reason)
    message = update.message or update.channel_post
    return None if message is None else _read_message(message, bot_name)


def _read_message(message: _Message, bot_name: str) -> Heard | None:
    chat = _chat(message.chat, thread=message.message_thread_id if message.is_topic_message else None)
    if message.migrate_to_chat_id is not None:
        return Moved(chat, str(message.migrate_to_chat_id))
    command = _COMMAND.fullmatch(message.text.strip())
    if command is None or (command["bot"] or bot_name).lower() != bot_name.lower():
        return None
    if command["verb"] == "stop":
        return Stop(chat)
    words = (command["rest"] or "").split()
    if words:
        return Connect(chat, words[0])
    return Greet(chat) if chat.private or command["verb"] == "link" else None


def _chat(chat: _Chat, *, thread: int | None = None) -> Chat:
    named = chat.title or f"{chat.first_name} {chat.last_name}".strip() or chat.username
    title = " ".join(_UNPRINTABLE.sub(" ", named).split())[:TITLE_LIMIT]
    return Chat(str(chat.id), title, chat.type == "private", thread)
