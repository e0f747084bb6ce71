"""Act on what Telegram tells the installation's bot, and say what to answer in that chat."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from msgspec import Struct

from control_plane.domain.channels.channel_link import CODE, Purpose, code_digest
from control_plane.domain.channels.telegram_update import REMOVED, Chat, Closed, Connect, Greet, Heard, Moved, Stop
from control_plane.errors import BadRequest, Forbidden, NotFound, Refused
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.channel_config import Transports
from control_plane.services.alerting.create_linked_channel import Passage, create_linked_channel, told_to_holder
from control_plane.services.alerting.disable_linked import disable_linked
from control_plane.services.alerting.link_codes import find_code
from control_plane.store import channel_links, linked_channels
from control_plane.store.pool import Database

KIND = "telegram_app"
OPERATION = "hear_telegram"
_PURPOSES: tuple[Purpose, ...] = ("telegram", "delegate")


class Answer(Struct, frozen=True):
    """What to say in the chat, and whether anything came of what was said there: strangers try codes."""

    text: str | None
    useful: bool = True


class Hearing(Struct, frozen=True, kw_only=True):
    """What is needed to act."""

    database: Database
    sealer: Sealer
    transports: Transports
    pepper: bytes
    new_id: Callable[[], UUID]
    trace_id: str | None = None


async def hear_telegram(heard: Heard, hearing: Hearing) -> Answer:
    """Connect, stop, or follow a chat. Raises Unavailable, so that Telegram tells it again."""
    match heard:
        case Connect():
            return await _connect(heard, hearing)
        case Greet():
            return Answer(
                "This bot tells of outages. To connect this chat, ask Farwatch for a Telegram link and open it, or "
                "send /link with its code.",
                useful=False,
            )
        case Stop(chat=chat):
            count = await _disable(hearing, chat, reason="Somebody in the chat sent /stop")
            if count:
                return Answer("Nothing more comes here. Whoever looks after the monitors can see that, and why.")
            return Answer("Nothing is connected to this chat.", useful=False)
        case Closed(chat=chat, reason=reason):
            await _disable(hearing, chat, reason=reason)
            return Answer(None)
        case Moved(chat=chat, to=to):
            async with hearing.database.app_transaction() as conn:
                await linked_channels.move_chat(conn, kind=KIND, address=chat.id, to=to, undone=REMOVED)
            return Answer(None)


async def _connect(heard: Connect, hearing: Hearing) -> Answer:
    link = await find_code(hearing.database, heard.code, purposes=_PURPOSES, pepper=hearing.pepper, kind=KIND)
    if link is None:
        return await _known(heard, hearing)
    chat = heard.chat
    try:
        row = await create_linked_channel(
            hearing.database,
            link,
            sealer=hearing.sealer,
            channel_id=hearing.new_id(),
            prepared=channel_config.prepare_as(KIND, _config(chat), hearing.transports),
            called=f"Telegram: {chat.title}" if chat.title else "Telegram",
            passage=Passage(source="api", operation=OPERATION, trace_id=hearing.trace_id),
        )
    except NotFound:
        return await _known(heard, hearing)
    except (BadRequest, Forbidden, Refused) as refused:
        return Answer(f"Nothing was connected. {told_to_holder(refused)}.", useful=False)
    return Answer(
        f"Connected: {link.tenant_name} can send alerts to this chat now, as the channel “{row.name}”. "
        "Send /stop to end that."
    )


async def _known(heard: Connect, hearing: Hearing) -> Answer:
    """Telegram tells an update again whose answer was lost: this very chat has used the code then."""
    if CODE.fullmatch(heard.code):
        async with hearing.database.app() as conn:
            digest = code_digest(heard.code, hearing.pepper)
            made = await channel_links.find_made(conn, digest=digest, purposes=_PURPOSES)
        if made is not None and made.kind == KIND and made.config.get("chat_id") == heard.chat.id:
            return Answer("This chat is connected.", useful=False)
    return Answer("This code was used before, or is too old. Ask for a new link.", useful=False)


def _config(chat: Chat) -> dict[str, object]:
    topic = {} if chat.thread is None else {"message_thread_id": chat.thread}
    return {"type": KIND, "chat_id": chat.id, "chat_title": chat.title, **topic}


async def _disable(hearing: Hearing, chat: Chat, *, reason: str) -> int:
    return await disable_linked(
        hearing.database,
        kind=KIND,
        address=chat.id,
        reason=reason,
        named=f"Telegram chat {chat.title}".strip(),
        operation=OPERATION,
    )
