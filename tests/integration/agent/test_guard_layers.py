"""Each layer of the guard by itself: the text, the answers, the socket. Any of them has to hold when the others fail.

That all of them together hold for whole checks of every kind is the business of tests/e2e/test_no_packet_leaves.py.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.checks.dns_question import split_server
from agent.checks.dns_server import ChosenServer
from agent.dialer import Dialer
from agent.dns.exchange import StreamTimes
from agent.dns.resolver import ResolutionFailed, Resolver, no_hosts
from agent.icmp.echo import IcmpSockets
from agent.icmp.sockets import Opened
from shared.netpolicy import (
    SHARED,
    Policy,
    UrlRefused,
    judge_dns_port,
    judge_host_text,
    parse_host_text,
    parse_http_url,
)
from shared.results import Outcome
from tests.support import targets
from tests.support.guard_cases import NETWORKS, TurningDns
from tests.support.hostile import GuardRow, all_guard_rows, guard_rows
from tests.support.http_checks import context, probe
from tests.support.scripted_dns import Server
from tests.support.targets import Reader, Writer, serving

ENDS = [str(end) for network in NETWORKS for end in dict.fromkeys((network[0], network[-1]))]


def refusal(work: Callable[[], object]) -> str | None:
    """The code with which the guard refuses; None when it does not."""
    try:
        work()
    except UrlRefused as refused:
        return refused.code
    return None


# -- the text


def stands_alone(text: str) -> None:
    """The host of a tcp, tls_cert or ping check."""
    judge_host_text(parse_host_text(text), SHARED)


def is_asked(text: str) -> None:
    """The resolver of a dns check."""
    host, port = split_server(text)
    judge_host_text(parse_host_text(host), SHARED)
    judge_dns_port(port, SHARED)


def hosts_of_urls() -> Iterator[tuple[str, str]]:
    """The hosts of the corpus' URLs, as they stand there, and what has to become of them anywhere else."""
    for row in all_guard_rows():
        found = re.match(r"https?://([^/?#]*)/", row.input)
        if row.surface == "url" and found and found[1] and row.stage != "port":
            yield found[1].removesuffix(":8443").removesuffix(":"), row.code


@pytest.mark.parametrize(("host", "code"), sorted(set(hosts_of_urls())))
def test_a_host_is_judged_alike_in_a_url_alone_and_as_a_resolver(host: str, code: str) -> None:
    expected = None if code == "-" else code
    assert refusal(lambda: stands_alone(host)) == expected
    assert refusal(lambda: is_asked(host)) == expected


# -- the answers


