"""Each row of the tables in docs/checks.md, shown: what is promised there comes out against a real server here.

A row is named by how it begins. Rows, cases and kinds are held against each other, so that the guide promises nothing
that no case shows, and no case shows what the guide leaves out.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import dns.rcode
import pytest

from agent.app import App
from agent.checks import CHECKS, dns_server
from agent.checks.check import CheckContext, CheckOutcome
from agent.dialer import Dialer
from agent.dns.resolver import Resolver, no_hosts
from agent.health import capabilities
from agent.icmp.echo import IcmpSockets
from agent.region import policy_of
from agent.settings import AgentSettings
from agent.tls.contexts import TlsContexts
from shared.checks import CHECKS as KINDS
from shared.checks import Check, kind_of
from shared.checks.dns import DnsCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck
from shared.netpolicy import SHARED, Policy
from shared.protocol import Assignment
from tests.support import icmp_targets, targets, tls_servers
from tests.support.dns_checks import ZONE
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.farm import free_port
from tests.support.http_checks import LOOPBACK, context
from tests.support.icmp_targets import IcmpNet, answering, icmp_net
from tests.support.rdap_server import DOMAIN, answered, asking, expiry, rdap, registration, registry
from tests.support.scripted_dns import ScriptedDns, serving_dns
from tests.support.targets import Target, serving
from tests.support.tls_servers import DAY, NOW, Authority, Issued, server_context
from tests.support.waiting import until

GUIDE = Path(__file__).parents[3] / "docs" / "checks.md"

Rows = set[tuple[str, str, str]]
"""What is seen, outcome, reason."""


@dataclasses.dataclass(frozen=True)
class Rig:
    """`trusting`: a context that trusts `authority`."""

    authority: Authority
    trusting: CheckContext
    directory: Path


Show = Callable[[Rig], Awaitable[CheckOutcome]]


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str
    row: str
    """How the row begins."""
    outcome: str
    reason: str
    show: Show

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.row}: {self.reason}"


CASES: list[Case] = []


def case(kind: str, row: str, outcome: str, reason: str) -> Callable[[Show], Show]:
    def add(show: Show) -> Show:
        CASES.append(Case(kind, row, outcome, reason, show))
        return show

    return add


async def run(check: Check, using: CheckContext | None = None) -> CheckOutcome:
    return await CHECKS[kind_of(check)].run(check, using or context())


ONLY_IPV6 = Dialer(policy=LOOPBACK, names=Resolver(servers=list, hosts=no_hosts), family="6")
NO_ROUTE = CheckContext(ONLY_IPV6, TlsContexts(), time.time)
"""An agent that is told to use IPv6 alone has no way to 127.0.0.1."""


# -- http


def http(row: str, outcome: str, reason: str, target: Target, **options: Any) -> None:
    async def show(_rig: Rig) -> CheckOutcome:
        async with serving(target) as port:
            return await run(HttpCheck(url=f"http://127.0.0.1:{port}/", **{"timeout": 10_000, **options}))

    case("http", row, outcome, reason)(show)


http("what was expected", "up", "none", targets.ok())
http("the same, but slower", "degraded", "slow", targets.slow(0.1), degraded_above_ms=50)
http("429", "degraded", "rate_limited", targets.ok(status="429 Slow down"))
http("429", "degraded", "rate_limited", targets.ok(status="503 Busy", headers={"Retry-After": "7"}))
http("another status", "down", "status", targets.ok(status="503 Busy"))
http("another status", "down", "status", targets.ok(status="999 Denied"))
http("an assertion", "down", "assertion", targets.ok(), expected_body_contains="absent")
http("an assertion", "down", "assertion", targets.ok(), expected_headers={"x-app": "one"})
http("too many redirects", "down", "redirect", targets.redirect("/again"), max_redirects=2)
http("too many redirects", "down", "redirect", targets.redirect("javascript:alert(1)"))
http("nothing within the timeout", "down", "timeout", targets.silent, timeout=1000)
http("no address, no connection", "down", "protocol", targets.raw(b"SSH-2.0-OpenSSH_9.9\r\n"))
http("no address, no connection", "down", "connect", targets.reset)
http("a header or a pattern", "error", "internal", targets.ok(), headers={"X": "a\r\nb"})
http("a header or a pattern", "error", "internal", targets.ok(), body_regex="(?=a)")
http("an address or port", "error", "blocked", targets.redirect("http://10.0.0.1/"))


def https(
    row: str, outcome: str, reason: str, issue: Callable[[Authority], Issued], *, options: dict[str, Any] | None = None
) -> None:
    async def show(rig: Rig) -> CheckOutcome:
        async with serving(targets.ok(), tls=server_context(issue(rig.authority))) as port:
            check = HttpCheck(url=f"https://127.0.0.1:{port}/", timeout=20_000, **(options or {}))
            return await run(check, rig.trusting)

    case("http", row, outcome, reason)(show)


https("what was expected", "up", "none", lambda authority: authority.leaf("127.0.0.1"))
https("the same, but a certificate", "degraded", "expiring", lambda by: by.leaf("127.0.0.1", not_after=NOW + 5 * DAY))
https("a certificate that has expired", "down", "expired", lambda by: by.leaf("127.0.0.1", not_after=NOW - DAY))
https("no address, no connection", "down", "tls", lambda authority: authority.leaf("127.0.0.2"))
https("no address, no connection", "down", "tls", lambda _: Authority("Stranger").leaf("127.0.0.1"))


@case("http", "too many redirects", "down", "redirect")
async def _(rig: Rig) -> CheckOutcome:
    tls = server_context(rig.authority.leaf("127.0.0.1"))
    async with serving(targets.redirect("http://127.0.0.1:1/"), tls=tls) as port:
        check = HttpCheck(url=f"https://127.0.0.1:{port}/", timeout=20_000, bearer_token="secret-token")
        return await run(check, rig.trusting)


@case("http", "no address, no connection", "down", "dns")
async def _(_rig: Rig) -> CheckOutcome:
    async with serving_dns({}) as (_, dns_at):
        return await run(HttpCheck(url="http://gone.example/"), context(dns=dns_at))


@case("http", "no address, no connection", "down", "connect")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(HttpCheck(url=f"http://127.0.0.1:{free_port()}/"))


@case("http", "an address or port", "error", "blocked")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(HttpCheck(url="http://127.0.0.1/"), context(SHARED))


@case("http", "the agent has no route", "error", "incapable")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(HttpCheck(url="http://127.0.0.1/"), NO_ROUTE)


# -- tcp


def tcp(row: str, outcome: str, reason: str, target: Target, **options: Any) -> None:
    async def show(_rig: Rig) -> CheckOutcome:
        async with serving(target) as port:
            return await run(TcpCheck(host="127.0.0.1", port=port, **{"timeout": 10_000, **options}))

    case("tcp", row, outcome, reason)(show)


tcp("a connection, and", "up", "none", targets.silent)
tcp("a connection, and", "up", "none", tls_servers.banner, expect="ESMTP")
tcp("the same, but slower", "degraded", "slow", targets.slow(0.1), send="x\r\n\r\n", expect="200", degraded_above_ms=50)
tcp("no connection, or it broke", "down", "connect", targets.reset, send="x\r\n\r\n", expect="y")
tcp("the peer closed", "down", "assertion", targets.hang_up, send="x\r\n\r\n", expect="y")
tcp("the peer closed", "down", "assertion", targets.endless, send="x\r\n\r\n", expect="y")
tcp("no connection or no expected text", "down", "timeout", targets.silent, expect="y", timeout=1000)


@case("tcp", "no connection, or it broke", "down", "connect")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(TcpCheck(host="127.0.0.1", port=free_port()))


@case("tcp", "no address", "down", "dns")
async def _(_rig: Rig) -> CheckOutcome:
    async with serving_dns({}) as (_, dns_at):
        return await run(TcpCheck(host="gone.example", port=80), context(dns=dns_at))


@case("tcp", "an address or port", "error", "blocked")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(TcpCheck(host="10.0.0.1", port=80))


@case("tcp", "the agent has no route", "error", "incapable")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(TcpCheck(host="127.0.0.1", port=80), NO_ROUTE)


# -- dns


def question(
    row: str, outcome: str, reason: str, set_up: Callable[[ScriptedDns], object] = lambda _: None, **options: Any
) -> None:
    """Asked of a chosen resolver."""

    async def show(_rig: Rig) -> CheckOutcome:
        async with serving_dns(ZONE) as (script, (address, port)):
            set_up(script)
            fields = {"name": "example.com", "resolver": f"{address}:{port}", "timeout": 10_000, **options}
            return await run(DnsCheck(**fields))

    case("dns", row, outcome, reason)(show)


def silent(script: ScriptedDns) -> None:
    script.silent = True


def failing(rcode: dns.rcode.Rcode) -> Callable[[ScriptedDns], None]:
    def set_up(script: ScriptedDns) -> None:
        script.rcode_of_all = rcode

    return set_up


def storming(script: ScriptedDns) -> None:
    script.mangle = lambda wire: [bytes([wire[0] ^ 1]) + wire[1:]] * 100


def broken(script: ScriptedDns) -> None:
    script.truncate = True
    script.mangle_tcp = lambda wire: wire[:5]


MISSING = "an expected value is missing"
question("what was expected", "up", "none")
question("what was expected", "up", "none", expected=("192.0.2.1",))
question("the same, but slower", "degraded", "slow", degraded_above_ms=0)
question("no such name", "down", "dns", name="gone.example.com")
question("no such name", "down", "dns", name="_dmarc.example.com", record_type="MX")
question(MISSING, "down", "assertion", expected=("192.0.2.3",))
question(MISSING, "down", "assertion", expected=("192.0.2.1",), exact=True)
question("SERVFAIL, REFUSED", "down", "dns", failing(dns.rcode.SERVFAIL))
question("SERVFAIL, REFUSED", "down", "dns", failing(dns.rcode.REFUSED))
question("a chosen resolver does not answer", "down", "timeout", silent, timeout=1000)
question("a chosen resolver's answer", "down", "protocol", broken)
question("a chosen resolver's answer", "down", "protocol", storming)
question("a chosen resolver at an address", "error", "blocked", resolver="10.0.0.1")


@case("dns", "a chosen resolver refuses the connection", "down", "connect")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(DnsCheck(name="example.com", resolver=f"127.0.0.1:{free_port()}"))


@asynccontextmanager
async def dns_over_tls(issued: Issued) -> AsyncIterator[str]:
    """Port 853 is not ours to take: for as long as this lasts, another one is that of DNS over TLS."""
    listener = await asyncio.start_server(ScriptedDns(ZONE).over_tcp, "127.0.0.1", 0, ssl=server_context(issued))
    port = listener.sockets[0].getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dns_server, "TLS_PORT", port)
        yield f"127.0.0.1:{port}"
    listener.close()


def over_tls(row: str, outcome: str, reason: str, issue: Callable[[Authority], Issued]) -> None:
    async def show(rig: Rig) -> CheckOutcome:
        async with dns_over_tls(issue(rig.authority)) as resolver:
            return await run(DnsCheck(name="example.com", resolver=resolver, timeout=20_000), rig.trusting)

    case("dns", row, outcome, reason)(show)


REFUSES = "a chosen resolver refuses the connection"
over_tls("what was expected", "up", "none", lambda by: by.leaf("127.0.0.1"))
over_tls(REFUSES, "down", "tls", lambda by: by.leaf("127.0.0.2"))
over_tls(REFUSES, "down", "expired", lambda by: by.leaf("127.0.0.1", not_after=NOW - DAY))


@case("dns", "the agent has no route", "error", "incapable")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(DnsCheck(name="example.com", resolver="127.0.0.1"), NO_ROUTE)


# -- ping


def pinged(row: str, outcome: str, reason: str, script: icmp_targets.Script, **options: Any) -> None:
    """In a namespace, where the script answers."""

    async def show(_rig: Rig) -> CheckOutcome:
        with icmp_net() as net:
            sockets = IcmpSockets(net.opener)
            async with answering(net, script):
                check = PingCheck(host="127.0.0.1", **{"count": 1, "timeout": 10_000, **options})
                outcome = await run(check, dataclasses.replace(context(), icmp=sockets))
            sockets.close()
            return outcome

    case("ping", row, outcome, reason)(show)


def drown(request: icmp_targets.Request) -> list[bytes]:
    return [request.reply(sequence=request.sequence + 7)] * 20_000 + [request.reply()]


pinged("enough answers", "up", "none", lambda request: [request.reply()])
pinged("enough answers, but slower", "degraded", "slow", lambda request: [request.reply()], degraded_above_ms=0)
pinged("too few answers;", "down", "loss", lambda _request: [], timeout=1000)
pinged("too few answers while", "error", "internal", drown, timeout=3000)


def route(*arguments: str) -> None:
    subprocess.run(["ip", "route", "add", *arguments], check=True, capture_output=True)


def from_within(net: IcmpNet, host: str) -> CheckOutcome:
    """From a thread of the namespace, with its routes."""

    def work() -> CheckOutcome:
        capabilities._known.clear()
        sockets = IcmpSockets()
        using = dataclasses.replace(context(Policy.of(("198.51.100.0/24",))), icmp=sockets)
        try:
            return asyncio.run(run(PingCheck(host=host), using))
        finally:
            sockets.close()
            capabilities._known.clear()

    return net.run(work)


@case("ping", "the local network says at once", "down", "connect")
async def _(_rig: Rig) -> CheckOutcome:
    with icmp_net() as net:
        net.run(lambda: route("default", "dev", "lo"))
        net.run(lambda: route("unreachable", "198.51.100.0/24"))
        return await asyncio.to_thread(from_within, net, "198.51.100.1")


@case("ping", "the agent may open no ICMP socket", "error", "incapable")
async def _(_rig: Rig) -> CheckOutcome:
    with icmp_net() as net:
        return await asyncio.to_thread(from_within, net, "198.51.100.1")


@case("ping", "the agent may open no ICMP socket", "error", "incapable")
async def _(_rig: Rig) -> CheckOutcome:
    with icmp_net() as net:
        net.take_net_raw_away()
        return await asyncio.to_thread(from_within, net, "198.51.100.1")


@case("ping", "no address", "down", "dns")
async def _(_rig: Rig) -> CheckOutcome:
    async with serving_dns({}) as (_, dns_at):
        return await run(PingCheck(host="gone.example"), context(dns=dns_at))


@case("ping", "an address that", "error", "blocked")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(PingCheck(host="10.0.0.1"))


# -- tls_cert


def certificate(row: str, outcome: str, reason: str, issue: Callable[[Authority], Issued], **options: Any) -> None:
    async def show(rig: Rig) -> CheckOutcome:
        async with serving(tls_servers.quiet, tls=server_context(issue(rig.authority))) as port:
            return await run(TlsCertCheck(host="127.0.0.1", port=port, timeout=20_000, **options), rig.trusting)

    case("tls_cert", row, outcome, reason)(show)


def no_tls(row: str, outcome: str, reason: str, target: Target, **options: Any) -> None:
    async def show(_rig: Rig) -> CheckOutcome:
        async with serving(target) as port:
            return await run(TlsCertCheck(host="127.0.0.1", port=port, **{"timeout": 20_000, **options}))

    case("tls_cert", row, outcome, reason)(show)


certificate("`warn_days` or more", "up", "none", lambda by: by.leaf("127.0.0.1"))
certificate("`warn_days` or more", "up", "none", lambda _: Authority("Stranger").leaf("other.example"))
certificate("fewer than `warn_days`", "degraded", "expiring", lambda by: by.leaf("127.0.0.1", not_after=NOW + 10 * DAY))
certificate("fewer than `critical_days`", "down", "expiring", lambda by: by.leaf("127.0.0.1", not_after=NOW + 3 * DAY))
certificate("it has expired", "down", "expired", lambda by: by.leaf("127.0.0.1", not_after=NOW - DAY))
certificate("it is not valid yet", "down", "tls", lambda by: by.leaf("127.0.0.1", not_before=NOW + DAY))
certificate("an address or port", "error", "blocked", lambda by: by.leaf("127.0.0.1"), server_name="10.0.0.1")
no_tls("no TLS, a handshake that failed", "down", "tls", tls_servers.plain_text)
no_tls("no TLS, a handshake that failed", "down", "tls", targets.hang_up_in_handshake)
no_tls("no connection, or one that broke", "down", "connect", targets.reset_at_once)
no_tls("nothing within the timeout", "down", "timeout", targets.silent, timeout=1000)


@case("tls_cert", "no TLS, a handshake that failed", "down", "tls")
async def _(_rig: Rig) -> CheckOutcome:
    async with serving(tls_servers.quiet, tls=tls_servers.huge_certificate()) as port:
        return await run(TlsCertCheck(host="127.0.0.1", port=port, timeout=20_000))


@case("tls_cert", "no connection, or one that broke", "down", "connect")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(TlsCertCheck(host="127.0.0.1", port=free_port()))


@case("tls_cert", "no address", "down", "dns")
async def _(_rig: Rig) -> CheckOutcome:
    async with serving_dns({}) as (_, dns_at):
        return await run(TlsCertCheck(host="gone.example"), context(dns=dns_at))


@case("tls_cert", "an address or port", "error", "blocked")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(TlsCertCheck(host="10.0.0.1"))


@case("tls_cert", "the agent has no route", "error", "incapable")
async def _(_rig: Rig) -> CheckOutcome:
    return await run(TlsCertCheck(host="127.0.0.1"), NO_ROUTE)


# -- domain_expiry


def registered(row: str, outcome: str, reason: str, target: Target, **options: Any) -> None:
    async def show(_rig: Rig) -> CheckOutcome:
        return await answered(target, **options)

    case("domain_expiry", row, outcome, reason)(show)


def listed(row: str, outcome: str, reason: str, domain: str, *bases: str) -> None:
    """With another list of servers."""

    async def show(_rig: Rig) -> CheckOutcome:
        async with registry() as served:
            served.serve_list([[["test"], list(bases)]])
            return await expiry(asking(served), domain)

    case("domain_expiry", row, outcome, reason)(show)


ANOTHER, UNREACHED = "another status, a 404 with", "no address, no connection"
registered("`warn_days` or more", "up", "none", rdap(registration(days=31)))
registered("fewer than `warn_days`", "degraded", "expiring", rdap(registration(days=29)))
registered("fewer than `critical_days`", "down", "expiring", rdap(registration(days=6)))
registered("it has expired", "down", "expired", rdap(registration(days=-1)))
registered("the registry answers 404", "down", "expired", targets.ok(b"", status="404 Not Found"))
registered("the registry does not say", "error", "incapable", rdap(registration(days=None)))
registered("429 or 503", "error", "upstream", rdap({}, status="429 Slow down", headers={"Retry-After": "60"}))
registered("429 or 503", "error", "upstream", rdap({}, status="503 Busy"))
registered(ANOTHER, "error", "upstream", rdap({}, status="500 Oops"))
registered(ANOTHER, "error", "upstream", targets.ok(b"<html>404</html>", status="404 Not Found"))
registered(ANOTHER, "error", "upstream", rdap(b"no JSON"))
registered(ANOTHER, "error", "upstream", rdap(registration("other.test")))
registered(ANOTHER, "error", "upstream", rdap(registration(remarks="x" * (1 << 18))))
registered(ANOTHER, "error", "upstream", rdap(registration(events=[{"eventAction": "expiration", "eventDate": "?"}])))
registered(UNREACHED, "error", "upstream", targets.silent, timeout=1000)
registered(UNREACHED, "error", "upstream", targets.reset)
registered(UNREACHED, "error", "upstream", targets.redirect(f"/rdap/domain/{DOMAIN}"))
registered("the list, the server or a redirect", "error", "blocked", targets.redirect("http://10.0.0.1/"))
listed("the list, the server or a redirect", "error", "blocked", DOMAIN, "http://10.0.0.1/")
listed("no RDAP server is listed", "error", "incapable", "example.elsewhere", "http://127.0.0.1/")
listed("this is no domain", "error", "incapable", "127.0.0.1", "http://127.0.0.1/")
listed("this is no domain", "error", "incapable", "localhost", "http://127.0.0.1/")
listed(UNREACHED, "error", "upstream", DOMAIN, "http://127.0.0.1:1/")


@case("domain_expiry", UNREACHED, "error", "upstream")
async def _(_rig: Rig) -> CheckOutcome:
    tls = server_context(Authority("Stranger").leaf("127.0.0.1"))
    async with registry() as lister, registry(tls=tls) as served:
        lister.serve_list([[["test"], [f"{served.base}/rdap/"]]])
        return await expiry(asking(lister))


@case("domain_expiry", "the list of RDAP servers cannot be had", "error", "upstream")
async def _(_rig: Rig) -> CheckOutcome:
    async with registry() as served:
        served.listing = targets.hang_up
        return await expiry(asking(served))


@case("domain_expiry", "the list, the server or a redirect", "error", "blocked")
async def _(_rig: Rig) -> CheckOutcome:
    async with registry() as served:
        return await expiry(asking(served, using=context(policy_of(("127.0.0.2/32",)))))


@case("domain_expiry", "the agent has no route", "error", "incapable")
async def _(_rig: Rig) -> CheckOutcome:
    async with registry() as served:
        return await expiry(asking(served, using=NO_ROUTE))


# -- whatever only a whole agent can tell: whether it is the name that has no answer, or every resolver

BROKEN, SILENT = "broken.example.com", "silent.example.com"
NAMED: dict[str, Callable[[str], Check]] = {
    "http": lambda name: HttpCheck(url=f"http://{name}/", timeout=1500),
    "tcp": lambda name: TcpCheck(host=name, port=80, timeout=1500),
    "dns": lambda name: DnsCheck(name=name, timeout=1500),
    "ping": lambda name: PingCheck(host=name, timeout=1500),
    "tls_cert": lambda name: TlsCertCheck(host=name, timeout=1500),
}
AGENTS_ROWS: Rows = {
    ("no answer to the name", "down", "dns"),
    ("no answer to the name", "down", "timeout"),
    ("the same, while no resolver", "error", "unhealthy"),
}


@pytest.mark.parametrize("is_silent", [False, True])
async def test_a_name_without_an_answer_is_down_only_while_a_resolver_answers(tmp_path: Path, is_silent: bool) -> None:
    plane = FakeControlPlane()
    expected = {}
    for kind, check in NAMED.items():
        for name, reason in ((BROKEN, "dns"), (SILENT, "timeout")):
            monitor = uuid4()
            expected[monitor] = (kind, "error", "unhealthy") if is_silent else (kind, "down", reason)
            now = int(time.time() * 1000)
            plane.assign(Assignment(monitor, uuid4(), 1, 1, check(name), 3_600_000, 0, now))
    async with serving_dns({}) as (script, (_, port)), plane.serving() as url:
        script.rcodes[BROKEN] = dns.rcode.SERVFAIL
        script.silent_about.add(SILENT)
        script.silent = is_silent
        app = App(AgentSettings(url=url, key=KEY, state_dir=str(tmp_path), resolvers=(f"127.0.0.1:{port}",)))
        task = asyncio.create_task(app.run())
        try:
            await until(lambda: len(plane.stored) == len(expected), "every result is stored", timeout=60)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    seen = {
        result.monitor_id: (expected[result.monitor_id][0], str(result.outcome), str(result.reason))
        for result in plane.stored.values()
    }
    assert seen == expected


# -- the guide and the cases


def tables() -> dict[str, list[tuple[str, str, tuple[str, ...]]]]:
    """The rows of each kind's table of outcomes: what is seen, outcome, reasons."""
    found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {}
    kind, is_inside = "", False
    for line in GUIDE.read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"## (?:`(\w+)`|.*)", line)
        if heading:
            kind = heading[1] or ""
        is_inside = line.startswith("| seen |") or (is_inside and line.startswith("|"))
        if is_inside and kind and not re.match(r"\| seen |\|---", line):
            seen, outcome, reasons = (cell.strip() for cell in line.strip("|").split(" | "))
            found.setdefault(kind, []).append((seen, outcome.strip("`"), tuple(re.findall(r"\w+", reasons))))
    return found


