"""Receivers that mean harm, through the whole outbox: each costs bounded time and memory, and delays nobody else."""

from __future__ import annotations

import asyncio
import resource
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import trustme

from control_plane.notify.guarded_http import GuardedHttp, Resolution
from control_plane.notify.webhook import WebhookTransport
from control_plane.services.alerting.deliver_notifications import Deliverer
from control_plane.settings import DeliverySettings, Settings
from control_plane.store.pool import Database
from shared.netpolicy import SHARED, parse_host_text
from tests.support.messages import tools
from tests.support.outbox import SEALER, SETTINGS, Outbox, look_soon, working
from tests.support.receiver import (
    Behaviour,
    Receiver,
    a_receiver,
    answer,
    answer_after,
    drip,
    drip_body,
    hang,
    huge,
    not_http,
    reset,
)

MEMORY = 96 << 20
"""Bytes by which the peak of this process may grow over all of them: one answer alone is as large."""

LATE = "127.0.0.1 did not answer within 2 s"
NO_ANSWER = "127.0.0.1: closed the connection without a valid HTTP answer"
HEAD = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True)
class Hostile:
    """What a receiver does, how the attempt ends, and how the log tells it."""

    behaviour: Behaviour
    outcome: str
    error: str | None = None


def raw(*parts: bytes, times: int = 1) -> Behaviour:
    """These bytes so often, and then the end of the connection."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        for part in (each for _ in range(times) for each in parts):
            writer.write(part)
            await writer.drain()

    return behave


def for_ever(head: bytes, part: bytes) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001)

    return behave


async def million_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    for number in range(1000):
        writer.write(b"".join(b"X-%d-%d: a\r\n" % (number, each) for each in range(1000)))
        await writer.drain()
    writer.write(b"\r\n")


HOSTILE: Mapping[str, Hostile] = {
    "drips its head": Hostile(drip, "retry", LATE),
    "never answers": Hostile(hang, "retry", LATE),
    "floods with 1xx": Hostile(for_ever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"), "retry", LATE),
    "breaks the connection": Hostile(reset, "retry", NO_ANSWER),
    "closes at once": Hostile(raw(b""), "retry", NO_ANSWER),
    "closes within its head": Hostile(raw(HEAD + b"Content-"), "retry", NO_ANSWER),
    "a million headers": Hostile(million_headers, "retry", NO_ANSWER),
    "one endless header": Hostile(for_ever(HEAD + b"X: ", b"a" * 10_000), "retry", NO_ANSWER),
    "speaks HTTP/2": Hostile(raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"), "retry", NO_ANSWER),
    "speaks SMTP": Hostile(not_http, "retry", NO_ANSWER),
    "two lengths": Hostile(raw(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nok"), "retry", NO_ANSWER),
    "a length that is none": Hostile(raw(HEAD + b"Content-Length: -1\r\n\r\n"), "retry", NO_ANSWER),
    "redirects within": Hostile(
        answer(307, Location="https://10.0.0.1/"),
        "dead",
        "The receiver answered 307: redirects are not followed, so set the final URL",
    ),
    "fails at length": Hostile(answer(500, b"x" * 1_000_000), "retry", "The receiver answered 500"),
    "asks for a year": Hostile(answer(429, Retry_After="31536000"), "retry", "The receiver answered 429"),
    "answers 100 MB": Hostile(huge, "delivered"),
    "drips its body": Hostile(drip_body, "delivered"),
    "chunks for ever": Hostile(
        for_ever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"), "delivered"
    ),
    "closes within its body": Hostile(raw(HEAD + b"Content-Length: 9\r\n\r\nok"), "delivered"),
    "more than its length": Hostile(raw(HEAD + b"Content-Length: 2\r\n\r\nokokokok"), "delivered"),
    "chunks that are none": Hostile(raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "delivered"),
}


@pytest.fixture
async def honest() -> AsyncIterator[Receiver]:
    async with a_receiver() as running:
        yield running


async def first_attempts(outbox: Outbox, urls: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    """Each told once: how the first attempt ended. A worker is needed meanwhile."""
    owed: dict[str, UUID] = {}
    for name, url in urls.items():
        owed[name] = await outbox.owe(await outbox.channel(url, name=name), await outbox.incident())
    logs = {name: await outbox.attempted(delivery_id, 1, deadline_s=60) for name, delivery_id in owed.items()}
    return {name: (log[0].outcome, log[0].error) for name, log in logs.items()}


async def test_each_ends_as_documented_in_bounded_time_and_memory_and_delays_nobody(
    outbox: Outbox, receiver: Receiver, honest: Receiver
) -> None:
    receiver.paths = {f"/{number}": hostile.behaviour for number, hostile in enumerate(HOSTILE.values())}
    urls = {name: receiver.url(f"/{number}") for number, name in enumerate(HOSTILE)}
    neighbour = await Outbox.make(outbox.database, "Neighbour")
    channel_id = await neighbour.channel(honest.url())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with working(outbox.database):
        ended = asyncio.create_task(first_attempts(outbox, urls))
        await receiver.wait_for(1)
        told = await neighbour.owe(channel_id, await neighbour.incident())
        assert (await neighbour.ended(told)).state == "delivered"
        assert await ended == {name: (hostile.outcome, hostile.error) for name, hostile in HOSTILE.items()}
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MEMORY, f"{grown >> 20} MiB"


@asynccontextmanager
async def broken_tls() -> AsyncIterator[tuple[Settings, dict[str, str]]]:
    """Receivers whose TLS no client may accept, and one that is in order, by what is said of them."""
    authority, stranger = trustme.CA(), trustme.CA()
    past = datetime.now(UTC) - timedelta(days=2)
    certificates = {
        "in order": authority.issue_cert("127.0.0.1"),
        "certificate has expired": authority.issue_cert("127.0.0.1", not_after=past),
        "certificate is not valid for '127.0.0.1'": authority.issue_cert("other.example.com"),
        "unable to get local issuer certificate": stranger.issue_cert("127.0.0.1"),
    }
    async with AsyncExitStack() as stack:
        urls = {}
        for said, certificate in certificates.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            urls[said] = (await stack.enter_async_context(a_receiver(tls=context))).url()
        garbled = await stack.enter_async_context(garbage())
        urls["no TLS at all"] = f"https://127.0.0.1:{garbled}/"
        file = await stack.enter_async_context(_file_of(authority))
        delivery = DeliverySettings(allow_cidrs=("127.0.0.0/8",), timeout_s=5, ca_file=file)
        yield Settings(delivery=delivery), urls


@asynccontextmanager
async def _file_of(authority: trustme.CA) -> AsyncIterator[str]:
    with authority.cert_pem.tempfile() as name:
        yield name


@asynccontextmanager
async def garbage() -> AsyncIterator[int]:
    """A port that answers a TLS greeting with something else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_tls_that_is_broken_is_tried_again_and_told(outbox: Outbox) -> None:
    async with broken_tls() as (settings, urls), working(outbox.database, whole=settings):
        told = await first_attempts(outbox, urls)
    assert told.pop("in order") == ("delivered", None)
    assert len(told) == len(urls) - 1
    for said, (outcome, error) in told.items():
        assert outcome == "retry"
        assert error is not None
        assert error.startswith("127.0.0.1: TLS failed: ")
        assert said in error or said == "no TLS at all", error


