"""The agent opens sockets in few places, and each is listed here with the reason why the address guard is not evaded.

Only three of them dial what a tenant chose, and those call the guard themselves. Whoever adds a place adds its reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

GUARDED = {
    "agent/checks/dns_server.py": "a resolver that a tenant chose, over UDP: judged in the call that opens the socket",
    "agent/dialer.py": "all connections of checks, with the address judged in the call that makes each",
    "agent/icmp/echo.py": "echo requests, with the address judged in the call that sends each",
}
"""Where addresses come from tenants, or from answers about what tenants wrote."""

OPERATORS = {
    "agent/link/client.py": "the control plane, at the address that the operator set",
    "agent/commands/doctor_route.py": "the control plane's certificate, asked for by the operator",
    "agent/health/probes.py": "canaries and the way out, both from the operator's settings",
    "agent/dns/resolver.py": "the operator's own resolvers",
}
"""Where addresses come from the operator's settings."""

NEVER_DIAL = {
    "agent/health/capabilities.py": "asks the kernel for a route to a documentation address: nothing is sent",
    "agent/dns/exchange.py": "a datagram socket for whoever has judged the address: the two ways to a DNS server",
    "agent/icmp/sockets.py": "opens and reads the ICMP sockets; agent/icmp/echo.py alone sends",
    "agent/commands/remedies.py": "knows httpx by its errors, to say what helps against them",
    "agent/local_door/door.py": "listens for those on the agent's own machine",
    "agent/workers/member.py": "a socket pair to a worker process",
    "agent/workers/process.py": "the other end of that pair",
}

OPENERS = frozenset(
    {
        "AsyncClient", "HTTPConnection", "HTTPSConnection", "ThreadingHTTPServer",
        "connected_datagram", "create_connection", "create_datagram_endpoint", "create_server",
        "create_unix_connection", "fromfd", "getaddrinfo", "getfqdn", "gethostbyaddr", "gethostbyname", "getnameinfo",
        "open_connection", "open_socket", "open_socket_of", "open_unix_connection", "sendmsg", "sendto", "sock_connect",
        "sock_sendto", "socket", "socketpair", "start_server", "urlopen",
    }
)  # fmt: skip
"""Names of calls and base classes by which a socket is made, sends, or has a name looked up by the system.

Three are our own: the functions through which DNS and ICMP get their sockets. `connect` is not among them, as it needs
a socket first.
"""

CLIENTS = frozenset(
    {"aiohttp", "ftplib", "http.client", "httpcore", "httpx", "poplib", "requests", "smtplib", "urllib.request"}
)
"""Modules that dial by themselves."""

FILES = sorted(path for package in ("agent", "shared") for path in (ROOT / package).rglob("*.py"))


def opens(tree: ast.Module) -> Iterator[str]:
    """What in a module makes a socket or dials, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute() | ast.Name() as called):
                text = ast.unparse(called)
                if text.rpartition(".")[2] in OPENERS:
                    yield f"{node.lineno}: {text}"
            case ast.ClassDef(bases=bases):
                yield from (f"{node.lineno}: {ast.unparse(base)}" for base in bases if ast.unparse(base) in OPENERS)
            case ast.Import(names=names):
                yield from (f"{node.lineno}: import {each.name}" for each in names if _dials(each.name))
            case ast.ImportFrom(module=str() as module) if _dials(module):
                yield f"{node.lineno}: from {module}"


def _dials(module: str) -> bool:
    return any(module == client or module.startswith(f"{client}.") for client in CLIENTS)


def found() -> dict[str, list[str]]:
    """Every module that opens sockets, and where."""
    places = {str(path.relative_to(ROOT)): list(opens(ast.parse(path.read_text()))) for path in FILES}
    return {name: lines for name, lines in places.items() if lines}


def test_only_listed_modules_open_sockets() -> None:
    listed = GUARDED | OPERATORS | NEVER_DIAL
    assert {name: lines for name, lines in found().items() if name not in listed} == {}


def test_no_reason_outlives_its_socket() -> None:
    assert sorted({**GUARDED, **OPERATORS, **NEVER_DIAL}) == sorted(found())


@pytest.mark.parametrize("module", sorted(GUARDED))
def test_what_dials_for_tenants_calls_the_guard_itself(module: str) -> None:
    called = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse((ROOT / module).read_text()))
        if isinstance(node, ast.Call)
    }
    assert "judge_address" in called
