"""The Bot API: one call, and what Telegram's answer means (https://core.telegram.org/bots/api#making-requests).

ok            the result
429           tried again, not before `parameters.retry_after`
403           the chat is closed to this bot for good: the person blocked it, the group removed it, the account is gone
401, 404      Telegram does not know the token
other 4xx     given up: what is refused once is refused always; the description says why
5xx, none     tried again

The token stands in the URL. It is in no error, no log and no excerpt of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer, GuardedHttp
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import parse_http_url

HOST = "api.telegram.org"

ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer that are read: it repeats the message, with an entity for each formatted part."""

LONGEST_WAIT_S = 86_400

USER_AGENT = "Farwatch-Telegram/1"

_UNKNOWN_TOKEN = frozenset({401, 404})
_LATER = frozenset({408, 409, 425, 429})


class Parameters(Struct, frozen=True):
    """Why a request failed, for programs (https://core.telegram.org/bots/api#responseparameters)."""

    migrate_to_chat_id: int | None = None
    retry_after: int | None = None


class BotAnswer(Struct, frozen=True):
    """The object that every answer is."""

    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    description: str = ""
    parameters: Parameters = Parameters()


class Called(Struct, frozen=True):
    """A call that Telegram took. `result` is JSON."""

    result: msgspec.Raw
    http_status: int
    response: str | None


class BotError(TransportError):
    """Telegram did not take it. `migrate_to`: the group is a supergroup now, under this id."""

    migrate_to: int | None = None
    description: str = ""


_READ = msgspec.json.Decoder(BotAnswer)


class TelegramBot:
    """A bot by its token. `ours`: the installation's own, so a token that is not known is for its operator to mend."""

    def __init__(self, http: GuardedHttp, token: str, *, ours: bool = False) -> None:
        self._http = http
        self._token = token
        self._ours = ours

    async def call(self, method: str, payload: Mapping[str, Any]) -> Called:
        """One method of the Bot API, as JSON by POST. Raises BotError, or TransportError when there is no answer."""
        answer = await self._http.send(
            "POST",
            parse_http_url(f"https://{HOST}/bot{self._token}/{method}"),
            headers={
                "User-Agent": USER_AGENT,
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
            body=msgspec.json.encode(payload),
            limit=ANSWER_LIMIT,
        )
        said = _read(answer)
        kept = self._kept(answer.body)
        if said is not None and said.ok and 200 <= answer.status < 300:
            return Called(said.result, answer.status, kept)
        raise self._refusal(answer, said, kept)

    def _refusal(self, answer: Answer, said: BotAnswer | None, kept: str | None) -> BotError:
        status = answer.status
        description = self._kept(said.description.encode()) or "" if said is not None else ""
        parameters = Parameters() if said is None else said.parameters
        error = BotError(
            self._sentence(status, description),
            permanent=self._is_permanent(status),
            gone=status == 403,
            retry_after=None
            if parameters.retry_after is None
            else timedelta(seconds=min(parameters.retry_after, 10**6)),
            http_status=status,
            response=kept,
        )
        error.migrate_to, error.description = parameters.migrate_to_chat_id, description
        return error

    def _sentence(self, status: int, description: str) -> str:
        if status in _UNKNOWN_TOKEN:
            return (
                "Telegram does not know this installation's bot: its operator has to set telegram.bot_token anew"
                if self._ours
                else "Telegram does not know this bot token: it was revoked, or mistyped. Set bot_token anew"
            )
        told = f": {description}" if description else ""
        return f"Telegram answered {status}{told}"

    def _is_permanent(self, status: int) -> bool:
        if status in _UNKNOWN_TOKEN:
            return not self._ours
        return 300 <= status < 500 and status not in _LATER

    def _kept(self, body: bytes) -> str | None:
        return excerpt(body, secrets=(self._token, self._token.partition(":")[2]))


def _wait(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=max(0, min(seconds, LONGEST_WAIT_S)))


def _read(answer: Answer) -> BotAnswer | None:
    """The object; None for an answer that is not the Bot API's, such as a gateway's page."""
    try:
        return _READ.decode(answer.body)
    except msgspec.MsgspecError:
        return None