def promised(kind: str) -> Rows:
    return {(seen, outcome, reason) for seen, outcome, reasons in tables()[kind] for reason in reasons}


def shown(kind: str) -> Rows:
    rows = {(case.row, case.outcome, case.reason) for case in CASES if case.kind == kind}
    return rows | AGENTS_ROWS if kind in NAMED else rows


def test_every_kind_has_a_table() -> None:
    assert set(tables()) == set(KINDS) == set(CHECKS)
    assert all(len(rows) >= 8 for rows in tables().values())


def is_about(case: tuple[str, str, str], row: tuple[str, str, str]) -> bool:
    return row[0].startswith(case[0]) and row[1:] == case[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_of_the_guide_is_shown_and_every_case_is_in_the_guide(kind: str) -> None:
    rows, cases = promised(kind), shown(kind)
    assert {row for row in rows if not any(is_about(case, row) for case in cases)} == set(), "no case shows these"
    assert {case for case in cases if not any(is_about(case, row) for row in rows)} == set(), "no row says these"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    directory = tmp_path_factory.mktemp("rig")
    authority = Authority("Root")
    using = context(ca_file=str(authority.write(directory / "ca.pem")))
    return Rig(authority, using, directory)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_the_guide_says_comes_out(case: Case, rig: Rig) -> None:
    seen = await case.show(rig)
    assert (str(seen.outcome), str(seen.reason)) == (case.outcome, case.reason), seen.detail.message
    is_fine = seen.outcome == "up"
    assert (seen.detail.message is None) is is_fine
    if case.kind != "domain_expiry":  # which may end before it has asked anybody
        assert (seen.detail.evidence is None) is is_fine
