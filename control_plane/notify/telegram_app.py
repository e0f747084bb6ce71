"""Telegram through the installation's own bot: chats that were linked with a code (services/alerting/hear_telegram.py).

Never made from a request's body: whoever could name a chat there could have our bot write to anybody's.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from control_plane.domain.channels import telegram_rules
from control_plane.notify.telegram import send_by
from control_plane.notify.telegram_bot import HOST, TelegramBot
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.settings import Settings


class TelegramApp(Configuration, frozen=True, tag="telegram_app"):
    """A linked chat, as Telegram told it. `message_thread_id`: the topic in which it was linked."""

    chat_id: str
    chat_title: str = ""
    message_thread_id: int | None = None


class TelegramAppTransport(Transport[TelegramApp]):
    """Sends by the operator's bot."""

    configuration: ClassVar[type[TelegramApp]] = TelegramApp
    digests: ClassVar[bool] = True
    managed: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self.bot = TelegramBot(tools.http, tools.settings.telegram.bot_token, ours=True)

    @staticmethod
    def is_set_up(settings: Settings) -> bool:
        """With a bot."""
        return bool(settings.telegram.bot_token and settings.telegram.bot_name)

    def prepared(self, config: TelegramApp, *, entropy: bytes) -> TelegramApp:  # noqa: ARG002  # no secret of ours
        """The number of a chat. Raises BadRequest."""
        telegram_rules.check_thread(config.message_thread_id)
        return msgspec.structs.replace(config, chat_id=telegram_rules.read_chat(config.chat_id))

    def parts(self, config: TelegramApp) -> Parts:
        """Nothing of it is secret."""
        shown = {
            "type": "telegram_app",
            "chat_id": config.chat_id,
            "chat_title": config.chat_title,
            **({} if config.message_thread_id is None else {"message_thread_id": config.message_thread_id}),
        }
        return Parts(shown=shown, secrets={}, host=HOST)

    async def send(self, config: TelegramApp, message: Message) -> Sent:
        """One message. Raises TransportError."""
        return await send_by(self.bot, message, chat_id=config.chat_id, thread=config.message_thread_id)
