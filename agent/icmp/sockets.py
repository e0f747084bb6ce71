"""Opening and reading ICMP sockets: what differs between kinds of socket and kernels is in here. Linux."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from collections.abc import Callable
from time import perf_counter

from msgspec import Struct

from agent.icmp.wire import PASSED

_RECEIVE_BUFFER = 1 << 20
"""Bytes asked for; the kernel gives at most net.core.rmem_max."""

_LONGEST = 1500
_SO_TIMESTAMPNS, _SO_MEMINFO, _SOL_RAW, _FILTER = 35, 55, 255, 1
"""asm-generic/socket.h, linux/icmp.h, linux/icmpv6.h; the socket module does not name them."""

_MEMINFO = struct.Struct("@9I")  # linux/sock_diag.h: SK_MEMINFO_DROPS is the last of nine
_TIMESPEC = struct.Struct("@ll")
_ROOM = socket.CMSG_SPACE(_TIMESPEC.size)
_LONGEST_WAIT_S = 60.0

_FORBIDDEN = (
    "This agent may not send ICMP: give it the capability NET_RAW, or let its group open ICMP sockets "
    "(sysctl net.ipv4.ping_group_range)"
)


class IcmpForbidden(OSError):
    """This process may open no ICMP socket of any type."""


class Opened(Struct, frozen=True):
    """A socket for echo requests. Unless it is raw, the kernel chooses the identifier and filters answers by it."""

    socket: socket.socket
    is_raw: bool


Opener = Callable[[int], Opened]
"""From IP version to socket."""


def open_socket(version: int) -> Opened:
    """A raw socket, or an unprivileged one where raw ones are not allowed. Raises IcmpForbidden, or another OSError."""
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        with contextlib.suppress(PermissionError):
            return open_socket_of(kind, version)
    raise IcmpForbidden(errno.EPERM, _FORBIDDEN)


def open_socket_of(kind: socket.SocketKind, version: int) -> Opened:
    """SOCK_RAW or SOCK_DGRAM. Raises OSError."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    made = socket.socket(family, kind, socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        with contextlib.suppress(OSError):  # without it, an answer arrives when it is read
            made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if kind == socket.SOCK_RAW:
            _filter(made, version)
    except OSError:
        made.close()
        raise
    return Opened(made, kind == socket.SOCK_RAW)


def _filter(made: socket.socket, version: int) -> None:
    """Let the kernel drop every type that is of no interest: a set bit blocks."""
    words = 1 if version == 4 else 8
    blocked = (1 << (32 * words)) - 1
    for kind in PASSED[version]:
        blocked &= ~(1 << kind)
    masks = [(blocked >> (32 * word)) & 0xFFFF_FFFF for word in range(words)]
    level = _SOL_RAW if version == 4 else socket.IPPROTO_ICMPV6
    made.setsockopt(level, _FILTER, struct.pack(f"={words}I", *masks))


def receive(used: socket.socket) -> tuple[bytes, str, float] | None:
    """A packet, its sender, and when it arrived at this machine (perf_counter seconds); None when there is none."""
    try:
        packet, controls, _, sender = used.recvmsg(_LONGEST, _ROOM)
    except OSError:  # none there, or an error of an earlier packet, which its own ICMP message tells
        return None
    arrived_at = perf_counter()
    for _, kind, data in controls:
        if kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            waited = time.time() - seconds - nanoseconds / 1e9
            if 0 < waited < _LONGEST_WAIT_S:  # else the clock was set meanwhile
                arrived_at -= waited
    return packet, sender[0], arrived_at


def drops(used: socket.socket) -> int:
    """Packets for this socket that the kernel had no room for, since it was opened; 0 where the kernel does not say."""
    try:
        info = used.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return 0
    return int(_MEMINFO.unpack(info)[-1]) if len(info) == _MEMINFO.size else 0