async def test_a_name_that_turns_private_is_dead_at_once_and_gets_no_packet(outbox: Outbox, receiver: Receiver) -> None:
    """Public when it was saved, and private when something is due: the address is judged at each send."""

    async def turned(_host: str) -> Resolution:
        address = parse_host_text("127.0.0.1").address
        assert address is not None
        return Resolution((address,))

    http = GuardedHttp(SHARED, timeout=timedelta(seconds=2), resolve=turned)
    deliverer = Deliverer(
        outbox.database,
        sealer=SEALER,
        transports={"webhook": WebhookTransport(tools(http))},
        settings=SETTINGS,
        nudge=lambda: None,
    )
    task = asyncio.create_task(deliverer.run(look_soon))
    try:
        told = await first_attempts(outbox, {"turned": f"https://rebind.example.com:{receiver.port}/"})
    finally:
        task.cancel()
        await asyncio.wait([task])
    ((outcome, error),) = told.values()
    assert outcome == "dead"
    assert "rebind.example.com may not be reached: the address 127.0.0.1 is blocked" in (error or "")
    assert receiver.connections == 0


CHANNELS, EACH, TOLD = 20, 10, 100
DELIVERED = "SELECT count(*) FROM deliveries WHERE tenant_id = $1 AND state = 'delivered'"
P99_S = 5.0


async def test_a_tenant_whose_receivers_all_hang_does_not_delay_another(database: Database) -> None:
    """200 deliveries over 20 channels that hang, and 100 of a neighbour: from commit to receipt, p99 below 5 s."""
    stuck, quick = await Outbox.make(database, "Stuck"), await Outbox.make(database, "Quick")
    delivery = DeliverySettings(allow_cidrs=("127.0.0.0/8",), timeout_s=10)
    arrived: dict[str, float] = {}
    release = asyncio.Event()
    async with a_receiver() as hanging, a_receiver() as honest:
        hanging.otherwise = answer_after(release)

        async def note(writer: asyncio.StreamWriter) -> None:
            arrived.setdefault(honest.received[-1].delivery_id, time.monotonic())
            await answer()(writer)

        honest.otherwise = note
        for number in range(CHANNELS):
            channel_id = await stuck.channel(hanging.url(f"/{number}"), name=f"Stuck {number}")
            for _ in range(EACH):
                await stuck.owe(channel_id, await stuck.incident())
        channel_id = await quick.channel(honest.url())
        async with working(database, settings=delivery):
            await hanging.wait_for(16, deadline_s=30)
            committed: dict[str, float] = {}
            for _ in range(TOLD):
                incident_id = await quick.incident()
                committed[str(await quick.owe(channel_id, incident_id))] = time.monotonic()
            await honest.wait_for(TOLD, deadline_s=60)
            assert await stuck.value(DELIVERED, stuck.tenant_id) == 0, "they hang all the while"
            release.set()
    waits = sorted(arrived[each] - at for each, at in committed.items())
    assert len(waits) == TOLD
    assert waits[TOLD * 99 // 100 - 1] < P99_S, waits[-3:]
