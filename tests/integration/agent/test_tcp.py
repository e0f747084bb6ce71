"""Every way in which a `tcp` check comes out, against real servers on loopback."""

from __future__ import annotations

import asyncio
import gc
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import psutil
import pytest

from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from agent.dialer import Dialer
from agent.dns.resolver import Resolver, no_hosts
from agent.tls.contexts import TlsContexts
from shared.checks.tcp import TcpCheck
from shared.netpolicy import SHARED, Policy
from shared.results import BODY_EXCERPT_LIMIT, Outcome, Reason
from tests.support.hostile import GuardRow, guard_rows
from tests.support.http_checks import LOOPBACK, context
from tests.support.scripted_dns import serving_dns
from tests.support.targets import Reader, Target, Writer, serving, silent
from tests.support.waiting import until

NEVER = "the text that never comes"


async def probe(
    port: int, *, host: str = "127.0.0.1", using: CheckContext | None = None, **options: Any
) -> CheckOutcome:
    check = TcpCheck(host=host, port=port, **{"timeout": 10_000, **options})
    return await CHECKS["tcp"].run(check, using or context())


def says(*words: bytes, pause_s: float = 0.0) -> Target:
    """Says these and closes."""

    async def target(_reader: Reader, writer: Writer) -> None:
        for word in words:
            writer.write(word)
            await writer.drain()
            await asyncio.sleep(pause_s)
        writer.close()
        await writer.wait_closed()

    return target


async def echo(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def flood(_reader: Reader, writer: Writer) -> None:
    """Says x without end, and never listens."""
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def drip(_reader: Reader, writer: Writer) -> None:
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def reset(_reader: Reader, writer: Writer) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def close_to(value: float | None, other: float) -> bool:
    return value is not None and abs(value - other) <= 1.0


async def test_a_target_that_accepts_is_up_at_once_and_nothing_is_said_to_it() -> None:
    heard: list[bytes] = []

    async def listen(reader: Reader, _writer: Writer) -> None:
        heard.append(await reader.read())

    async with serving(listen) as port:
        outcome = await probe(port)
        await until(lambda: heard, "the connection is closed")
    assert (outcome.outcome, outcome.reason) == (Outcome.UP, Reason.NONE)
    assert outcome.detail.address == "127.0.0.1"
    assert heard == [b""]
    assert (outcome.dns, outcome.tls, outcome.ttfb) == (None, None, None)
    assert outcome.connect is not None
    assert close_to(outcome.total, outcome.connect)


async def test_a_target_over_ipv6_is_up_with_and_without_brackets() -> None:
    async with serving(echo, host="::1") as port:
        for host in ("::1", "[::1]"):
            outcome = await probe(port, host=host, send="hello", expect="hello")
            assert (outcome.outcome, outcome.detail.address) == (Outcome.UP, "::1")


async def test_the_phases_of_a_name_add_up_to_the_total() -> None:
    async with serving(echo) as port, serving_dns({"db.example.com": ["A 127.0.0.1"]}) as (_, dns):
        outcome = await probe(port, host="db.example.com", using=context(dns=dns), send="ping\n", expect="ping")
    assert outcome.outcome is Outcome.UP
    assert outcome.dns is not None
    assert outcome.connect is not None
    assert outcome.ttfb is not None
    assert close_to(outcome.total, outcome.dns + outcome.connect + outcome.ttfb)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (echo, {"send": "PING\r\n", "expect": "PING"}),
        (echo, {"send": "grüße", "expect": "üß"}),
        (says(b"220 mail.example.com ESMTP\r\n"), {"expect": "220 "}),
        (says(b"22", b"0 ma", b"il", pause_s=0.05), {"expect": "220 mail"}),
        (says(b"x" * (65_536 - 5) + b"hello" + b"y" * 10), {"expect": "hello"}),
        (silent, {"send": "nobody answers, and nobody need"}),
        (silent, {"send": "", "expect": ""}),
    ],
    ids=["echo", "UTF-8", "banner", "in pieces", "at the very end", "send alone", "empty texts"],
)
async def test_what_is_expected_is_up(target: Target, options: dict[str, Any]) -> None:
    async with serving(target) as port:
        outcome = await probe(port, **options)
    assert (outcome.outcome, outcome.reason) == (Outcome.UP, Reason.NONE), outcome.detail.message


