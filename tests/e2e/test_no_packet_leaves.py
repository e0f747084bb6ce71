"""No packet of a shared region's agent goes to a blocked address, whatever it is told to check: all are counted.

A whole agent lives in a network namespace from which everything could leave. Its control plane hands out the guard's
corpus, and both ends of every block of the registry to every kind of check; /probe is asked for the same.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec
import pytest

from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.netpolicy import Network, parse_http_url
from shared.protocol import Assignment, RegionGrant
from shared.results import CheckResult, Outcome, Reason
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.guard_cases import (
    BOOTSTRAP,
    EMBEDDED_PORT,
    NAMES,
    NETWORKS,
    Case,
    TurningDns,
    Web,
    block_cases,
    corpus_cases,
)
from tests.support.namespaces import Namespace, relayed
from tests.support.netns import (
    PUBLIC_V4,
    PacketCounters,
    a_dark_namespace,
    why_no_namespaces,
    within,
)
from tests.support.tls_servers import Authority, fetched_from, server_context
from tests.support.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def namespaces_can_be_made() -> None:
    reason = why_no_namespaces()
    if reason:
        pytest.skip(reason)


HOME = "127.7.7.7"
"""Where the test's own servers listen inside the namespace: no case names it."""

PLANE, RESOLVER, DOOR = (HOME, 8765), (HOME, 5300), (HOME, 9300)

SHARED_REGION = RegionGrant(id="eu", name="Europe", ports="strict")
ONE_PRIVATE = RegionGrant(id="eu", name="Europe", private=True, allow_cidrs=("10.9.0.0/16", "fd00:9::/32"))

HOUR_MS = 3_600_000

TIMEOUT_MS = 2000
"""Of checks that may be made: most of their targets never answer."""

PATIENT_MS = 20_000
"""Of checks that have to be refused, which takes no time but that of a busy machine."""


@dataclass
class World:
    """The agent's surroundings; `counters` see all that it sends."""

    namespace: Namespace
    plane: FakeControlPlane
    counters: PacketCounters
    web: Web
    cases: dict[UUID, Case] = field(default_factory=dict)

    def assign(self, cases: Iterable[Case]) -> None:
        """Each of them a monitor of a tenant of its own, once and at once."""
        now = self.plane.now_ms()
        for case in cases:
            key = uuid4()
            self.cases[key] = case
            check = msgspec.structs.replace(case.check, timeout=PATIENT_MS if case.blocked else TIMEOUT_MS)
            self.plane.assign(Assignment(key, uuid4(), 1, 1, check, 24 * HOUR_MS, 0, now))

    def seen(self) -> dict[str, CheckResult]:
        """What came back, by the case."""
        return {self.cases[monitor_id].id: result for (monitor_id, _), result in self.plane.stored.items()}

    async def probe(self, module: str, target: str) -> tuple[int, bytes]:
        """What /probe answers, asked from inside the namespace."""

        def ask() -> tuple[int, bytes]:
            client = http.client.HTTPConnection(*DOOR, timeout=30)
            client.request("GET", f"/probe?module={module}&name=example.com&target={quote(target)}")
            answer = client.getresponse()
            status, body = answer.status, answer.read()
            client.close()
            return status, body

        return await asyncio.to_thread(within, self.namespace, ask)


@contextmanager
def certificates(directory: Path) -> Iterator[tuple[Path, ssl.SSLContext]]:
    """An authority's file, and a certificate that invites its reader to fetch something from the metadata service."""
    authority = Authority()
    leaf = authority.leaf(*NAMES, extensions=fetched_from("http://169.254.169.254/latest"))
    yield authority.write(directory / "ca.pem"), server_context(leaf)


@asynccontextmanager
async def a_world(directory: Path, *, region: RegionGrant = SHARED_REGION) -> AsyncIterator[World]:
    with a_dark_namespace() as namespace, certificates(directory) as (authorities, tls):
        counters = PacketCounters(namespace, but=frozenset({PLANE, RESOLVER, DOOR}))
        world = World(namespace, FakeControlPlane(), counters, Web())
        world.plane.region = region
        answering, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            TurningDns, sock=namespace.socket(socket.SOCK_DGRAM, RESOLVER)
        )
        pages = [
            await asyncio.start_server(
                world.web.answer, sock=namespace.socket(socket.SOCK_STREAM, (PUBLIC_V4, 443)), ssl=tls
            ),
            await asyncio.start_server(world.web.answer, sock=namespace.socket(socket.SOCK_STREAM, (PUBLIC_V4, 80))),
        ]
        async with (
            world.plane.serving() as url,
            relayed(namespace.socket(socket.SOCK_STREAM, PLANE), int(url.rpartition(":")[2])),
        ):
            counters.start()
            try:
                async with an_agent(world, directory, authorities):
                    yield world
            finally:
                counters.stop()
                answering.close()
                for page in pages:
                    page.close()


@asynccontextmanager
async def an_agent(world: World, directory: Path, authorities: Path) -> AsyncIterator[None]:
    """A process of its own in the namespace, at work."""
    settings = {
        "URL": f"http://{PLANE[0]}:{PLANE[1]}",
        "KEY": KEY,
        "STATE_DIR": str(directory / "agent"),
        "RESOLVERS": f"{RESOLVER[0]}:{RESOLVER[1]}",
        "RDAP_BOOTSTRAP": BOOTSTRAP,
        "CA_FILE": str(authorities),
        "METRICS_HOST": DOOR[0],
        "METRICS_PORT": str(DOOR[1]),
        "PROBE_DOOR": "true",
        "PROXY": "none",
    }
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FARWATCH_")}
    with (directory / "agent.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(*world.namespace.prefix, sys.executable, "-m", "agent", "run"),
            env=plain | {f"FARWATCH_AGENT__{name}": value for name, value in settings.items()},
            stdout=log,
            stderr=log,
        )
    try:
        await until(lambda: world.plane.hellos, f"the agent is there, see {log.name}", timeout=30)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


