"""One question to a DNS server over TCP (RFC 7766) or TLS (RFC 7858)."""

from __future__ import annotations

import asyncio
from time import perf_counter

from agent.dns.wire import Query, Reply, Unanswered, WireError, read_reply
from agent.tls.contexts import TlsPipe


class DnsStream(asyncio.Protocol):
    """One connection, one answer; the rest of what comes is dropped. Times are those of perf_counter."""

    def __init__(self, *, tls: TlsPipe | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.tls = tls
        self.connected_at = 0.0
        self.secured_at: float | None = None
        self._ready: asyncio.Future[None] = loop.create_future()
        self._message: asyncio.Future[bytes] = loop.create_future()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    # -- for the one who asks

    async def ask(self, query: Query) -> Reply:
        """The server's answer. Raises OSError (also ssl.SSLError) and Unanswered."""
        await self.secured()
        self._send(len(query.wire).to_bytes(2, "big") + query.wire)
        try:
            return read_reply(query, await self._message)
        except WireError as error:
            raise Unanswered(f"its answer over TCP is no answer to the question: {error}") from None

    async def secured(self) -> None:
        """Return when the TLS handshake, if there is one, is done. Raises ssl.SSLError, OSError."""
        if self.tls is not None and not self.tls.established:
            self._write(self.tls.handshake())
            await self._ready

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        for future in (self._ready, self._message):
            if future.done() and not future.cancelled():
                future.exception()  # nobody asks any more
            future.cancel()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self.connected_at = perf_counter()

    def data_received(self, data: bytes) -> None:
        try:
            self._receive(data)
        except OSError as error:
            if self.tls is not None:
                self._write(self.tls.parting_words())
            self._fail(error)

    def eof_received(self) -> None:
        self._fail(ConnectionResetError("the connection was closed before the answer"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the connection was closed before the answer"))

    # -- inside

    def _receive(self, data: bytes) -> None:
        if self.tls is None:
            self._collect(data)
        elif self.secured_at is None:
            self._shake_hands(self.tls, data)
        else:
            self.tls.decrypt(data, self._collect)

    def _shake_hands(self, tls: TlsPipe, data: bytes) -> None:
        self._write(tls.handshake(data))
        if tls.established:
            self.secured_at = perf_counter()
            if not self._ready.done():
                self._ready.set_result(None)
            tls.decrypt(b"", self._collect)

    def _collect(self, data: bytes) -> None:
        """Keep the first message, and nothing beyond it."""
        if self._message.done():
            return
        self._buffer += data[: 2 + 0xFFFF]
        if len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) >= end:
                self._message.set_result(bytes(self._buffer[2:end]))

    def _send(self, data: bytes) -> None:
        self._write(data if self.tls is None else self.tls.encrypt(data))

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _fail(self, error: Exception) -> None:
        for future in (self._ready, self._message):
            if not future.done():
                future.set_exception(error)
