"""Questions and answers with one DNS server: UDP, TCP where an answer does not fit, TLS where it is asked for.

Every exchange has a socket of its own, so that its port cannot be foretold (RFC 5452 section 9.2), connected, so that
the kernel drops what others send. Whatever is not the answer to the question is ignored, up to a limit.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from agent.dns.stream import DnsStream
from agent.dns.wire import Query, Reply, Unanswered, WireError, read_reply

LAGGARD_S = 1.0
"""How long one address family may keep the other one, already answered, waiting."""

MAX_STRAYS = 16
"""Datagrams that answer nothing we asked before the exchange is given up."""

Replies = list[Reply | None]

_DATAGRAM = 4096
_BURST = 8  # datagrams read in one go, so that a storm leaves the loop time for others


class NoAnswer(Unanswered):
    """It stayed silent."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach a server: a new connected datagram socket, and a new stream. Both raise OSError."""

    datagram: Callable[[], socket.socket]
    stream: Callable[[], Awaitable[DnsStream]]


@dataclass(slots=True)
class StreamTimes:
    """Seconds that went into connections, added up; None while there was none. `over`: UDP, TCP or TLS."""

    connect: float | None = None
    tls: float | None = None
    over: str = "UDP"


async def ask_all(way: Way, queries: Sequence[Query], seconds: float, times: StreamTimes) -> Replies:
    """Each query's reply, None where one stays out while another came; a truncated one is asked for over TCP.

    Raises OSError (also ssl.SSLError), Unanswered, and NoAnswer when nothing came within `seconds`.
    """
    replies = await ask_by_datagrams(way.datagram, queries, seconds)
    for index, reply in enumerate(replies):
        if reply is not None and reply.is_truncated:
            replies[index] = await ask_by_stream(way.stream, queries[index], seconds, times)
    return replies


async def ask_by_stream(
    open_stream: Callable[[], Awaitable[DnsStream]], query: Query, seconds: float, times: StreamTimes
) -> Reply:
    """As `ask_all`, over a connection of its own."""
    stream: DnsStream | None = None
    started = perf_counter()
    times.over = "TCP"
    try:
        async with asyncio.timeout(seconds):
            stream = await open_stream()
            times.connect = (times.connect or 0.0) + stream.connected_at - started
            return await stream.ask(query)
    except TimeoutError:
        raise NoAnswer("it does not answer over TCP in time") from None
    finally:
        if stream is not None:
            _close(stream, times)


def _close(stream: DnsStream, times: StreamTimes) -> None:
    if stream.tls is not None:
        times.over = "TLS"
        if stream.secured_at is not None:
            times.tls = (times.tls or 0.0) + stream.secured_at - stream.connected_at
    stream.abort()


async def ask_by_datagrams(
    open_socket: Callable[[], socket.socket], queries: Sequence[Query], seconds: float
) -> Replies:
    """As `ask_all`, over UDP alone."""
    connection = open_socket()
    loop = asyncio.get_running_loop()
    number = connection.fileno()
    exchange = _Exchange(loop, connection, queries, seconds)
    loop.add_reader(number, exchange.on_readable)
    try:
        exchange.send()
        await exchange.done
        if not any(exchange.replies):
            raise NoAnswer("it does not answer in time")
    finally:
        loop.remove_reader(number)
        exchange.timer.cancel()
        connection.close()
    return exchange.replies


class _Exchange:
    """A few questions on one socket, until all are answered, or one is and the rest lags, or time is up."""

    __slots__ = ("_loop", "_missing", "_queries", "_seconds", "_socket", "_strays", "done", "replies", "timer")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connection: socket.socket, queries: Sequence[Query], seconds: float
    ) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self.replies: Replies = [None] * len(queries)
        self.timer = loop.call_later(seconds, self._finish)
        self._loop = loop
        self._socket = connection
        self._queries = queries
        self._seconds = seconds
        self._missing = len(queries)
        self._strays = 0

    def send(self) -> None:
        for query in self._queries:
            self._socket.send(query.wire)

    def on_readable(self) -> None:
        for _ in range(_BURST):
            if self.done.done():
                return
            try:
                data = self._socket.recv(_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                self._fail(error)
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        for index, query in enumerate(self._queries):
            if data[:2] == query.wire[:2] and self.replies[index] is None:
                reply = _reply_or_none(query, data)
                if reply is not None:
                    self.replies[index] = reply
                    self._count_answer()
                    return
        self._strays += 1
        if self._strays > MAX_STRAYS:
            self._fail(Unanswered("it sends datagrams that answer no question of ours"))

    def _count_answer(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._finish()
        elif self._missing == len(self._queries) - 1:
            self.timer.cancel()
            self.timer = self._loop.call_later(min(LAGGARD_S, self._seconds), self._finish)

    def _fail(self, error: Exception) -> None:
        """What was answered already counts more than how it ended."""
        if any(self.replies):
            self._finish()
        elif not self.done.done():
            self.done.set_exception(error)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _reply_or_none(query: Query, data: bytes) -> Reply | None:
    try:
        return read_reply(query, data)
    except WireError:
        return None


def connected_datagram(address: str, port: int, *, source: str = "") -> socket.socket:
    """A non-blocking datagram socket connected to an IP address. `source`: a local address of the same family.

    Raises OSError.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if source:
            connection.bind((source, 0))
        connection.connect((address, port))
    except OSError:
        connection.close()
        raise
    return connection
