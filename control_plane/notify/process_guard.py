"""A guard around other people's code in a process of its own: what it may connect to, open and start.

CPython tells audit hooks (PEP 578) of each of these before it happens, from C, so that no library gets around them by
keeping an older function; a hook cannot be taken away again. So this is for a child process that ends after one task.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, NoReturn

from shared.netpolicy import Policy, UrlRefused, judge_address, judge_answers, judge_name
from shared.netpolicy.registry import BAD_PORTS

MAIL_PORTS = frozenset({25, 465, 587, 2525})
"""Where mail is submitted. They are bad ports for anything else."""

_NEVER = frozenset(
    {
        "ctypes.dlopen", "os.chmod", "os.chown", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.link", "os.mkdir",
        "os.posix_spawn", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.startfile", "os.symlink", "os.system",
        "os.truncate", "pty.spawn", "shutil.copyfile", "shutil.move", "shutil.rmtree", "socket.bind",
        "socket.gethostbyaddr", "socket.gethostbyname", "socket.getnameinfo", "socket.sendto", "sqlite3.connect",
        "subprocess.Popen", "syslog.openlog", "syslog.syslog", "webbrowser.open",
    }
)  # fmt: skip

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_READABLE = ("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/services", "/etc/mime.types", "/dev/urandom")


class Blocked(socket.gaierror):  # what callers of sockets expect, whichever call it was
    """What the guard does not allow; to the library it is a name that cannot be resolved."""


class ProcessGuard:
    """Judges every event of this process from `arm` on. `blocked` are its refusals, in words for people.

    `secure`: what is sent now is encrypted, so it may go to any address that the policy allows; else only to the
    operator's allowed networks, as it is for every other channel. `mail`: ports of mail are what is wanted.
    """

    def __init__(self, policy: Policy, *, readable: tuple[str, ...]) -> None:
        self._policy = policy
        self._readable = (*readable, *_READABLE)
        self._resolve = socket.getaddrinfo
        self.blocked: list[str] = []
        self.secure = False
        self.mail = False

    def arm(self) -> None:
        """From now on, for good."""
        socket.getaddrinfo = self._getaddrinfo
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NEVER:
            self._refuse(f"{event} is not allowed")
        judge = _JUDGES.get(event)
        if judge is not None:
            judge(self, arguments)

    def _refuse(self, reason: str) -> NoReturn:
        self.blocked.append(reason)
        raise Blocked(socket.EAI_FAIL, reason)

    def _socket(self, arguments: tuple[Any, ...]) -> None:
        _, family, kind, _ = arguments
        if family not in (-1, socket.AF_INET, socket.AF_INET6) or (kind != -1 and kind & 0xF != socket.SOCK_STREAM):
            self._refuse("Only TCP is allowed")

    def _connect(self, arguments: tuple[Any, ...]) -> None:
        address = arguments[1]
        if not isinstance(address, tuple):
            self._refuse("Only TCP is allowed")
        try:
            to = ip_address(str(address[0]).partition("%")[0])
        except ValueError:
            self._refuse("A name is resolved before it is connected to")
        try:
            judge_address(to, self._policy, literal=False)
        except UrlRefused as refused:
            self._refuse(refused.message)
        if not self.secure and not any(to in network for network in self._policy.allow_cidrs):
            self._refuse(f"{to} may not be reached without TLS: use the encrypted form of the URL")
        self._port(int(address[1]))

    def _port(self, port: int) -> None:
        allowed = port in MAIL_PORTS if self.mail else port not in BAD_PORTS
        if not allowed and not self._policy.is_private:
            self._refuse(f"Port {port} is not one of such a service")

    def _sendmsg(self, arguments: tuple[Any, ...]) -> None:
        if arguments[1] is not None:
            self._refuse("Only TCP is allowed")

    def _open(self, arguments: tuple[Any, ...]) -> None:
        path, mode, flags = arguments
        if isinstance(path, int):
            return
        reads = not set(str(mode or "")) & set("wax+") and not int(flags or 0) & _WRITING
        text = path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
        if not reads or ".." in text or not text.startswith(self._readable):
            self._refuse("Reading and writing files is not allowed")

    def _getaddrinfo(self, host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        """As socket.getaddrinfo. One blocked answer blocks the name."""
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        try:
            address = ip_address(name.partition("%")[0])
        except ValueError:
            address = None
        try:
            if address is None:
                judge_name(name, self._policy)
            else:
                judge_address(address, self._policy, literal=True)
            found = self._resolve(host, port, *arguments, **options)
            judge_answers([ip_address(str(each[4][0]).partition("%")[0]) for each in found], self._policy)
        except UrlRefused as refused:
            self._refuse(refused.message)
        return found


_JUDGES: Mapping[str, Callable[[ProcessGuard, tuple[Any, ...]], None]] = {
    "open": ProcessGuard._open,
    "socket.__new__": ProcessGuard._socket,
    "socket.connect": ProcessGuard._connect,
    "socket.sendmsg": ProcessGuard._sendmsg,
}
