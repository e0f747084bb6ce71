"""One HTTP/1.1 exchange on one connection, measured where the bytes arrive: RFC 9112 by llhttp (httptools).

Invariant: whatever the peer sends, memory stays within the limits below and the exchange ends with one result, a
Response or an ExchangeFailed, or is aborted from outside at the check's deadline.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from time import perf_counter

import httptools

from agent.dialer import Connection
from agent.tls.certificates import describe, earliest_expiry
from agent.tls.contexts import TlsPipe
from shared.results import Reason

BODY_LIMIT = 1024 * 1024
"""Bytes of a body that are read; a longer one is judged by these."""

EXCERPT_KEPT = 16 * 1024
"""Bytes kept of a body that nothing is asserted of: enough for evidence."""

HEAD_LIMIT = 64 * 1024
"""Bytes of status line, headers and trailers, interim responses included."""

WIRE_LIMIT = 4 * BODY_LIMIT
"""Bytes read in all, chunk framing included."""

MAX_INTERIM = 16
"""1xx responses before the final one."""

REDIRECTS = frozenset((301, 302, 303, 307, 308))
"""300 offers a choice and is not followed."""


_LENGTH_FIELDS = frozenset((b"content-length", b"transfer-encoding"))
_AROUND_FIELD = len(": \r\n")


class ExchangeFailed(Exception):
    """The peer broke off or broke the protocol."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(slots=True)
class Response:
    """A final response. `body` is as transferred (still content-coded); `is_cut` when it was longer than we read."""

    status: int
    phrase: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_cut: bool

    def header(self, name: bytes) -> bytes | None:
        """All values of a field, joined as RFC 9110 section 5.3 allows; `name` in lower case."""
        values = [value for key, value in self.headers if key.lower() == name]
        return b", ".join(values) if values else None