async def test_what_is_sent_arrives_whole_however_long_it_is() -> None:
    heard: list[bytes] = []

    async def listen(reader: Reader, _writer: Writer) -> None:
        heard.append(await reader.read())

    text = "0123456789" * 1_000_000  # more than socket buffers take at once
    async with serving(listen) as port:
        outcome = await probe(port, send=text, timeout=60_000)
        await until(lambda: heard, "it has arrived", timeout=30)
    assert outcome.outcome is Outcome.UP
    assert heard == [text.encode()]


async def test_a_target_slower_than_it_should_be_is_degraded() -> None:
    async with serving(says(b"", b"ready", pause_s=0.1)) as port:
        outcome = await probe(port, expect="ready", degraded_above_ms=50)
    assert (outcome.outcome, outcome.reason) == (Outcome.DEGRADED, Reason.SLOW)
    assert "more than 50 ms" in str(outcome.detail.message)


async def test_a_refused_connection_is_down() -> None:
    async with serving(echo) as port:
        pass
    outcome = await probe(port)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.CONNECT)
    assert outcome.detail.message == "The connection was refused"
    assert (outcome.connect, outcome.detail.address) == (None, "127.0.0.1")


@pytest.mark.parametrize(
    ("target", "message", "excerpt"),
    [
        (
            says(b"-ERR no\r\n"),
            f'The text "{NEVER}" did not come before the server closed the connection',
            "-ERR no\r\n",
        ),
        (says(), "The server closed the connection without a word", None),
        (flood, f'The text "{NEVER}" did not come in the first 64 KiB of the answer', "x" * BODY_EXCERPT_LIMIT),
        (
            says(b"x" * 65_536 + NEVER.encode()),
            f'The text "{NEVER}" did not come in the first 64 KiB of the answer',
            None,
        ),
        (says(b"\x1b[2J\x00\xff ok\tfine\n"), None, "\ufffd[2J\ufffd\ufffd ok\tfine\n"),
    ],
    ids=["another answer", "closed", "flood", "too late", "unprintable"],
)
async def test_a_target_that_says_something_else_is_down(
    target: Target, message: str | None, excerpt: str | None
) -> None:
    async with serving(target) as port:
        outcome = await probe(port, expect=NEVER)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.ASSERTION)
    assert message in (None, outcome.detail.message)
    assert outcome.detail.evidence is not None
    assert excerpt in (None, outcome.detail.evidence.body_excerpt)
    assert (outcome.ttfb, outcome.connect is None) == (None, False)


@pytest.mark.parametrize(
    ("sent", "answer", "excerpt"),
    [
        ("AUTH s3cret-words\r\nPING\r\n", "-ERR unknown: AUTH s3cret-words\r\n", "-ERR unknown: ***\r\n"),
        ("AUTH s3cret-words\r\n", "-ERR unknown: AUTH s3cret", "-ERR unknown: ***"),
        ("AUTH s3cret-words\r\n", "-ERR bad password 's3cret-words'", "-ERR bad password '***'"),
        ("a1 LOGIN someone s3cret-words\r\n", "a1 NO s3cret-words is not someone's", "a1 NO *** is not ***'s"),
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 503 Busy\r\n", "HTTP/1.0 503 Busy\r\n"),
    ],
    ids=["a line", "half a line", "a password", "IMAP", "no secret"],
)
async def test_what_the_target_repeats_of_our_words_is_masked(sent: str, answer: str, excerpt: str) -> None:
    async with serving(says(answer.encode())) as port:
        outcome = await probe(port, send=sent, expect="+OK")
    assert outcome.outcome is Outcome.DOWN
    assert outcome.detail.evidence is not None
    assert outcome.detail.evidence.body_excerpt == excerpt
    assert "s3cret" not in str(outcome.detail)


async def test_a_connection_that_breaks_is_down() -> None:
    async with serving(reset) as port:
        outcome = await probe(port, send="a word, and one more", expect=NEVER)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.CONNECT), outcome.detail.message


@pytest.mark.parametrize("target", [silent, drip], ids=["silent", "drip"])
async def test_a_target_that_does_not_come_to_the_point_times_out(target: Target) -> None:
    async with serving(target) as port:
        outcome = await probe(port, expect=NEVER, timeout=400)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.TIMEOUT)
    assert outcome.detail.message == "Timed out after 400 ms during the wait for the expected text"
    assert outcome.total is not None
    assert outcome.total >= 399


