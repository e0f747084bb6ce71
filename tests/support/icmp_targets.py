"""A network of its own for ICMP: a thread in a new network namespace, where kernels answer nothing and scripts do.

It has a loopback interface and no way out, and is gone when its thread and its sockets are. Needs root.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from agent.icmp.sockets import Opened, open_socket
from agent.icmp.wire import checksum

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_CAPABILITIES_V3, _CAP_NET_RAW = 0x20080522, 13

_IP_PKTINFO = 8
_ECHO_REQUEST = {4: 8, 6: 128}
_ECHO_REPLY = {4: 0, 6: 129}
_UNREACHABLE = {4: 3, 6: 1}
_HOST_UNREACHABLE = {4: 1, 6: 3}

_libc = ctypes.CDLL(None, use_errno=True)


class IcmpNet:
    """The namespace: `run` works inside of it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self.opened: list[Opened] = []
        """What the agent's `opener` has opened, in order."""

    def run(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result(60)

    def opener(self, version: int) -> Opened:
        """As agent.icmp.sockets.open_socket, with the means of this namespace."""
        opened = self.run(lambda: open_socket(version))
        self.opened.append(opened)
        return opened

    def raw(self, version: int) -> socket.socket:
        """A raw socket that sees every type, of this namespace."""
        return self.run(lambda: _raw(version))

    def let_groups_ping(self) -> None:
        """Allow unprivileged ICMP sockets to everybody."""
        self.run(lambda: _write("ipv4/ping_group_range", "0 2147483647"))

    def take_ipv6_away(self) -> None:
        self.run(lambda: _write("ipv6/conf/all/disable_ipv6", "1"))

    def take_net_raw_away(self) -> None:
        """From this thread alone; what is open stays open."""
        self.run(_drop_net_raw)

    def close(self) -> None:
        self._thread.shutdown()


@contextmanager
def icmp_net() -> Iterator[IcmpNet]:
    net = IcmpNet()
    try:
        net.run(_enter_new_namespace)
        yield net
    finally:
        net.close()


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _enter_new_namespace() -> None:
    _checked(_libc.unshare(_CLONE_NEWNET))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
    _write("ipv4/icmp_echo_ignore_all", "1")
    _write("ipv6/icmp/echo_ignore_all", "1")
    _write("ipv4/ping_group_range", "1 0")


def _write(setting: str, value: str) -> None:
    Path("/proc/sys/net", setting).write_text(value)


def _drop_net_raw() -> None:
    head = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITIES_V3, 0))
    sets = ctypes.create_string_buffer(24)
    _checked(_libc.capget(head, sets))
    words = list(struct.unpack("=6I", sets.raw))
    words[:2] = (word & ~(1 << _CAP_NET_RAW) for word in words[:2])
    _checked(_libc.capset(head, struct.pack("=6I", *words)))


def _raw(version: int) -> socket.socket:
    family, protocol = (
        (socket.AF_INET, socket.IPPROTO_ICMP) if version == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    )
    made = socket.socket(family, socket.SOCK_RAW, protocol)
    made.setblocking(False)
    return made


class Request:
    """An echo request as it came in: the ICMP message, and who sent it to whom."""

    def __init__(self, version: int, message: bytes, sender: str, number: int, target: str = "") -> None:
        self.version = version
        self.message = message
        self.sender = sender
        self.number = number
        """0 for the first."""
        self.target = target
        """The address that was asked, of IPv4 alone."""

    @property
    def identifier(self) -> int:
        return int.from_bytes(self.message[4:6], "big")

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.message[6:8], "big")

    @property
    def payload(self) -> bytes:
        return self.message[8:]

    def reply(
        self, *, identifier: int | None = None, sequence: int | None = None, payload: bytes | None = None
    ) -> bytes:
        """The echo reply, with what is given instead of what it should have."""
        identifier = self.identifier if identifier is None else identifier
        sequence = self.sequence if sequence is None else sequence
        rest = struct.pack("!HH", identifier & 0xFFFF, sequence & 0xFFFF)
        rest += self.payload if payload is None else payload
        return _summed(self.version, _ECHO_REPLY[self.version], 0, rest)

    def unreachable(self, *, target: str) -> bytes:
        """The error that says that the host is unreachable, quoting a request to `target`."""
        address = ip_address(target).packed
        if self.version == 4:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(self.message), 0, 0, 64, 1, 0) + address + address
        else:
            head = struct.pack("!IHBB", 6 << 28, len(self.message), 58, 64) + address + address
        return _summed(
            self.version, _UNREACHABLE[self.version], _HOST_UNREACHABLE[self.version], bytes(4) + head + self.message
        )


def _summed(version: int, kind: int, code: int, rest: bytes) -> bytes:
    if version == 6:
        return struct.pack("!BBH", kind, code, 0) + rest  # the kernel fills it in
    return struct.pack("!BBH", kind, code, checksum(struct.pack("!BBH", kind, code, 0) + rest)) + rest


Script = Callable[[Request], list[bytes]]


@asynccontextmanager
async def answering(
    net: IcmpNet, script: Script, *, version: int = 4, source: str | None = None
) -> AsyncIterator[list[Request]]:
    """Answer every echo request within the namespace as `script` says; gives the requests seen.

    Answers come from the address that was asked, or from `source`.
    """
    seen: list[Request] = []
    ears, mouth = net.raw(version), net.raw(version)
    loop = asyncio.get_running_loop()

    def hear() -> None:
        packet, sender = ears.recvfrom(65_535)
        message = packet[(packet[0] & 15) * 4 :] if version == 4 else packet
        if message[0] != _ECHO_REQUEST[version]:
            return
        target = str(ip_address(packet[16:20])) if version == 4 else ""
        seen.append(Request(version, message, sender[0], len(seen), target))
        controls = []
        if version == 4:  # of IPv6 there is ::1 alone
            origin = packet[16:20] if source is None else ip_address(source).packed
            controls = [(socket.IPPROTO_IP, _IP_PKTINFO, struct.pack("i4s4s", 0, origin, origin))]
        for answer in script(seen[-1]):
            mouth.sendmsg([answer], controls, 0, (sender[0], 0))

    loop.add_reader(ears, hear)
    try:
        yield seen
    finally:
        loop.remove_reader(ears)
        ears.close()
        mouth.close()
