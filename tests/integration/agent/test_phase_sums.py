"""The phases of a check that succeeded add up to its total within 1 ms, whatever the loop was busy with meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from shared.checks import Check, kind_of
from shared.checks.dns import DnsCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck
from shared.results import Outcome
from tests.support import targets, tls_servers
from tests.support.http_checks import context
from tests.support.rdap_server import DOMAIN, asking, expiry, registry
from tests.support.scripted_dns import serving_dns
from tests.support.targets import Reader, Target, Writer, serving
from tests.support.tls_servers import Authority, server_context

NAMES = {
    "both.test": ["A 127.0.0.1", "AAAA ::1"],
    "four.test": ["A 127.0.0.1"],
    "six.test": ["AAAA ::1"],
}
AUTHORITY = Authority("Root")
BUSY_S = 0.004
"""How long something else holds the loop up at each turn."""


@dataclasses.dataclass(frozen=True)
class Rig:
    stack: AsyncExitStack
    using: CheckContext
    dns_port: int

    async def serve(self, target: Target, *, over_tls: bool = False, host: str = "127.0.0.1") -> int:
        tls = server_context(AUTHORITY.leaf("127.0.0.1", "::1", *NAMES)) if over_tls else None
        return await self.stack.enter_async_context(serving(target, tls=tls, host=host))

    async def run(self, check: Check) -> CheckOutcome:
        return await CHECKS[kind_of(check)].run(check, self.using)


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(AUTHORITY.write(tmp_path_factory.mktemp("ca") / "ca.pem"))


@pytest.fixture
async def rig(ca_file: str) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        _, server = await stack.enter_async_context(serving_dns(NAMES))
        yield Rig(stack, context(dns=server, ca_file=ca_file), server[1])


async def slow_twice(reader: Reader, writer: Writer) -> None:
    """Thinks before its headers and in the middle of its body."""
    await targets.request_of(reader)
    await asyncio.sleep(0.05)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    await asyncio.sleep(0.05)
    writer.write(b"k")
    await writer.drain()


async def late_banner(reader: Reader, writer: Writer) -> None:
    await asyncio.sleep(0.05)
    await tls_servers.banner(reader, writer)


Case = Callable[[Rig], Awaitable[CheckOutcome]]


def http(host: str, target: Target, *, over_tls: bool = False, listen: str = "127.0.0.1") -> Case:
    async def case(rig: Rig) -> CheckOutcome:
        port = await rig.serve(target, over_tls=over_tls, host=listen)
        return await rig.run(HttpCheck(url=f"{'https' if over_tls else 'http'}://{host}:{port}/", timeout=30_000))

    return case


def redirected(*, over_tls: bool) -> Case:
    async def case(rig: Rig) -> CheckOutcome:
        end = await rig.serve(slow_twice, over_tls=over_tls)
        scheme = "https" if over_tls else "http"
        middle = await rig.serve(targets.redirect(f"{scheme}://both.test:{end}/"), over_tls=over_tls)
        return await http("four.test", targets.redirect(f"{scheme}://127.0.0.1:{middle}/"), over_tls=over_tls)(rig)

    return case


def tcp(host: str, target: Target = targets.silent, *, send: str | None = None, expect: str | None = None) -> Case:
    async def case(rig: Rig) -> CheckOutcome:
        port = await rig.serve(target)
        return await rig.run(TcpCheck(host=host, port=port, send=send, expect=expect, timeout=30_000))

    return case


def tls_cert(host: str, *, listen: str = "127.0.0.1") -> Case:
    async def case(rig: Rig) -> CheckOutcome:
        port = await rig.serve(tls_servers.quiet, over_tls=True, host=listen)
        return await rig.run(TlsCertCheck(host=host, port=port, timeout=30_000))

    return case


def ask(resolver: str | None, *, is_long: bool = False) -> Case:
    async def case(rig: Rig) -> CheckOutcome:
        script, (_, port) = await rig.stack.enter_async_context(serving_dns(NAMES))
        script.truncate = is_long
        if resolver is None:
            return await rig.run(DnsCheck(name="four.test", timeout=30_000))
        return await rig.run(DnsCheck(name="four.test", resolver=f"{resolver}:{port}", timeout=30_000))

    return case


def ping(host: str) -> Case:
    async def case(rig: Rig) -> CheckOutcome:
        return await rig.run(PingCheck(host=host, timeout=30_000))

    return case


def registered(*, hops: int) -> Case:
    async def case(rig: Rig) -> CheckOutcome:
        served = await rig.stack.enter_async_context(registry())
        for hop in range(hops):
            served.domains[f"{DOMAIN}/{hop + 1}"] = served.domains[DOMAIN]
            served.domains[DOMAIN] = targets.redirect(f"/rdap/domain/{DOMAIN}/{hop + 1}")
        return await expiry(asking(served, using=rig.using), timeout=30_000)

    return case


CASES: dict[str, Case] = {
    "http": http("127.0.0.1", targets.ok()),
    "http, slow": http("127.0.0.1", slow_twice),
    "http, over IPv6": http("[::1]", slow_twice, listen="::1"),
    "http, a name": http("four.test", targets.ok()),
    "http, a name of both families": http("both.test", slow_twice),
    "http, a name of IPv6": http("six.test", targets.ok(), listen="::1"),
    "http, a body without length": http("127.0.0.1", targets.raw(b"HTTP/1.0 200 OK\r\n\r\nall")),
    "http, redirects": redirected(over_tls=False),
    "https": http("127.0.0.1", targets.ok(), over_tls=True),
    "https, a name, slow": http("both.test", slow_twice, over_tls=True),
    "https, redirects": redirected(over_tls=True),
    "tcp": tcp("127.0.0.1"),
    "tcp, a name": tcp("both.test"),
    "tcp, sending": tcp("four.test", send="hello"),
    "tcp, expecting": tcp("both.test", late_banner, expect="ESMTP"),
    "dns": ask(None),
    "dns, a chosen resolver": ask("127.0.0.1"),
    "dns, a chosen resolver by name": ask("four.test"),
    "dns, a long answer": ask("four.test", is_long=True),
    "ping": ping("127.0.0.1"),
    "ping, a name": ping("four.test"),
    "ping, over IPv6": ping("::1"),
    "tls_cert": tls_cert("127.0.0.1"),
    "tls_cert, a name": tls_cert("both.test"),
    "tls_cert, over IPv6": tls_cert("six.test", listen="::1"),
    "domain_expiry": registered(hops=0),
    "domain_expiry, redirects": registered(hops=1),
}


@asynccontextmanager
async def held_up() -> AsyncIterator[None]:
    """Something else holds the loop up again and again."""

    async def work() -> None:
        while True:
            time.sleep(BUSY_S)  # noqa: ASYNC251 - which is the point
            await asyncio.sleep(0)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("is_busy", [False, True], ids=["calm", "busy"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_the_phases_add_up_to_the_total(rig: Rig, case: Case, is_busy: bool) -> None:
    async with AsyncExitStack() as stack:
        if is_busy:
            await stack.enter_async_context(held_up())
        seen = await case(rig)
    assert seen.outcome is Outcome.UP, seen.detail.message
    phases = [phase for phase in (seen.dns, seen.connect, seen.tls, seen.ttfb, seen.download) if phase is not None]
    assert phases
    assert all(phase >= 0 for phase in phases)
    assert seen.total == pytest.approx(sum(phases), abs=1)


def test_every_kind_is_measured() -> None:
    assert {name.partition(",")[0] for name in CASES} == {*CHECKS, "https"}
