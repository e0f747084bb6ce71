"""Leave a Telegram group when the last channel that was linked to it is deleted; best effort, after the commit."""

from __future__ import annotations

import asyncio

import structlog

from control_plane.domain.channels.telegram_rules import is_group
from control_plane.notify.telegram_bot import TelegramBot
from control_plane.notify.transport_error import TransportError
from control_plane.services.alerting.hear_telegram import KIND
from control_plane.store import linked_channels
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Database

PATIENCE_S = 3.0
"""How long whoever deletes a channel waits for Telegram."""

_log = structlog.get_logger(__name__)


async def part_from_chat(database: Database, bot: TelegramBot | None, deleted: ChannelRow) -> None:
    """Leave the group of a channel that is deleted, unless another channel, of whatever tenant, is linked to it."""
    chat_id = deleted.config.get("chat_id")
    if bot is None or deleted.kind != KIND or not isinstance(chat_id, str) or not is_group(chat_id):
        return
    async with database.app() as conn:
        if await linked_channels.is_linked(conn, kind=KIND, address=chat_id):
            return
    try:
        async with asyncio.timeout(PATIENCE_S):
            await bot.call("leaveChat", {"chat_id": int(chat_id)})
    except TimeoutError:
        _log.warning("telegram_group_not_left", error="Telegram did not answer")
    except TransportError as error:
        _log.warning("telegram_group_not_left", error=error.message)