# -- the counters

UNSCOPED = {"fe80::/10", "ff00::/8"}
"""Where the kernel lets a program send nothing without naming a device."""

ELSEWHERE = {"0.0.0.0/32", "::/128", "::ffff:0:0/96", "64:ff9b::/96"}
"""What is sent there means another block: this host, or the IPv4 address inside."""


async def test_a_program_without_a_guard_is_counted_at_every_block_that_the_kernel_lets_it_reach() -> None:
    """Were nothing counted, or no way out, then nothing of what follows would be proven."""
    with a_dark_namespace() as namespace:
        counters = PacketCounters(namespace)
        counters.start()
        refused = within(namespace, lambda: {str(network) for network in NETWORKS if not send_into(network)})
        assert within(namespace, lambda: send_to("8.8.8.8"))
        counters.stop()
    assert refused == UNSCOPED
    assert {str(network) for network in NETWORKS} - set(counters.of_blocks()) == UNSCOPED | ELSEWHERE
    assert ("8.8.8.8", 9) in counters.endpoints()


def send_into(network: Network) -> bool:
    return send_to(str(network[min(1, network.num_addresses - 1)]))


def send_to(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            plain.sendto(b"unguarded", (address, 9))
        except OSError:
            return False
    return True


# -- the agent

MODULES = ("http_2xx", "tcp_connect", "icmp", "dns")
PROBED = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[fd00:ec2::254]", "localhost", "block-2.example.net")


def public_endpoints(cases: Iterable[Case]) -> set[tuple[str, int]]:
    """Where those cases lead that may be examined, besides the web server here."""
    urls = [parse_http_url(case.check.url) for case in cases if not case.blocked and isinstance(case.check, HttpCheck)]
    return {(url.host, url.port) for url in urls if url.is_literal} | {("64:ff9b::808:808", EMBEDDED_PORT)}


BLOCKED = (Outcome.ERROR, Reason.BLOCKED)
TOLD: dict[str, set[Reason]] = {
    "S292": {Reason.DNS, Reason.TIMEOUT},  # a forged answer counts as none
    "S312": {Reason.REDIRECT},
    # The target's mistakes, not the guard's doing: no URL at all, or a credential led to http.
    "S299": {Reason.REDIRECT},
    "S302": {Reason.REDIRECT},
    "S303": {Reason.REDIRECT},
    "S309": {Reason.REDIRECT},
    "S345": {Reason.INCAPABLE},
}
"""Rows that fail for a reason of their own. Where this machine is too busy to pass the self-test, it is `unhealthy`."""


def judged_well(case: Case, result: CheckResult) -> bool:
    told = TOLD.get(case.id.rpartition(" ")[2])
    if told is not None:
        return result.reason in told | {Reason.UNHEALTHY}
    return ((result.outcome, result.reason) == BLOCKED) == case.blocked


async def test_no_packet_goes_to_a_blocked_address_while_the_agent_runs_the_whole_corpus(tmp_path: Path) -> None:
    cases = [*corpus_cases(), *block_cases()]
    cases.append(Case("rebinding", HttpCheck(url="https://turning.example.net/turn"), blocked=True))
    assert len({case.id for case in cases}) == len(cases)
    async with a_world(tmp_path) as world:
        world.assign(cases)
        answers = [await world.probe(module, f"{target}:443" if module == "tcp_connect" else target)
                   for module in MODULES for target in PROBED]  # fmt: skip
        await until(lambda: len(world.seen()) == len(cases), "every case is reported", timeout=90)
    seen = world.seen()
    assert world.counters.of_blocks() == {}
    elsewhere = {endpoint for endpoint in world.counters.endpoints() if endpoint[0] != PUBLIC_V4}
    assert elsewhere == public_endpoints(cases)
    wrong = {case.id: (seen[case.id].outcome, seen[case.id].reason, seen[case.id].detail) for case in cases
             if not judged_well(case, seen[case.id])}  # fmt: skip
    assert wrong == {}
    assert {status for status, _ in answers} == {200}
    assert all(b"probe_success 0" in body for _, body in answers)
    reached = {port for host, port in world.counters.endpoints() if host == PUBLIC_V4}
    assert {0, 53, 80, 443, 8080} <= reached, "public targets are pinged, asked and connected to"
    assert {"/", "/next", "/turn"} <= set(world.web.asked)
    assert "/turned" not in world.web.asked


async def test_a_private_region_reaches_what_its_operator_allows_and_each_packet_is_counted(tmp_path: Path) -> None:
    hosts = ("10.9.8.7", "10.8.8.7", "fd00:9::1", "fd00:8::1", "127.0.0.1", "8.8.8.8")
    cases = [Case(f"tcp {host}", TcpCheck(host=host, port=22), blocked=False) for host in hosts]
    cases += [Case(f"ping {host}", PingCheck(host=host, count=1), blocked=False) for host in hosts]
    async with a_world(tmp_path, region=ONE_PRIVATE) as world:
        world.assign(cases)
        await until(lambda: len(world.seen()) == len(cases), "every case is reported", timeout=60)
    reached = {"10.9.8.7", "fd00:9::1", "8.8.8.8"}
    assert world.counters.endpoints() == {(host, port) for host in reached for port in (0, 22)}
    assert set(world.counters.of_blocks()) == {"10.0.0.0/8", "8000::/1", "fc00::/7"}
    blocked = {case for case, result in world.seen().items() if (result.outcome, result.reason) == BLOCKED}
    assert blocked == {f"{kind} {host}" for kind in ("tcp", "ping") for host in set(hosts) - reached}