async def test_a_target_that_does_not_take_what_is_sent_times_out() -> None:
    async def deaf(_reader: Reader, writer: Writer) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with serving(deaf) as port:
        outcome = await probe(port, send="x" * 20_000_000, timeout=1000)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.TIMEOUT)
    assert outcome.detail.message == "Timed out after 1000 ms during sending"


async def test_a_name_that_does_not_exist_is_down_and_a_silent_resolver_proves_nothing() -> None:
    async with serving_dns({}) as (script, dns):
        outcome = await probe(80, host="gone.example.com", using=context(dns=dns))
        assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.DNS)
        script.silent = True
        outcome = await probe(80, host="gone.example.com", using=context(dns=dns), timeout=500)
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.UNHEALTHY)
    assert outcome.if_resolver_works is Reason.TIMEOUT


@pytest.mark.parametrize("row", guard_rows("tcp"))
async def test_the_port_profile_holds(row: GuardRow) -> None:
    """What is allowed goes on to the resolver, which knows no such name."""
    host, _, port = row.input.rpartition(":")
    async with serving_dns({}) as (script, dns):
        names = Resolver(servers=lambda: [dns], hosts=no_hosts)
        strict = CheckContext(Dialer(policy=Policy(ports="strict"), names=names), TlsContexts(), lambda: 0.0)
        outcome = await probe(int(port), host=host, using=strict)
        assert bool(script.asked) == (row.expected == "allow")
    expected = Reason.DNS if row.expected == "allow" else Reason.BLOCKED
    assert outcome.reason is expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "localhost", "0x7f.1", "127.0.0.1 ", "a b", "", "-"]
)
async def test_a_blocked_or_odd_host_is_refused_before_anything_is_asked_or_dialled(host: str) -> None:
    accepted: list[bool] = []

    async def count(_reader: Reader, _writer: Writer) -> None:
        accepted.append(True)

    async with serving(count) as port, serving_dns({}) as (script, dns):
        outcome = await probe(port, host=host, using=context(SHARED, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)
    assert (script.asked, accepted) == ([], [])


async def test_a_name_with_one_blocked_answer_is_refused() -> None:
    async with serving_dns({"mixed.example.com": ["A 8.8.8.8", "A 127.0.0.1"]}) as (_, dns):
        outcome = await probe(80, host="mixed.example.com", using=context(SHARED, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)


@pytest.mark.parametrize("port", [0, -1, 65_536, 1 << 40])
async def test_a_port_that_is_none_is_refused(port: int) -> None:
    outcome = await probe(port)
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)


async def test_an_agent_told_to_use_the_other_family_alone_is_incapable() -> None:
    dialer = Dialer(policy=LOOPBACK, names=Resolver(servers=list, hosts=no_hosts), family="6")
    outcome = await probe(80, using=CheckContext(dialer, TlsContexts(), lambda: 0.0))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.INCAPABLE)


async def test_a_thousand_floods_leave_no_memory_behind() -> None:
    using = context()

    async def checks(port: int) -> None:
        outcomes = await asyncio.gather(*(probe(port, using=using, expect=NEVER) for _ in range(20)))
        assert {outcome.reason for outcome in outcomes} == {Reason.ASSERTION}

    async with serving(flood) as port:
        for _ in range(5):  # what loops and allocators keep for the next one
            await checks(port)
        gc.collect()
        before = psutil.Process().memory_info().rss
        for _ in range(50):
            await checks(port)
        gc.collect()
        grown = psutil.Process().memory_info().rss - before
    assert grown <= 20_000_000


async def test_a_cancelled_check_closes_its_connection() -> None:
    closed = asyncio.Event()

    async def watch(reader: Reader, _writer: Writer) -> None:
        opened.set()
        with_end = await reader.read()
        assert with_end == b""
        closed.set()

    opened = asyncio.Event()
    async with serving(watch) as port:
        task = asyncio.create_task(probe(port, expect=NEVER, timeout=60_000))
        await asyncio.wait_for(opened.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(closed.wait(), 10)


def test_a_crowd_is_a_host_and_a_port_however_the_host_is_written() -> None:
    crowd = CHECKS["tcp"].crowd
    assert crowd(TcpCheck(host="DB.Example.com.", port=5432)) == crowd(TcpCheck(host="db.example.com", port=5432))
    assert crowd(TcpCheck(host="[::1]", port=1)) == crowd(TcpCheck(host="0:0::1", port=1))
    assert crowd(TcpCheck(host="a b", port=1)) != crowd(TcpCheck(host="a b", port=2))