@asynccontextmanager
async def the_zone() -> AsyncIterator[Server]:
    """Every name of the cases, on a resolver on loopback."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(TurningDns, local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")
    transport.close()


def dialer(dns: Server, policy: Policy = SHARED) -> Dialer:
    return Dialer(policy=policy, names=Resolver(servers=lambda: [dns], hosts=no_hosts))


RESOLVED = [row for row in all_guard_rows() if row.surface == "dns-answer" and row.stage == "resolve"]


@pytest.mark.parametrize("row", RESOLVED, ids=lambda row: row.id)
async def test_an_answer_of_the_corpus_gets_its_verdict_and_code(row: GuardRow) -> None:
    code = "-"
    async with the_zone() as dns:
        try:
            await dialer(dns).resolve(row.input)
        except UrlRefused as refused:
            code = refused.code
        except ResolutionFailed:
            code = "DNS_ERROR"
    expected = "DNS_ERROR" if row.setup == "SERVFAIL" else row.code  # which is no refusal: it is no address either
    assert code == expected


async def test_a_name_in_any_block_is_refused_by_its_answer_alone() -> None:
    allowed = []
    async with the_zone() as dns:
        for number, network in enumerate(NETWORKS):
            try:
                await dialer(dns).resolve(f"block-{number}.example.net")
            except UrlRefused:
                continue
            allowed.append(str(network))
    assert allowed == []


async def test_every_lookup_is_judged_for_itself() -> None:
    """A name that turns private is not taken at its former word, whatever its time to live was."""
    async with the_zone() as dns:
        used = dialer(dns)
        assert [str(address) for address in (await used.resolve("turning.example.net")).addresses] == ["198.41.0.4"]
        with pytest.raises(UrlRefused):
            await used.resolve("turning.example.net")


# -- the socket


def never() -> asyncio.Protocol:
    raise AssertionError("the guard came too late")


def silent(version: int) -> Opened:
    """In place of an ICMP socket: what is sent on it would leave for port 0, which there is not."""
    made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    made.setblocking(False)
    return Opened(made, is_raw=True)


@pytest.mark.parametrize("literal", [True, False], ids=["written", "answered"])
async def test_no_socket_takes_an_end_of_a_block_whatever_came_before(literal: bool) -> None:
    async with the_zone() as dns:
        plain = dialer(dns)
        for address in ENDS:
            with pytest.raises(UrlRefused):
                await plain.connect((address,), port=443, literal=literal, factory=never)
            with pytest.raises(UrlRefused):  # also in a race
                await plain.connect((address, address), port=443, literal=literal, factory=never)


@pytest.mark.parametrize("literal", [True, False], ids=["written", "answered"])
async def test_no_echo_request_goes_to_an_end_of_a_block_whatever_came_before(literal: bool) -> None:
    sockets = IcmpSockets(silent)
    try:
        for address in ENDS:
            echoes = sockets.echoes(address, policy=SHARED, literal=literal)
            with pytest.raises(UrlRefused):
                echoes.send()
            assert (echoes.sent, sockets.waiting) == (0, 0)
    finally:
        sockets.close()


@pytest.mark.parametrize("port", [53, 853])
async def test_no_question_goes_to_an_end_of_a_block_whatever_came_before(port: int) -> None:
    async with the_zone() as dns:
        using = context(SHARED, dns=dns)
        for address in ENDS:
            server = ChosenServer(f"dns.example.com:{port}", using)
            with pytest.raises(UrlRefused):
                await server.ask((address,), "example.com", 1, times=StreamTimes())


LITERALS = [row for row in all_guard_rows() if row.surface == "url" and row.stage == "literal"]


@pytest.mark.parametrize("row", [row for row in LITERALS if row.expected == "block"], ids=lambda row: row.id)
async def test_a_literal_of_the_corpus_gets_its_verdict_at_the_socket_alone(row: GuardRow) -> None:
    url = parse_http_url(row.input)
    async with the_zone() as dns:
        with pytest.raises(UrlRefused) as refused:
            await dialer(dns).connect((url.host,), port=url.port, literal=True, factory=never)
    assert refused.value.code == row.code


# -- the regions


@pytest.mark.parametrize(
    ("cidrs", "open_to", "closed_to"),
    [
        (["127.0.0.2/32"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.3", "::1", "10.0.0.1", "::ffff:127.0.0.2"]),
        (["10.0.0.0/8"], ["10.255.255.255"], ["172.16.0.1", "192.168.0.1", "64:ff9b::a00:1"]),
        (["fd00:1::/32"], ["fd00:1::1"], ["fd00:2::1", "fe80::1", "fc00::1", "ff02::1", "10.0.0.1"]),
    ],
)
async def test_a_private_region_opens_its_ranges_and_nothing_beside_them(
    cidrs: list[str], open_to: list[str], closed_to: list[str]
) -> None:
    policy = Policy.of(cidrs)
    for address in open_to:
        judge_host_text(parse_host_text(address), policy)
    async with the_zone() as dns:
        for address in closed_to:
            with pytest.raises(UrlRefused):
                await dialer(dns, policy).connect((address,), port=443, literal=True, factory=never)


# -- what checks share


@pytest.mark.parametrize("row", guard_rows("connect"))
async def test_no_two_checks_share_a_connection(row: GuardRow) -> None:
    peers = []

    async def keeps_alive(reader: Reader, writer: Writer) -> None:
        peers.append(writer.get_extra_info("peername"))
        for _ in range(2):
            await targets.request_of(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")

    using = context()
    async with serving(keeps_alive) as port:
        outcomes = [await probe(f"http://127.0.0.1:{port}/", using=using) for _ in range(2)]
    assert [outcome.outcome for outcome in outcomes] == [Outcome.UP] * 2
    assert len(set(peers)) == 2, row.id


@pytest.mark.parametrize("row", guard_rows("env"))
async def test_neither_netrc_nor_a_proxy_of_the_environment_touches_a_check(row: GuardRow, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login tenant password not-for-you\n")
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), "http://127.0.0.1:9")
    seen: list[bytes] = []
    async with serving(targets.ok(seen=seen)) as port:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "check", "--allow-cidr", "127.0.0.0/8", f"http://127.0.0.1:{port}/"),
            env={**os.environ, **proxies, "no_proxy": "", "NETRC": str(netrc), "HOME": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said.decode()
    assert len(seen) == 1, row.id
    assert b"authorization" not in seen[0].lower()
