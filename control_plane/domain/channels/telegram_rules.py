"""What a Telegram channel may be, as the Bot API documents it (https://core.telegram.org/bots/api). Pure."""

from __future__ import annotations

import hmac
import re

from control_plane.domain.channels import channel_rules

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}")
_CHAT_ID = re.compile(r"-?[1-9][0-9]{0,15}")
_USERNAME = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}")

MAX_THREAD = 2**53


def check_token(token: str) -> None:
    """As @BotFather gives it out. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _TOKEN.fullmatch(token):
        raise channel_rules.invalid(
            "A bot token is what @BotFather gives out: digits, a colon, letters and digits", field="/config/bot_token"
        )


def read_chat(chat: str | int) -> str:
    """The chat in its one form: a number, negative for groups, or the @name of a public channel or supergroup.

    Raises BadRequest INVALID_CHANNEL_CONFIG. Numbers have at most 52 significant bits
    (https://core.telegram.org/bots/api#chat).
    """
    text = str(chat).strip()
    if _CHAT_ID.fullmatch(text) or _USERNAME.fullmatch(text):
        return text
    raise channel_rules.invalid(
        "chat_id is the number of a chat, such as 123456789 or -1001234567890, or the @name of a public channel",
        field="/config/chat_id",
    )


def check_thread(thread: int | None) -> None:
    """A topic of a forum. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if thread is not None and not 0 < thread < MAX_THREAD:
        raise channel_rules.invalid(
            "message_thread_id is the number of a topic in the group", field="/config/message_thread_id"
        )


def is_group(chat_id: str) -> bool:
    """Whether it is a group, a supergroup or a channel: their numbers are negative."""
    return chat_id.startswith("-")


def webhook_secret(*, pepper: bytes, bot_token: str) -> str:
    """What Telegram sends along in X-Telegram-Bot-Api-Secret-Token, so that we know it is Telegram: 64 hex digits.

    1 to 256 of A-Z a-z 0-9 _ - (https://core.telegram.org/bots/api#setwebhook). It follows the pepper and the token, so
    every process knows it without keeping it.
    """
    return hmac.new(pepper, b"telegram webhook\n" + bot_token.encode("utf-8", "replace"), "sha256").hexdigest()
