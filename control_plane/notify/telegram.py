"""Telegram through a bot of the tenant's own: sendMessage (https://core.telegram.org/bots/api#sendmessage).

What Telegram's answers mean is notify/telegram_bot.py's. Three refusals are mended at once: a group that became a
supergroup is written to under its new id, which the channel keeps; a topic that was deleted is left out; buttons whose
URL Telegram does not take become lines of text. A message that is sent twice shows twice: the Bot API knows no key.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from control_plane.domain.channels import channel_rules, telegram_rules
from control_plane.notify.telegram_bot import HOST, BotError, Called, TelegramBot
from control_plane.notify.telegram_message import payload
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport

_MENDED = 3
"""How often one message is sent again at once: for each of the refusals that we can mend."""


class Telegram(Configuration, frozen=True, tag="telegram"):
    """A bot by its token, and the chat that it writes to: a number, or the @name of a public channel."""

    bot_token: str
    chat_id: str | int
    message_thread_id: int | None = None


class TelegramTransport(Transport[Telegram]):
    """Sends by the tenant's bot."""

    configuration: ClassVar[type[Telegram]] = Telegram
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Telegram, *, entropy: bytes) -> Telegram:  # noqa: ARG002  # no secret of ours
        """Fields as the Bot API documents them. Raises BadRequest."""
        telegram_rules.check_token(config.bot_token)
        telegram_rules.check_thread(config.message_thread_id)
        return msgspec.structs.replace(config, chat_id=telegram_rules.read_chat(config.chat_id))

    def parts(self, config: Telegram) -> Parts:
        """The token is sealed."""
        shown = {
            "type": "telegram",
            "bot_token": channel_rules.MASK,
            "chat_id": str(config.chat_id),
            **({} if config.message_thread_id is None else {"message_thread_id": config.message_thread_id}),
        }
        return Parts(shown=shown, secrets={"bot_token": config.bot_token}, host=HOST)

    async def send(self, config: Telegram, message: Message) -> Sent:
        """One message. Raises TransportError."""
        bot = TelegramBot(self._http, config.bot_token)
        return await send_by(bot, message, chat_id=str(config.chat_id), thread=config.message_thread_id)


class _Way(Struct, frozen=True):
    """How a message is tried."""

    chat_id: str
    thread: int | None
    buttons: bool = True


class _SentMessage(Struct, frozen=True):
    message_id: int


async def send_by(bot: TelegramBot, message: Message, *, chat_id: str, thread: int | None) -> Sent:
    """One message by a bot, whoever's it is. Raises TransportError."""
    way = _Way(chat_id, thread)
    for _ in range(_MENDED):
        try:
            return _sent(await _try(bot, message, way), way, chat_id=chat_id)
        except BotError as refused:
            mended = _mended(way, refused)
            if mended is None:
                raise
            way = mended
    return _sent(await _try(bot, message, way), way, chat_id=chat_id)


async def _try(bot: TelegramBot, message: Message, way: _Way) -> Called:
    return await bot.call("sendMessage", payload(message, chat_id=way.chat_id, thread=way.thread, buttons=way.buttons))


def _mended(way: _Way, refused: BotError) -> _Way | None:
    """Another way to try, which this refusal asks for; None where none helps."""
    said = refused.description.lower()
    if refused.migrate_to is not None and str(refused.migrate_to) != way.chat_id:
        return msgspec.structs.replace(way, chat_id=str(refused.migrate_to))
    if refused.http_status != 400:
        return None
    if way.thread is not None and "thread not found" in said:
        return msgspec.structs.replace(way, thread=None)
    if way.buttons and "button" in said:
        return msgspec.structs.replace(way, buttons=False)
    return None


def _sent(called: Called, way: _Way, *, chat_id: str) -> Sent:
    return Sent(
        http_status=called.http_status,
        response=called.response,
        receipt=_receipt(called),
        amended=None if way.chat_id == chat_id else {"chat_id": way.chat_id},
    )


def _receipt(called: Called) -> dict[str, Any] | None:
    """The number that later messages of the incident answer to."""
    try:
        return {"message_id": msgspec.json.decode(called.result, type=_SentMessage).message_id}
    except msgspec.MsgspecError:
        return None
