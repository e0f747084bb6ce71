"""S2: what an HTTPS check costs the agent: full handshake, verified, all phases and the certificate told."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import trustme

from shared.checks.http import HttpCheck
from shared.results import CheckResult
from tests.bench import rotation
from tests.bench.blackbox import PROGRAM, Blackbox, blackbox
from tests.bench.figure import Figure, Row
from tests.bench.nginx import ADDRESSES, BODY, Certificate, Target, target
from tests.bench.options import Options
from tests.bench.programs import find, finished
from tests.bench.rotation import Turn, ratios
from tests.bench.sink import Load, agent_turn, detail_of, is_up
from tests.bench.world import scratch

CONCURRENCY = 64
CROWDED = 5000
"""More checks a second than one process can make."""
S_TIME = "openssl s_time -new -www"

Contestants = dict[str, Callable[[], Awaitable[Turn]]]


async def measure(options: Options) -> Figure:
    figure = Figure(
        "S2",
        "Agent, HTTPS",
        [
            f"target: nginx on {len(ADDRESSES)} loopback addresses, TLS 1.3, no resumption; its CPU counts for nobody",
            "everybody verifies the chain (P-256, one authority); openssl makes one connection at a time",
            f"agent and peer: closed loop, {CONCURRENCY} checks under way at any time",
        ],
    )
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        certificate = _certificate(directory)
        site = await stack.enter_async_context(target(directory / "nginx", certificate=certificate))
        if site is None:
            figure.rows.append(Row("the agent", "µs/check", note="nginx is not installed"))
            return figure
        module = (
            "{prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, fail_if_not_ssl: true,"
            f" tls_config: {{ca_file: {certificate.authority}}}}}}}"
        )
        peer = await stack.enter_async_context(blackbox(directory / "blackbox", site.urls, module=module))
        contestants = _contestants(directory, site, certificate, peer, options)
        turns = await rotation.rotate(contestants, rounds=options.rounds)
    _fill(figure, turns)
    return figure


def _certificate(directory: Path) -> Certificate:
    made = Certificate(directory / "server.pem", directory / "server.key", directory / "authority.pem")
    authority = trustme.CA()
    issued = authority.issue_cert(*ADDRESSES)
    authority.cert_pem.write_to_path(made.authority)
    issued.private_key_pem.write_to_path(made.key)
    for part in issued.cert_chain_pems:
        part.write_to_path(made.chain, append=True)
    return made


def _contestants(
    directory: Path, site: Target, certificate: Certificate, peer: Blackbox | None, options: Options
) -> Contestants:
    window_s, warm_s, numbers = options.scaled(6, quick=2), options.scaled(3, quick=1), itertools.count()
    concurrency = options.scaled(CONCURRENCY, quick=8)
    urls = itertools.islice(itertools.cycle(site.urls), options.scaled(CROWDED, quick=200))
    checks = [HttpCheck(url=url, cert_warn_days=None) for url in urls]
    load = Load(checks, 1000, CONCURRENCY, settings={"ca_file": str(certificate.authority)})
    contestants: Contestants = {
        "agent": lambda: agent_turn(
            directory / f"agent-{next(numbers)}", load, warm_s=warm_s, window_s=window_s, is_right=_is_right
        )
    }
    if find("openssl") is not None:
        contestants["openssl"] = lambda: _openssl_turn(site, certificate, window_s)
    if peer is not None:
        contestants["blackbox"] = lambda: peer.turn(window_s=window_s, concurrency=concurrency)
    return contestants


def _is_right(result: CheckResult) -> bool:
    detail = detail_of(result)
    seen = (result.connect, result.tls, result.ttfb, result.download, detail.cipher, detail.cert_expires_at)
    return is_up(result) and result.http_status == 200 and None not in seen


async def _openssl_turn(site: Target, certificate: Certificate, window_s: float) -> Turn:
    where = ("-connect", f"{ADDRESSES[0]}:{site.port}", "-new", "-www", "/health")
    how = ("-CAfile", certificate.authority, "-verify", "3", "-time", str(round(window_s)))
    told = await finished("openssl", "s_time", *where, *how)
    found = re.search(r"(\d+) connections in (\d+) real seconds, (\d+) bytes read per connection", told.text)
    if found is None:
        raise RuntimeError(f"openssl s_time said {told.text[-300:]!r}")
    count, size = int(found[1]), int(found[3])
    is_wrong = size < len(BODY) or "verify error" in told.text
    return Turn({"openssl": told.cpu_s}, count, count if is_wrong else 0, extra={"rate": count / float(found[2])})


def _fill(figure: Figure, turns: dict[str, list[Turn]]) -> None:
    figure.book(itertools.chain.from_iterable(turns.values()))
    costs = {name: [turn.per_item_us() for turn in each] for name, each in turns.items()}
    names = {"agent": "agent", "openssl": S_TIME, "blackbox": PROGRAM}
    for key, what in names.items():
        figure.rows.append(Row(what, "µs/check", costs.get(key, ()), note=rate_note(turns.get(key, []))))
    for other, most in (("openssl", 1.15), ("blackbox", 0.9)):
        values = ratios(costs["agent"], costs[other]) if other in costs else ()
        figure.rows.append(Row(f"agent, against {names[other]}", "ratio", values, most))


def rate_note(turns: list[Turn]) -> str:
    if not turns:
        return "not installed"
    return f"{rotation.spread_of([turn.extra['rate'] for turn in turns]).middle:.0f} checks/s"