class HttpExchange(Connection):
    """Sends one request once `begin` is called and answers through `done`. All instants are perf_counter seconds."""

    def __init__(self, *, request: bytes, method: str, keep: int, follow: bool, tls: TlsPipe | None) -> None:
        self.done: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.connected_at = 0.0
        self.secured_at: float | None = None
        self.sent_at: float | None = None
        self.first_byte_at: float | None = None
        self.ended_at: float | None = None
        self.cert_expires_at: int | None = None
        self.tls = tls
        self._request = request
        self._is_head = method == "HEAD"
        self._keep = keep
        self._follow = follow
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._phrase = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_size = 0
        self._head_size = 0
        self._fields_size = 0
        self._wire_size = 0
        self._interim = 0
        self._has_length = False
        self._in_body = False

    # -- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connected_at = perf_counter()
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        try:
            if self.tls is None:
                self._feed(data)
            elif self.tls.established:
                self._feed_encrypted(data)
            else:
                self._shake_hands(data)
        except ExchangeFailed as failure:
            self._fail(failure)
        except ssl.SSLError as failure:
            self._part(failure)

    def eof_received(self) -> bool:
        self._closed(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed(exc)

    # -- what the check calls

    def begin(self) -> None:
        """Start to speak. Apart from connection_made, because of two racing connections only one may."""
        if self.tls is None:
            self._send()
        else:
            self.data_received(b"")

    def abort(self) -> None:
        """Drop the connection; nothing is called afterwards."""
        if not self.done.done():
            self.done.cancel()
        elif not self.done.cancelled():
            self.done.exception()  # seen, even if the check's deadline came first
        if self._transport is not None:
            self._transport.abort()
        # The parser refers back to this: without it the buffers go at once, and not when the collector comes round.
        self.__dict__.pop("_parser", None)

    # -- inside

    def _say(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _send(self) -> None:
        self._say(self._request if self.tls is None else self.tls.encrypt(self._request))
        self.sent_at = perf_counter()

    def _shake_hands(self, data: bytes) -> None:
        assert self.tls is not None
        self._say(self.tls.handshake(data))
        if self.tls.established:
            self.secured_at = perf_counter()
            self.cert_expires_at = earliest_expiry(self.tls.chain())
            self._send()
            self._feed_encrypted(b"")  # what came along with the end of the handshake

    def _part(self, failure: ssl.SSLError) -> None:
        assert self.tls is not None
        self._say(self.tls.parting_words())
        if not self.tls.established:
            self.cert_expires_at = earliest_expiry(self.tls.chain())  # of the certificate that was not accepted
        self._fail(failure)

    def _feed_encrypted(self, data: bytes) -> None:
        assert self.tls is not None
        if self.tls.decrypt(data, self._feed):
            self._closed(None)

    def _feed(self, data: bytes) -> None:
        if self.first_byte_at is None:
            self.first_byte_at = perf_counter()
            if self.sent_at is None:
                raise ExchangeFailed(Reason.PROTOCOL, "The server spoke before it was asked")
        self._wire_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish(is_cut=False)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            raise cause if isinstance(cause, ExchangeFailed) else error from None
        except httptools.HttpParserError as error:
            if not self.done.done():
                raise ExchangeFailed(Reason.PROTOCOL, f"The response breaks HTTP: {error}") from None
        if not self._in_body:
            self._head_size += len(data)
            self._check_head()
        if self._wire_size > WIRE_LIMIT:
            self._finish(is_cut=True)

    def _check_head(self) -> None:
        if self._head_size > HEAD_LIMIT and not self.done.done():
            raise ExchangeFailed(Reason.PROTOCOL, f"The response's headers exceed {HEAD_LIMIT // 1024} KiB")

    def _closed(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if exc is not None:
            self._fail(ExchangeFailed(Reason.CONNECT, f"The connection broke {self._where()}: {_words(exc)}"))
        elif self._in_body and not self._has_length:
            self._finish(is_cut=False)  # RFC 9112 section 6.3, 8: the end of the connection ends the body
        elif self.tls is not None and not self.tls.established:
            self._fail(ExchangeFailed(Reason.TLS, "The server closed the connection during the TLS handshake"))
        else:
            self._fail(ExchangeFailed(Reason.PROTOCOL, f"The server closed the connection {self._where()}"))

    def _where(self) -> str:
        if self._in_body:
            return "in the middle of the body"
        if self.first_byte_at is not None:
            return "in the middle of the headers"
        return "without an answer" if self.sent_at is not None else "during the TLS handshake"

    def _fail(self, failure: Exception) -> None:
        if not self.done.done():
            self.ended_at = perf_counter()
            self.done.set_exception(failure)
            if self._transport is not None:
                self._transport.close()

    def _finish(self, *, is_cut: bool) -> None:
        if self.done.done():
            return
        self.ended_at = perf_counter()
        parser = self._parser
        status = parser.get_status_code()
        if status < 100:
            self._fail(ExchangeFailed(Reason.PROTOCOL, f"The status code {status:03} is none"))
            return
        body = b"".join(self._body)
        version = parser.get_http_version()
        self.done.set_result(Response(status, self._phrase, version, self._headers, body, is_cut))

    def chain(self) -> tuple[str, ...]:
        """The certificates that the peer presented, in words, leaf first."""
        return describe(self.tls.chain()) if self.tls is not None else ()

    # -- what the parser calls

    def on_status(self, phrase: bytes) -> None:
        self._phrase = (self._phrase + phrase)[:100]

    def on_header(self, name: bytes, value: bytes | None) -> None:
        value = value or b""
        if self._in_body:  # a trailer: counted, not kept
            self._head_size += len(name) + len(value)
            self._check_head()
            return
        self._headers.append((name, value))
        self._fields_size += len(name) + len(value) + _AROUND_FIELD
        if name.lower() in _LENGTH_FIELDS:
            self._has_length = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise ExchangeFailed(Reason.PROTOCOL, f"More than {MAX_INTERIM} interim (1xx) responses")
            self._headers.clear()
            self._fields_size = 0
            self._phrase = b""
            self._has_length = False
            return
        self._head_size = self._fields_size
        self._check_head()
        self._in_body = True
        if self._is_head or (self._follow and status in REDIRECTS and self._is_redirect()):
            self._finish(is_cut=False)

    def _is_redirect(self) -> bool:
        return any(name.lower() == b"location" for name, _ in self._headers)

    def on_body(self, data: bytes) -> None:
        if self._body_size < self._keep:
            self._body.append(data[: self._keep - self._body_size])
        self._body_size += len(data)
        if self._body_size >= BODY_LIMIT:
            self._finish(is_cut=True)

    def on_message_complete(self) -> None:
        if self._in_body:
            self._finish(is_cut=False)


def _words(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)) or type(exc).__name__
