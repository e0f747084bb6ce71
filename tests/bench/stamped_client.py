"""A client whose own lateness is not the server's: the kernel tells when an answer's last byte arrived.

It blocks, so it lives in a thread. Between the arrival of an answer and the moment at which a busy machine lets the
client run lie milliseconds; SO_TIMESTAMPNS (socket(7)) has the former.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Stamped:
    """An answer; ms from the moment before it was asked for to its last byte, and to when the client saw that."""

    status: int
    body: bytes
    took_ms: float
    seen_ms: float


class StampedClient:
    """HTTP/1.1, one GET after another on one connection. Answers have a Content-Length."""

    def __init__(self, connection: socket.socket, key: str, cookie: str = "") -> None:
        self._connection = connection
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
        self._cookie = f"Host: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n"
        self._arrived_ns = 0

    def get(self, path: str) -> Stamped:
        """With the key where that is looked at, with the cookie elsewhere."""
        credential = self._head if path.startswith("/api/") else self._cookie
        request = f"GET {path} HTTP/1.1\r\n{credential}".encode()
        began_ns = time.time_ns()
        self._connection.sendall(request)
        received = self._more()
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        parts, missing = [body], length - len(body)
        while missing:
            parts.append(self._more())
            missing -= len(parts[-1])
        seen_ns = time.time_ns()
        took, seen = ((each - began_ns) / 1e6 for each in (self._arrived_ns, seen_ns))
        return Stamped(int(head[9:12]), b"".join(parts), took, seen)

    def _more(self) -> bytes:
        data, told, _, _ = self._connection.recvmsg(_PIECE, socket.CMSG_SPACE(_TIMESPEC.size))
        if not data:
            raise ConnectionError("The server closed the connection")
        if told:
            seconds, nanoseconds = _TIMESPEC.unpack(told[0][2])
            self._arrived_ns = seconds * 1_000_000_000 + nanoseconds
        else:
            self._arrived_ns = time.time_ns()  # the kernel begins to stamp a little after it was asked to
        return data


@contextmanager
def stamped_client(port: int, *, key: str, cookie: str = "") -> Iterator[StampedClient]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        yield StampedClient(connection, key, cookie)
