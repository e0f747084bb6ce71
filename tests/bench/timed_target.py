"""A site that answers each request after an exact delay, by itself on its core:

    python -m tests.bench.timed_target PORT DELAY_S FILE

Until SIGTERM; then the file holds, as JSON, when requests came and how late each answer was after its delay.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path

import msgspec

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
_PR_SET_TIMERSLACK = 29
_LOOK_S = 0.2


class Record(msgspec.Struct, frozen=True):
    """`came`: Unix seconds. `late`: seconds that answers were late."""

    came: list[float]
    late: list[float]


class TimedTarget:
    def __init__(self, port: int, delay_s: float) -> None:
        self.record = Record([], [])
        self.is_ended = False
        self._delay_s = delay_s
        self._listener = socket.create_server(("127.0.0.1", port), backlog=2048)
        self._listener.setblocking(False)
        self._poller = select.epoll()
        self._poller.register(self._listener, select.EPOLLIN)
        self._asking: dict[int, socket.socket] = {}
        self._due: deque[tuple[float, socket.socket]] = deque()

    def run(self) -> None:
        while not self.is_ended:
            self._wait()
            for number, _ in self._poller.poll(0):
                if number == self._listener.fileno():
                    self._accept()
                else:
                    self._hear(self._asking.pop(number))
            while self._due and self._due[0][0] <= time.perf_counter():
                self._answer(*self._due.popleft())

    def _wait(self) -> None:
        """By select, which unlike poll waits to the microsecond."""
        left = self._due[0][0] - time.perf_counter() if self._due else _LOOK_S
        select.select((self._poller,), (), (), max(0.0, left))

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            self._asking[connection.fileno()] = connection
            self._poller.register(connection, select.EPOLLIN)

    def _hear(self, connection: socket.socket) -> None:
        now = time.perf_counter()
        self._poller.unregister(connection)
        try:
            is_asked = bool(connection.recv(4096))
        except OSError:
            is_asked = False
        if not is_asked:
            connection.close()
            return
        self.record.came.append(time.time())
        self._due.append((now + self._delay_s, connection))

    def _answer(self, due: float, connection: socket.socket) -> None:
        self.record.late.append(time.perf_counter() - due)
        with contextlib.suppress(OSError):  # who asked may not wait any more
            connection.send(_ANSWER)
        connection.close()


def main() -> None:
    port, delay_s, path = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)  # ns; by default the kernel may wake us 50 µs late
    target = TimedTarget(port, delay_s)

    def end(*_: object) -> None:
        target.is_ended = True

    signal.signal(signal.SIGTERM, end)
    target.run()
    path.write_bytes(msgspec.json.encode(target.record))


if __name__ == "__main__":
    main()
