"""Network namespaces: a small internet of our own, so that an agent of a shared region has public addresses to reach.

Sockets made in a namespace stay in it, whichever program uses them: a test can serve there from its own event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from uuid import uuid4

_CLONE_NEWNET = 0x40000000


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


@dataclass(frozen=True)
class Namespace:
    """One that is there for as long as `a_namespace` lasts."""

    name: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command line begins with to run in it."""
        return ("ip", "netns", "exec", self.name)

    def ip(self, *arguments: str) -> None:
        """`ip …` in it."""
        _ip("-n", self.name, *arguments)

    def link(self, other: Namespace, name: str, *, network: str) -> None:
        """A wire between the two, of this name at both ends: .1 of the /30 `network` here, .2 there."""
        self.ip("link", "add", name, "type", "veth", "peer", "name", name, "netns", other.name)
        for end, last in ((self, 1), (other, 2)):
            end.ip("addr", "add", f"{network}.{last}/30", "dev", name)
            end.ip("link", "set", name, "up")

    def socket(self, kind: socket.SocketKind, address: tuple[str, int]) -> socket.socket:
        """A bound socket in it. A thread steps in and ends there, so that nothing else of this process does."""
        made: list[socket.socket] = []

        def make() -> None:
            descriptor = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(descriptor, _CLONE_NEWNET) != 0:
                    return
            finally:
                os.close(descriptor)
            here = socket.socket(socket.AF_INET, kind)
            here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            here.bind(address)
            here.setblocking(False)
            made.append(here)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        assert made, f"no socket could be made in {self.name}"
        return made[0]


@contextmanager
def a_namespace() -> Iterator[Namespace]:
    """An empty one with its loopback up; gone at the end with all its wires."""
    namespace = Namespace(f"fw-{uuid4().hex[:8]}")
    _ip("netns", "add", namespace.name)
    try:
        namespace.ip("link", "set", "lo", "up")
        yield namespace
    finally:
        _ip("netns", "del", namespace.name)


@asynccontextmanager
async def relayed(listener: socket.socket, port: int) -> AsyncIterator[None]:
    """Pass what connects to `listener` on to 127.0.0.1:`port`, both ways."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    server = await asyncio.start_server(pass_on, sock=listener)
    try:
        yield
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(65_536):
            writer.write(block)
            await writer.drain()
    writer.close()
