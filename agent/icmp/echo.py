"""One ICMP socket per address family and process, shared by all pings under way.

Invariants: no packet leaves without passing the guard in the very call that sends it; an answer counts only if source
address, identifier, sequence and a random payload agree; while nobody waits, no reader is on the loop.
"""

from __future__ import annotations

import asyncio
import atexit
import errno
import os
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from time import perf_counter

from agent.icmp.sockets import Opened, Opener, drops, open_socket, receive
from agent.icmp.wire import Complaint, Reply, echo_request, parse
from shared.netpolicy import Policy, judge_address

_SECRET = 16
"""Random bytes of a check that its answers must repeat."""

_PADDING = b"Farwatch uptime "

_READS = 64
"""Packets read per wake-up at most: a flood must not keep the loop from its other work."""

_STALE_READS = 4096
"""Packets thrown away at most before the first request after a pause: what came in while nobody listened."""

_NUMBERS = 1 << 32


class IcmpSockets:
    """The sockets of a process, opened when first needed. Belongs to whichever loop has pings under way."""

    def __init__(self, opener: Opener = open_socket) -> None:
        self._opener = opener
        self._sockets: dict[tuple[int, str | None], IcmpSocket] = {}

    def echoes(self, address: str, *, policy: Policy, literal: bool, source: str | None = None) -> Echoes:
        """Echo requests to `address` from the local address `source`. Raises IcmpForbidden, or another OSError.

        Close what this gives.
        """
        version = 6 if ":" in address else 4
        used = self._sockets.get((version, source))
        if used is None:
            used = self._sockets[version, source] = self._open(version, source)
        return Echoes(used, address, policy=policy, literal=literal)

    def _open(self, version: int, source: str | None) -> IcmpSocket:
        opened = self._opener(version)
        if source is not None:
            try:
                opened.socket.bind((source, 0))
            except OSError:
                opened.socket.close()
                raise
        return IcmpSocket(opened, version)

    @property
    def waiting(self) -> int:
        """Echo requests under way."""
        return sum(used.waiting for used in self._sockets.values())

    def close(self) -> None:
        for used in self._sockets.values():
            used.close()
        self._sockets.clear()


@lru_cache(maxsize=1)
def process_sockets() -> IcmpSockets:
    """Those that all checks of this process share."""
    made = IcmpSockets()
    atexit.register(made.close)
    return made


class IcmpSocket:
    """One of them. Numbers of requests run through identifier and sequence together, where both are ours to choose."""

    def __init__(self, opened: Opened, version: int) -> None:
        self.version = version
        self._socket = opened.socket
        self._is_raw = opened.is_raw
        self._has_ip_header = opened.is_raw and version == 4
        self._pending: dict[int, Echoes] = {}
        self._next = int.from_bytes(os.urandom(4), "big")
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def waiting(self) -> int:
        return len(self._pending)

    @property
    def dropped(self) -> int:
        """Packets that the kernel had no room for."""
        return drops(self._socket)

    def send(self, echoes: Echoes) -> int:
        """Send one request, whose number is returned: the only call by which ICMP leaves the agent.

        Raises UrlRefused unless the guard lets the address through, or the OSError of the attempt.
        """
        _judge(echoes.address, echoes.policy, echoes.literal)
        number = self._free_number()
        self._listen()
        packet = echo_request(self.version, identifier=number >> 16, sequence=number & 0xFFFF, payload=echoes.payload)
        echoes.sent_at[number] = perf_counter()
        self._pending[number] = echoes
        try:
            self._socket.sendto(packet, (echoes.address, 0))
        except OSError as failure:
            self.forget((number,))
            del echoes.sent_at[number]
            if isinstance(failure, BlockingIOError):
                raise OSError(errno.ENOBUFS, "the send buffer is full") from None
            raise
        return number

    def _free_number(self) -> int:
        room = _NUMBERS if self._is_raw else 1 << 16
        if len(self._pending) >= room:
            raise OSError(errno.ENOBUFS, "too many echo requests are under way")
        number = self._next % room
        while number in self._pending:
            number = (number + 1) % room
        self._next = number + 1
        return number

    def forget(self, numbers: Iterable[int]) -> None:
        """Nobody waits for these any more."""
        for number in numbers:
            self._pending.pop(number, None)
        if not self._pending and self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop = None

    def _listen(self) -> None:
        if self._loop is not None:
            return
        loop = asyncio.get_running_loop()
        for _ in range(_STALE_READS):
            if receive(self._socket) is None:
                break
        loop.add_reader(self._socket, self.read)
        self._loop = loop

    def read(self) -> None:
        """Take in what has arrived, a bounded number of packets."""
        for _ in range(_READS):
            received = receive(self._socket)
            if received is None:
                return
            self._take(*received)

    def _take(self, packet: bytes, sender: str, arrived_at: float) -> None:
        message = parse(self.version, packet, has_ip_header=self._has_ip_header)
        if message is None:
            return
        number = message.sequence | (message.identifier << 16 if self._is_raw else 0)
        echoes = self._pending.get(number)
        if echoes is None:
            return
        match message:
            case Reply(payload=payload) if sender == echoes.address and payload == echoes.payload:
                echoes.answer(number, arrived_at)
            case Complaint(target=target, words=words) if target == echoes.address and echoes.is_quoted(message):
                echoes.refuse(number, f"{sender} says that {words}")

    def close(self) -> None:
        self.forget(tuple(self._pending))
        self._socket.close()


