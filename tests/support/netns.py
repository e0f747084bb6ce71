"""A network namespace from which everything could leave and every packet is counted. Needs root, iproute2 and veth.

All addresses but the loopback's are routed to a wire that ends in the dark: what is sent there is counted, and lost.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple, TypeVar
from uuid import uuid4

from shared.netpolicy import Address
from shared.netpolicy.registry import IPV4_BLOCKS, IPV6_BLOCKS
from tests.support.namespaces import Namespace, a_namespace

T = TypeVar("T")

PUBLIC_V4, PUBLIC_V6 = "198.41.0.4", "2001:500:3::42"
"""Public addresses that are this namespace's own: what is served there is reached, and packets come from there."""

BLOCKS = tuple(ip_network(block.network) for block in IPV4_BLOCKS + IPV6_BLOCKS)

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL, _ETH_P_IP, _ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_OUTGOING = 263, 6, 4
_SO_RCVBUFFORCE = 33
_ROOM = 64 << 20
_HEAD = 128
"""Bytes of a packet that are looked at."""

_TCP, _UDP, _ICMP, _ICMPV6 = 6, 17, 1, 58
_NAT64 = ip_network("64:ff9b::/96")


class Packet(NamedTuple):
    """`port` and `source_port` are 0 for what has none."""

    protocol: int
    source: Address
    source_port: int
    destination: Address
    port: int


def why_no_namespaces() -> str:
    """Why this machine lets us make none; empty when it does."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"fw-{uuid4().hex[:8]}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "network namespaces need the program ip (iproute2)"
    if made.returncode != 0:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return ""


def within(namespace: Namespace, work: Callable[[], T]) -> T:
    """What `work` gives in the namespace: a thread steps in and ends there. Sockets that it makes stay in it."""

    def enter_and_work() -> T:
        descriptor = os.open(f"/run/netns/{namespace.name}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)
        return work()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(enter_and_work).result(60)


@contextmanager
def a_dark_namespace() -> Iterator[Namespace]:
    """One whose default routes, IPv4 and IPv6, lead to a wire where nobody answers."""
    with a_namespace() as namespace:
        ip = namespace.ip
        ip("link", "add", "out", "type", "veth", "peer", "name", "dark")
        for end in ("out", "dark"):
            ip("link", "set", end, "arp", "off", "multicast", "off", "addrgenmode", "none")
            ip("link", "set", end, "up")
        for address in (f"{PUBLIC_V4}/32", f"{PUBLIC_V6}/128"):
            ip("addr", "add", address, "dev", "lo")
        ip("route", "add", "default", "dev", "out")
        ip("-6", "route", "add", "default", "dev", "out")
        yield namespace


class PacketCounters:
    """Counts what is sent in a namespace, on all its devices, by destination."""

    def __init__(self, namespace: Namespace, *, but: frozenset[tuple[str, int]] = frozenset()) -> None:
        """`but`: endpoints of the test itself; what goes to them or comes from them is not counted."""
        self.packets: Counter[Packet] = Counter()
        self._but = frozenset((ip_address(host), port) for host, port in but)
        self._tap = within(namespace, _tap)

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._tap, self.read)

    def stop(self) -> None:
        """Count what is left. Fails when the kernel had no room for some: then they were not all counted."""
        asyncio.get_running_loop().remove_reader(self._tap)
        self.read()
        _seen, dropped = struct.unpack("II", self._tap.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        self._tap.close()
        assert dropped == 0, f"{dropped} packets were not counted"

    def read(self) -> None:
        while True:
            try:
                head, (_device, kind, direction, *_rest) = self._tap.recvfrom(_HEAD)
            except BlockingIOError:
                return
            packet = _parsed(kind, head) if direction == _PACKET_OUTGOING else None
            if packet is not None and not self._is_ours(packet):
                self.packets[packet] += 1

    def _is_ours(self, packet: Packet) -> bool:
        return bool(self._but & {(packet.source, packet.source_port), (packet.destination, packet.port)})

    def of_blocks(self) -> Counter[str]:
        """Packets to each block of the registry that got any. Those to NAT64 count for the IPv4 address inside."""
        counts: Counter[str] = Counter()
        for packet, count in self.packets.items():
            target = _inside(packet.destination)
            counts.update({str(block): count for block in BLOCKS if target in block})
        return counts

    def endpoints(self) -> set[tuple[str, int]]:
        """Address and port of every destination."""
        return {(str(packet.destination), packet.port) for packet in self.packets}


def _inside(address: Address) -> Address:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _tap() -> socket.socket:
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    tap.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
    tap.setblocking(False)
    return tap


def _parsed(kind: int, head: bytes) -> Packet | None:
    """None for what is no IP."""
    if kind == _ETH_P_IP:
        start, protocol = (head[0] & 15) * 4, head[9]
        source: Address = IPv4Address(head[12:16])
        destination: Address = IPv4Address(head[16:20])
    elif kind == _ETH_P_IPV6:
        start, protocol = 40, head[6]
        source, destination = IPv6Address(head[8:24]), IPv6Address(head[24:40])
    else:
        return None
    ports = struct.unpack_from("!HH", head, start) if protocol in (_TCP, _UDP) else (0, 0)
    return Packet(protocol, source, ports[0], destination, ports[1])
