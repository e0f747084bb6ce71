"""The guard's corpus and its registry as whole checks of every kind, each with what has to become of it.

The checks live in a small world (see `zone` and `Web`): a scripted resolver knows their names, and the public names
lead to a web server that redirects and registers as the cases need it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from ipaddress import ip_network

import dns.message
import msgspec

from shared.checks import Check
from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck
from shared.netpolicy import Network, UrlRefused, parse_http_url
from shared.netpolicy.registry import IPV4_BLOCKS, IPV6_BLOCKS
from tests.support.hostile import GuardRow, all_guard_rows
from tests.support.netns import PUBLIC_V4
from tests.support.scripted_dns import ScriptedDns
from tests.support.targets import Reader, Writer, redirect, request_of

NETWORKS = tuple(ip_network(block.network) for block in IPV4_BLOCKS + IPV6_BLOCKS)

REGISTRY = "rdap.example.net"
BOOTSTRAP = f"https://{REGISTRY}/dns.json"
NAMES = ("example.com", REGISTRY, "turning.example.net")
"""What the web server has a certificate for."""

EMBEDDED_PORT = 8276
"""Where the public address inside a NAT64 answer is asked: as a literal, nothing may be sent to it."""


class Case(msgspec.Struct, frozen=True):
    """`blocked`: nothing may be sent for it but questions to the resolver, and requests to public names."""

    id: str
    check: Check
    blocked: bool


def corpus_cases() -> Iterator[Case]:
    """A whole check for each row that an agent could be given."""
    for row in all_guard_rows():
        blocked = row.expected == "block"
        match row.surface:
            case "url":
                yield Case(row.id, HttpCheck(url=row.input), blocked)
            case "dns-answer":
                yield from _of_a_name(row.id, row.input, blocked=blocked)
            case "redirect":
                url = "https://example.com/" if row.setup.startswith("200") else f"https://example.com/r/{row.id}"
                token = "secret" if "bearer_token" in row.setup else None
                yield Case(row.id, HttpCheck(url=url, bearer_token=token), blocked)
            case _:
                check = check_of(row)
                if check is not None:
                    yield Case(row.id, check, blocked)


def check_of(row: GuardRow) -> Check | None:
    """The check of another kind that a row writes down; None where it is about something else."""
    match row.surface:
        case "tcp":
            host, _, port = row.input.rpartition(":")
            return TcpCheck(host=host, port=int(port))
        case "icmp":
            return PingCheck(host=row.input)
        case "dns-check":
            question, _, resolver = row.input.partition(" via nameserver ")
            name, _, kind = question.partition(" ")
            return DnsCheck(name=name, record_type=kind or "A", resolver=resolver or None)  # type: ignore[arg-type]
        case "tls_cert" if " sni=" in row.input:
            target, _, name = row.input.partition(" sni=")
            host, _, port = target.rpartition(":")
            return TlsCertCheck(host=host, port=int(port), server_name=name)
        case "domain_expiry" if " " not in row.input:
            return DomainExpiryCheck(domain=row.input)
    return None


def block_cases() -> Iterator[Case]:
    """Both ends of every block of the registry, by every kind of check: written, answered, and redirected to."""
    for number, network in enumerate(NETWORKS):
        for end in dict.fromkeys((network[0], network[-1])):
            yield from _of_an_address(f"{end} in {network}", str(end))
        yield from _of_a_name(f"a name in {network}", block_name(number), blocked=True)
        check = HttpCheck(url=f"https://example.com/b/{number}")
        yield Case(f"a redirect to {network}", check, blocked=True)
        for way, suffix in (("a registry", "l"), ("a registry by name", "n"), ("a registry that redirects", "r")):
            domain = DomainExpiryCheck(domain=f"some.{suffix}{number}")
            yield Case(f"{way} to {network}", domain, blocked=True)


def _of_an_address(case: str, address: str) -> Iterator[Case]:
    shown = f"[{address}]" if ":" in address else address
    yield Case(f"http {case}", HttpCheck(url=f"http://{shown}/"), blocked=True)
    yield Case(f"dns {case}", DnsCheck(name="example.com", resolver=shown), blocked=True)
    yield Case(f"dot {case}", DnsCheck(name="example.com", resolver=f"{shown}:853"), blocked=True)
    yield from _of_a_host(case, address, blocked=True)


def _of_a_name(case: str, name: str, *, blocked: bool) -> Iterator[Case]:
    is_embedded = name == "dns64.example.net"
    url = f"http://{name}:{EMBEDDED_PORT}/" if is_embedded else f"http://{name}/"
    yield Case(f"http {case}", HttpCheck(url=url), blocked)
    if not is_embedded:  # its other ports are those where nothing may be sent
        check = DnsCheck(name="example.com", resolver=name)
        yield Case(f"dns {case}", check, blocked)
        yield from _of_a_host(case, name, blocked=blocked)


def _of_a_host(case: str, host: str, *, blocked: bool) -> Iterator[Case]:
    yield Case(f"tcp {case}", TcpCheck(host=host, port=443), blocked)
    yield Case(f"tls_cert {case}", TlsCertCheck(host=host), blocked)
    yield Case(f"ping {case}", PingCheck(host=host, count=1), blocked)


# -- the world around them


def block_name(number: int) -> str:
    """A public name that leads into the block of this number."""
    return f"block-{number}.example.net"


def zone() -> dict[str, list[str]]:
    """What the resolver says: the corpus' answers, a name for every block, and the public names' one address."""
    records = {name: [f"A {PUBLIC_V4}"] for name in (*NAMES, *_public_names())}
    records |= {block_name(number): [_record(network)] for number, network in enumerate(NETWORKS)}
    records |= {row.input: list(_answers(row.setup)) for row in all_guard_rows() if row.surface == "dns-answer"}
    return records | {"rebind.example.net": ["A 10.0.0.5"]}


def _answers(setup: str) -> Iterator[str]:
    """What a row says of DNS; what it says of the hosts file is no answer."""
    said = setup.partition("; DNS ")[2] or setup
    for kind, values in re.findall(r"(?:^|[; ])(A+|CNAME)=([^; ]+)", said):
        yield from (f"{kind} {value}{'.' if kind == 'CNAME' else ''}" for value in values.split(","))


def _record(network: Network) -> str:
    return f"{'A' if network.version == 4 else 'AAAA'} {network[-1]}"


def _public_names() -> Iterator[str]:
    """Hosts of the corpus that may be asked for."""
    for row in all_guard_rows():
        if row.surface in ("url", "redirect") and row.expected == "allow":
            try:
                url = parse_http_url(row.input)
            except UrlRefused:
                continue
            if not url.is_literal:
                yield url.host


class TurningDns(ScriptedDns):
    """`turning.example.net` is public when it is first asked for and private ever after. One fails, one is forged."""

    def __init__(self) -> None:
        super().__init__(zone())
        self.rcodes["servfail.example.net"] = dns.rcode.SERVFAIL
        self.mangle = self._spoofed

    def _fill(self, response: dns.message.Message, name: str, wanted: str) -> None:
        super()._fill(response, name, wanted)
        if name == "turning.example.net" and wanted == "A":
            self.records[name] = ["A 10.0.0.6"]

    def _spoofed(self, wire: bytes) -> list[bytes]:
        """As somebody who guesses: the identifier is wrong."""
        return [bytes([wire[0] ^ 0x55]) + wire[1:]] if self.asked[-1] == "spoof.example.net" else [wire]


class Web:
    """The web server behind all public names; `asked` are the paths it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._rows = {row.id: row for row in all_guard_rows() if row.surface == "redirect"}

    async def answer(self, reader: Reader, writer: Writer) -> None:
        """Serve one request; many a check wants no more than the certificate."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        head = await request_of(reader)
        path = head.split(b" ")[1].decode()
        self.asked.append(path)
        again = asyncio.StreamReader()  # the redirect reads the request for itself
        again.feed_data(head)
        status, location = self._answer_to(path)
        if location is not None:
            await redirect(location, status)(again, writer)
            return
        body = json.dumps(_bootstrap()).encode() if path == "/dns.json" else b"{}"
        more = b'Alt-Svc: h3="10.0.0.1:443"\r\n'
        writer.write(b"HTTP/1.1 %d Well\r\n" % status + more + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    def _answer_to(self, path: str) -> tuple[int, str | None]:
        """`/r/ID`: of a row; `/b/N`, `/d/N/…`: into a block; `/turn`: to a name that means another address now."""
        kind, _, rest = path[1:].partition("/")
        match kind:
            case "r":
                row = self._rows[rest]
                return int(row.setup[:3]), _location_of(row)
            case "b" | "d":
                return 302, f"https://{_shown(NETWORKS[int(rest.partition('/')[0])])}/"
            case "turn":
                return 302, "https://turning.example.net/turned"
            case "loop":
                return 302, "/loop"
        return 200, None


def _location_of(row: GuardRow) -> str | None:
    """Rows about what is followed hold the bare value; others tell a story around it, or that there is none."""
    if row.expected == "block":
        return row.input
    found = re.match(r"https?:\S+|/\S*", row.input)
    return None if found is None else found[0]


def _shown(network: Network) -> str:
    return f"[{network[-1]}]" if network.version == 6 else str(network[-1])


def _bootstrap() -> dict[str, object]:
    """A list that sends each suffix somewhere blocked: as a literal, by a name, by a redirect."""
    services: list[object] = []
    for number, network in enumerate(NETWORKS):
        services += [
            [[f"l{number}"], [f"https://{_shown(network)}/"]],
            [[f"n{number}"], [f"https://{block_name(number)}/"]],
            [[f"r{number}"], [f"https://{REGISTRY}/d/{number}/"]],
        ]
    return {"version": "1.0", "services": services}
