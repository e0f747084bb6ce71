"""S3: what TCP, DNS and ICMP checks cost the agent."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from shared.checks import Check
from shared.checks.dns import DnsCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.results import CheckResult
from tests.bench import rotation
from tests.bench.agent_https import rate_note
from tests.bench.blackbox import PROGRAM, blackbox
from tests.bench.figure import Figure, Row
from tests.bench.nginx import target
from tests.bench.options import Options
from tests.bench.programs import find, finished, free_port, listening, program
from tests.bench.rotation import Turn, ratios
from tests.bench.sink import Load, agent_turn, detail_of, is_up
from tests.bench.world import scratch

CONCURRENCY = 64
CROWDED = 25_000
"""More checks a second than one process can make."""
PACED = 1000
NAME, ADDRESS = "bench.test", "192.0.2.1"
PINGED = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(PACED)]
MOST = {"tcp": 1 / 3, "dns": 1 / 4, "ping": 1 / 10}

_UNBOUND = """\
server:
    interface: 127.0.0.1@{port}
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: "{directory}/unbound.pid"
    use-syslog: no
    num-threads: 1
    local-zone: "{name}." static
    local-data: "{name}. 60 IN A {address}"
"""
_DNS = (
    "{{prober: dns, timeout: 5s, dns: {{preferred_ip_protocol: ip4, query_name: {name}, query_type: A,"
    " validate_answer_rrs: {{fail_if_not_matches_regexp: ['.*\\s{address}']}}}}}}"
)
_MODULES = {
    "tcp": "{prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4}}",
    "dns": _DNS.format(name=NAME, address=ADDRESS),
    "ping": "{prober: icmp, timeout: 5s, icmp: {preferred_ip_protocol: ip4}}",
}

Contestants = dict[str, Callable[[], Awaitable[Turn]]]


async def measure(options: Options) -> Figure:
    figure = Figure(
        "S3",
        "Agent, TCP, DNS and ICMP",
        [
            "tcp: a connection to nginx; dns: one A record of unbound, its value checked; icmp: one echo on loopback",
            f"closed loop: {CONCURRENCY} checks under way at any time; the agent ships to a sink",
            (
                f"icmp, paced: {PACED} echoes a second at {PACED} addresses, each every second; fping sums"
                " up at the end, the agent makes and ships a result of each"
            ),
        ],
    )
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        contestants = await _contestants(stack, directory, options)
        turns = await rotation.rotate(contestants, rounds=options.rounds)
    _fill(figure, turns)
    return figure


async def _contestants(stack: AsyncExitStack, directory: Path, options: Options) -> Contestants:
    window_s, concurrency = options.scaled(5, quick=2), options.scaled(CONCURRENCY, quick=8)
    site = await stack.enter_async_context(target(directory / "nginx"))
    server = await stack.enter_async_context(_unbound(directory / "unbound"))
    contestants: Contestants = {}
    targets: dict[str, tuple[Sequence[Check], Sequence[str]]] = {
        "ping": ([PingCheck(host=each, count=1) for each in PINGED], PINGED)
    }
    if server is not None:
        targets["dns"] = ([DnsCheck(name=NAME, expected=(ADDRESS,), resolver=server)], [server])
    if site is not None:
        hosts = [url.split("/")[2] for url in site.urls]
        targets["tcp"] = ([TcpCheck(host=host.split(":")[0], port=site.port) for host in hosts], hosts)
    for kind in sorted(targets, reverse=True):
        checks, probed = targets[kind]
        crowd = list(itertools.islice(itertools.cycle(checks), options.scaled(CROWDED, quick=300)))
        contestants[kind] = _agent(directory, kind, Load(crowd, 1000, concurrency), window_s)
        peer = await stack.enter_async_context(blackbox(directory / f"blackbox-{kind}", probed, module=_MODULES[kind]))
        if peer is not None:
            contestants[f"{kind}, blackbox"] = lambda peer=peer: peer.turn(window_s=window_s, concurrency=concurrency)  # type: ignore[misc]
    contestants["ping, paced"] = _agent(directory, "paced", Load(targets["ping"][0], 1000, 500), window_s)
    if find("fping") is not None:
        contestants["fping"] = lambda: _fping_turn(window_s)
    return contestants


def _agent(directory: Path, name: str, load: Load, window_s: float) -> Callable[[], Awaitable[Turn]]:
    numbers = itertools.count()
    return lambda: agent_turn(
        directory / f"agent-{name}-{next(numbers)}", load, warm_s=2, window_s=window_s, is_right=_is_right
    )


def _is_right(result: CheckResult) -> bool:
    """Up, with an answer where there is one to have."""
    if not is_up(result) or result.total is None:
        return False
    facts = detail_of(result).ping
    return facts is None or (facts.sent, facts.received) == (1, 1)


@asynccontextmanager
async def _unbound(directory: Path) -> AsyncIterator[str | None]:
    """host:port of a DNS server that knows one name; None when it is not installed."""
    found = find("unbound")
    if found is None:
        yield None
        return
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    port, configuration = free_port(), directory / "unbound.conf"
    configuration.write_text(_UNBOUND.format(port=port, directory=directory, name=NAME, address=ADDRESS))
    async with program(found, "-d", "-c", configuration, log=directory / "unbound.log"):
        await listening(port)
        yield f"127.0.0.1:{port}"


async def _fping_turn(window_s: int) -> Turn:
    """`-i 1`: a millisecond between two echoes, so a thousand targets a second."""
    told = await finished("fping", "-4", "-q", "-i", "1", "-p", "1000", "-c", str(window_s), *PINGED)
    counts = re.findall(r"xmt/rcv/%loss = (\d+)/(\d+)/", told.text)
    sent, received = (sum(int(pair[part]) for pair in counts) for part in (0, 1))
    return Turn({"fping": told.cpu_s}, sent, sent - received, extra={"rate": sent / window_s})


def _fill(figure: Figure, turns: dict[str, list[Turn]]) -> None:
    figure.book(itertools.chain.from_iterable(turns.values()))
    costs = {name: [turn.per_item_us() for turn in each] for name, each in turns.items()}
    for kind in ("tcp", "dns", "ping"):
        for key, what in ((kind, "agent"), (f"{kind}, blackbox", PROGRAM)):
            note = rate_note(turns.get(key, []))
            figure.rows.append(Row(f"{_word(kind)}, {what}", "µs/check", costs.get(key, ()), note=note))
    for key, what in (("ping, paced", "agent"), ("fping", "fping")):
        note = rate_note(turns.get(key, []))
        figure.rows.append(Row(f"icmp at {PACED}/s, {what}", "µs/echo", costs.get(key, ()), note=note))
    for kind, most in MOST.items():
        other = costs.get(f"{kind}, blackbox")
        values = ratios(costs[kind], other) if kind in costs and other else ()
        figure.rows.append(Row(f"{_word(kind)}, agent against {PROGRAM}", "ratio", values, most))
    values = ratios(costs["ping, paced"], costs["fping"]) if "fping" in costs else ()
    figure.rows.append(Row(f"icmp at {PACED}/s, agent against fping", "ratio", values, 1.0))


def _word(kind: str) -> str:
    return "icmp" if kind == "ping" else kind
