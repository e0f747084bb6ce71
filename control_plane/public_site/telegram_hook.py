"""/hooks/telegram: what Telegram tells the installation's bot.

Telegram proves itself with the secret that we gave it (X-Telegram-Bot-Api-Secret-Token); to anybody else there is
nothing here, and their body is not read. Every update is answered 200, whatever it is, or Telegram would tell it again;
only while the database is away it is to. What is to be said in the chat goes in the answer
(https://core.telegram.org/bots/api#making-requests-when-getting-updates), so no call is needed.
"""

from __future__ import annotations

import hmac
import time

from aiohttp import web

from control_plane.domain.channels.telegram_rules import webhook_secret
from control_plane.domain.channels.telegram_update import Connect, Greet, Heard, read_update
from control_plane.errors import NotFound
from control_plane.notify import transports
from control_plane.services.alerting.hear_telegram import KIND, Hearing, hear_telegram
from control_plane.services.alerting.register_telegram_webhook import PATH
from control_plane.web.body import read_start
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route
from control_plane.web.trace import TRACE_ID

BODY_LIMIT = 256 * 1024
"""Bytes of an update that are read; none that we act on is nearly as long."""

PROOF_HEADER = "X-Telegram-Bot-Api-Secret-Token"


async def take_update(call: Call) -> web.Response:
    _require_telegram(call)
    deps = call.deps
    body, cut = await read_start(call.request, limit=BODY_LIMIT, deadline_s=deps.settings.server.read_timeout_s)
    heard = None if cut else read_update(body or b"", bot_name=deps.settings.telegram.bot_name)
    if heard is None or _is_worn_out(call, heard):
        return web.Response()
    hearing = Hearing(
        database=deps.database,
        sealer=deps.sealer,
        transports=transports(deps.settings),
        pepper=deps.settings.security.pepper.encode(),
        new_id=deps.new_id,
        trace_id=call.request[TRACE_ID],
    )
    answer = await hear_telegram(heard, hearing)
    if not answer.useful:
        deps.chat_attempts.failed(heard.chat.id, time.monotonic())
    return web.Response() if answer.text is None else _said(heard, answer.text)


def _said(heard: Heard, text: str) -> web.Response:
    document: dict[str, object] = {"method": "sendMessage", "chat_id": int(heard.chat.id), "text": text}
    if heard.chat.thread is not None:
        document["message_thread_id"] = heard.chat.thread
    return web.json_response(document)


def _is_worn_out(call: Call, heard: Heard) -> bool:
    """Whether this chat has tried so much to no effect lately that it is not listened to for a while."""
    return isinstance(heard, Connect | Greet) and call.deps.chat_attempts.wait_s(heard.chat.id, time.monotonic()) > 0


def _require_telegram(call: Call) -> None:
    settings = call.deps.settings
    given = call.request.headers.getall(PROOF_HEADER, ())
    expected = webhook_secret(pepper=settings.security.pepper.encode(), bot_token=settings.telegram.bot_token)
    proven = hmac.compare_digest("".join(given).encode("utf-8", "surrogateescape"), expected.encode())
    if not (proven and KIND in transports(settings)):
        raise NotFound("There is nothing at this path; GET /openapi.json lists what there is")


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=PATH,
        handler=take_update,
        operation="hear_telegram",
        summary="What Telegram tells the installation's bot",
        tag="Public",
        door=Door.PUBLIC,
        cut_body=True,
        cache="no-store",
        in_openapi=False,
    ),
)
