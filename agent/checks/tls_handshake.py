"""A TLS handshake on one connection, measured where the bytes arrive, and nothing after it."""

from __future__ import annotations

import asyncio
import ssl
from time import perf_counter

from agent.dialer import Connection
from agent.tls.contexts import TlsPipe


class TlsHandshake(Connection):
    """Starts once `begin` is called and answers through `done`. All instants are perf_counter seconds.

    `done` ends well when the handshake does, and when the peer refuses to go on after it has shown its certificates:
    it wants a certificate of ours, which makes its own no worse. Otherwise it fails with an OSError.
    """

    def __init__(self, tls: TlsPipe) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tls = tls
        self.connected_at = 0.0
        self.ended_at: float | None = None
        self._transport: asyncio.Transport | None = None

    # -- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connected_at = perf_counter()
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        try:
            self._say(self.tls.handshake(data))
            if self.tls.established:
                self._end(None)
        except ssl.SSLError as failure:
            self._say(self.tls.parting_words())
            self._end(None if _is_alert(failure) and self.tls.chain() else failure)

    def eof_received(self) -> bool:
        self._end(ssl.SSLError(1, "the server closed the connection during the handshake"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        lost = exc if isinstance(exc, OSError) else None
        self._end(lost or ssl.SSLError(1, "the server closed the connection during the handshake"))

    # -- what the check calls

    def begin(self) -> None:
        """Start to speak. Apart from connection_made, because of two racing connections only one may."""
        self.data_received(b"")

    def abort(self) -> None:
        """Drop the connection, also in the middle of the handshake."""
        if not self.done.done():
            self.done.cancel()
        elif not self.done.cancelled():
            self.done.exception()  # seen, even if the check's deadline came first
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()

    # -- inside

    def _say(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _end(self, failure: Exception | None) -> None:
        if self.done.done():
            return
        self.ended_at = perf_counter()
        if failure is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(failure)
        if self._transport is not None:
            self._transport.close()  # after the last words, so that the server does not log a broken handshake


def _is_alert(failure: ssl.SSLError) -> bool:
    """Whether it is the peer that ended the handshake (OpenSSL names such errors SSLV3_ALERT_… and the like)."""
    return "_ALERT_" in (failure.reason or "")
