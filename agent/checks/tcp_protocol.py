"""One conversation over one connection: say something, and listen for a text.

Invariant: whatever the peer sends, at most HEARD_LIMIT bytes of it and one read are kept, and each byte is searched a
bounded number of times; the conversation ends with one result, or is aborted from outside at the check's deadline.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

from agent.classify import CheckFailed, Failure
from agent.dialer import Connection
from shared.results import Outcome, Reason

HEARD_LIMIT = 64 * 1024
"""Bytes in which the expected text must appear."""

_SHOWN = 80


class TcpConversation(Connection):
    """Speaks once `talk` is called. All instants are perf_counter seconds."""

    __slots__ = (
        "_done",
        "_expect",
        "_expected",
        "_failure",
        "_heard",
        "_send",
        "_transport",
        "connected_at",
        "ended_at",
    )

    def __init__(self, *, send: str, expect: str) -> None:
        """With neither, nothing is said and whatever the peer says is ignored."""
        self.connected_at = 0.0
        self.ended_at: float | None = None
        self._send = send.encode()
        self._expect = expect
        self._expected = expect.encode()
        self._failure: CheckFailed | None = None
        self._heard = bytearray()
        self._done: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def said(self) -> bytes:
        """What the peer said, as far as it was kept."""
        return bytes(self._heard)

    # -- what the check calls

    async def talk(self) -> None:
        """Say what is to be said and hear what is to be heard. Raises CheckFailed.

        Apart from connection_made, because of two racing connections only one may speak.
        """
        if not self._send and not self._expected:
            self.ended_at = self.connected_at
            return
        if self._send and self.ended_at is None:
            self._say()
        if self.ended_at is None:
            self._done = asyncio.get_running_loop().create_future()
            await self._done
        if self._failure is not None:
            raise self._failure

    def abort(self) -> None:
        """Drop the connection; nothing is called afterwards that has an effect."""
        if self._transport is not None:
            self._transport.abort()

    # -- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connected_at = perf_counter()
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self.ended_at is not None or not self._expected:
            return
        heard = self._heard
        start = max(0, len(heard) - len(self._expected) + 1)
        heard += data[: HEARD_LIMIT - len(heard)]
        if heard.find(self._expected, start) >= 0:
            self._end(None)
        elif len(heard) >= HEARD_LIMIT:
            self._end(self._missing(f"in the first {HEARD_LIMIT // 1024} KiB of the answer"))

    def eof_received(self) -> bool:
        self._closed(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed(exc)

    def resume_writing(self) -> None:
        if self.ended_at is None and not self._expected:
            self._end(None)  # all is sent, which is all that was asked

    # -- inside

    def _say(self) -> None:
        transport = self._transport
        assert transport is not None
        transport.set_write_buffer_limits(high=0)  # written at once, and told when the kernel has taken it all
        transport.write(self._send)
        if not self._expected and transport.get_write_buffer_size() == 0:
            self._end(None)

    def _closed(self, exc: Exception | None) -> None:
        if self.ended_at is not None or not (self._send or self._expected):
            return
        if exc is not None:
            words = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc) or type(exc).__name__
            self._end(_failed(Reason.CONNECT, f"The connection broke: {words}"))
        elif self._expected:
            self._end(self._missing("before the server closed the connection" if self._heard else ""))
        else:
            self._end(_failed(Reason.CONNECT, "The server closed the connection while it was spoken to"))

    def _missing(self, where: str) -> CheckFailed:
        if not where:
            return _failed(Reason.ASSERTION, "The server closed the connection without a word")
        return _failed(Reason.ASSERTION, f"The text {_shown(self._expect)} did not come {where}")

    def _end(self, failure: CheckFailed | None) -> None:
        self.ended_at = perf_counter()
        self._failure = failure
        if self._done is not None and not self._done.done():
            self._done.set_result(None)


def _shown(text: str) -> str:
    """One line, printable, short, in quotes."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: _SHOWN + 1])
    return f'"{clean}"' if len(clean) <= _SHOWN else f'"{clean[:_SHOWN]}…"'


def _failed(reason: Reason, message: str) -> CheckFailed:
    """The peer broke off, or said something else."""
    return CheckFailed(Failure(Outcome.DOWN, reason, message))
