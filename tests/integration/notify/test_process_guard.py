"""The guard around other people's code: tried in processes of its own, because it cannot be taken away again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BEFORE = """
import ctypes, json, os, socket, sqlite3, subprocess, sys
from control_plane.notify.process_guard import ProcessGuard
from shared.netpolicy import Policy
tcp, udp, cidrs = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
guard = ProcessGuard(Policy.of(cidrs), readable=(sys.prefix, sys.base_prefix, "/usr/lib", "/usr/local/lib"))
guard.arm()
told = {}
for attempt in json.loads(sys.argv[4]):
    guard.blocked.clear()
    guard.secure = False
    try:
        exec(attempt)
        said = "done"
    except OSError as error:
        said = type(error).__name__
    told[attempt] = [said, list(guard.blocked)]
os.write(1, json.dumps(told).encode())
"""
CONNECT = 'socket.create_connection(("127.0.0.1", tcp), timeout=5)'


class Listening:
    """Sockets that nobody may reach."""

    def __init__(self) -> None:
        self.tcp, self.udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        self.tcp.bind(("127.0.0.1", 0))
        self.tcp.listen()
        self.udp.bind(("127.0.0.1", 0))
        for each in (self.tcp, self.udp):
            each.setblocking(False)

    @property
    def ports(self) -> list[str]:
        return [str(each.getsockname()[1]) for each in (self.tcp, self.udp)]

    def reached(self) -> list[str]:
        """What came: loopback delivers before the sender goes on."""
        found = []
        for name, take in (("tcp", self.tcp.accept), ("udp", lambda: self.udp.recv(100))):
            try:
                came = take()
            except BlockingIOError:
                continue
            found.append(name)
            if isinstance(came, tuple):
                came[0].close()
        return found


@pytest.fixture
def listening() -> Iterator[Listening]:
    sockets = Listening()
    yield sockets
    sockets.tcp.close()
    sockets.udp.close()


def tried(*attempts: str, listening: Listening, cidrs: Sequence[str] = ()) -> dict[str, tuple[str, list[str]]]:
    """What became of each, and what the guard has refused; all in one process."""
    command = [sys.executable, "-c", BEFORE, *listening.ports, json.dumps(cidrs), json.dumps(attempts)]
    ended = subprocess.run(
        command, capture_output=True, timeout=60, check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return {attempt: (said, blocked) for attempt, (said, blocked) in json.loads(ended.stdout).items()}


FORBIDDEN = (
    CONNECT,
    'socket.create_connection(("localhost", tcp), timeout=5)',
    'socket.socket().connect(("127.0.0.1", tcp))',
    'socket.socket().connect_ex(("127.0.0.1", tcp))',
    'socket.socket().connect(("localhost", tcp))',
    'socket.SocketType().connect(("127.0.0.1", tcp))',
    '__import__("_socket").socket().connect(("127.0.0.1", tcp))',
    'socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", tcp))',
    'socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", udp))',
    'socket.socket(type=socket.SOCK_DGRAM).connect(("127.0.0.1", udp))',
    'socket.socket().sendto(b"x", ("127.0.0.1", udp))',
    'socket.socket(socket.AF_UNIX).connect("/run/x")',
    'socket.socket().bind(("127.0.0.1", 0))',
    'socket.getaddrinfo("localhost", tcp)',
    'socket.getaddrinfo("127.1", tcp)',
    'socket.getaddrinfo("0x7f000001", tcp)',
    'socket.getaddrinfo("metadata", 80)',
    'socket.gethostbyname("example.com")',
    'socket.create_connection(("169.254.169.254", 80), timeout=5)',
    'socket.create_connection(("1.1.1.1", 80), timeout=5)',
    'subprocess.run(["true"])',
    'os.system("true")',
    "os.fork()",
    'ctypes.CDLL("libc.so.6")',
    'open("/etc/passwd").read()',
    'os.open("/etc/passwd", os.O_RDONLY)',
    'open(os.path.join(sys.prefix, "..", "etc", "passwd")).read()',
    'open(os.path.join(sys.prefix, "x"), "w")',
    'os.open(os.path.join(sys.prefix, "x"), os.O_CREAT | os.O_WRONLY)',
    'os.remove("/tmp/farwatch-nothing")',
    'sqlite3.connect(":memory:")',
)


def test_what_is_not_allowed_is_refused_before_anything_happens(listening: Listening) -> None:
    told = tried(*FORBIDDEN, listening=listening)
    assert {attempt: (said, bool(blocked)) for attempt, (said, blocked) in told.items()} == dict.fromkeys(
        FORBIDDEN, ("Blocked", True)
    )
    assert listening.reached() == []


def test_an_allowed_network_is_reached(listening: Listening) -> None:
    assert tried(CONNECT, listening=listening, cidrs=["127.0.0.0/8"]) == {CONNECT: ("done", [])}
    assert listening.reached() == ["tcp"]


def test_libraries_are_read_all_the_same(listening: Listening) -> None:
    assert tried("import wave", listening=listening) == {"import wave": ("done", [])}


def test_tls_on_a_port_of_mail_is_refused_unless_it_is_mail(listening: Listening) -> None:
    attempt = 'guard.secure = True; socket.create_connection(("1.1.1.1", 25), timeout=5)'
    told = tried(attempt, listening=listening)
    assert told == {attempt: ("Blocked", ["Port 25 is not one of such a service"])}