@lru_cache(maxsize=16_384)
def _judge(address: str, policy: Policy, literal: bool) -> None:
    """Raise UrlRefused. Remembered when it passes: policy and text decide alone."""
    judge_address(ip_address(address), policy, literal=literal)


class Echoes:
    """The echo requests of one check to one address."""

    __slots__ = (
        "_dropped_before",
        "_settled",
        "_socket",
        "address",
        "complaints",
        "literal",
        "payload",
        "policy",
        "round_trips",
        "sent",
        "sent_at",
    )

    def __init__(self, used: IcmpSocket, address: str, *, policy: Policy, literal: bool) -> None:
        self.address = address
        self.policy = policy
        self.literal = literal
        self.payload = os.urandom(_SECRET) + _PADDING
        self.sent = 0
        self.sent_at: dict[int, float] = {}
        """By number, of requests neither answered nor refused: perf_counter seconds."""
        self.round_trips: list[float] = []
        """Seconds, in order of arrival."""
        self.complaints: list[str] = []
        """What ICMP errors said of requests."""
        self._socket = used
        self._dropped_before = used.dropped
        self._settled: asyncio.Future[None] | None = None

    @property
    def was_overrun(self) -> bool:
        """Whether the kernel dropped packets meanwhile, so that a missing answer may be one of those."""
        return self._socket.dropped != self._dropped_before

    def send(self) -> None:
        """One request. Raises UrlRefused or OSError."""
        self._socket.send(self)
        self.sent += 1

    async def settle(self, seconds: float) -> None:
        """Return when every request is answered or refused, or after `seconds`."""
        if not self.sent_at:
            return
        loop = asyncio.get_running_loop()
        settled = self._settled = loop.create_future()
        timer = loop.call_later(max(0.0, seconds), _release, settled)
        try:
            await settled
        finally:
            timer.cancel()
            self._settled = None
        if self.sent_at:
            self._socket.read()  # a late loop runs its timers before it reads what came in time

    def close(self) -> None:
        """Wait for no more answers."""
        self._socket.forget(self.sent_at)
        self.sent_at.clear()

    # -- what the socket calls

    def answer(self, number: int, arrived_at: float) -> None:
        self.round_trips.append(max(0.0, arrived_at - self.sent_at[number]))
        self._end(number)

    def refuse(self, number: int, words: str) -> None:
        self.complaints.append(words)
        self._end(number)

    def is_quoted(self, complaint: Complaint) -> bool:
        """Whether what an error quotes is of ours; routers may quote no more than eight bytes after the IP header."""
        quote = complaint.payload[: len(self.payload)]
        return self.payload.startswith(quote)

    def _end(self, number: int) -> None:
        del self.sent_at[number]
        self._socket.forget((number,))
        if not self.sent_at and self._settled is not None:
            _release(self._settled)


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
