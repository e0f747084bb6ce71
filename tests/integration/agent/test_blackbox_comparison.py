"""The same targets asked by us and by Prometheus' blackbox_exporter: the same verdict for each, and the same meaning.

Where the two differ on purpose, it is in `DIFFERENCES`, and docs/checks.md says why.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dns.rcode
import httpx
import pytest

from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from agent.icmp.echo import IcmpSockets
from shared.checks import Check, kind_of
from shared.checks.dns import DnsCheck
from shared.checks.http import ExactStatus, HttpCheck, StatusBounds, StatusRange
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck
from shared.results import Outcome
from tests.bench import nginx
from tests.bench.blackbox import PROGRAM
from tests.bench.programs import find, free_port, listening, program
from tests.support import targets, tls_servers
from tests.support.dns_checks import ZONE
from tests.support.http_checks import context
from tests.support.icmp_targets import Request, answering, icmp_net
from tests.support.scripted_dns import ScriptedDns, serving_dns
from tests.support.targets import Reader, Target, Writer, serving
from tests.support.tls_servers import DAY, NOW, Authority, Issued, server_context

BLACKBOX = find(PROGRAM)
GUIDE = Path(__file__).parents[3] / "docs" / "checks.md"
IS_NEEDED = os.environ.get("TEST_FARWATCH_PEERS") == "required"
"""As in CI: what cannot be compared there fails, and is not skipped."""

pytestmark = pytest.mark.skipif(
    BLACKBOX is None and not IS_NEEDED, reason=f"{PROGRAM} is not installed: nothing to compare with"
)

AUTHORITY = Authority("Root")
ANY_2XX = StatusRange(StatusBounds(200, 299))
TIMEOUT_MS = 20_000
SHORT_MS = 2000
"""Of targets that never answer."""


@dataclasses.dataclass(frozen=True)
class Case:
    """`make` gives our check of a port; `target` is what blackbox_exporter is asked about, `module` how."""

    name: str
    make: Callable[[int], Check]
    target: Callable[[int], str]
    module: dict[str, Any]
    serve: Callable[[AsyncExitStack], Any]
    """Gives the port."""
    by: str = "127.0.0.1"


CASES: list[Case] = []

DIFFERENCES = {
    "429": (True, False),
    "503 with Retry-After": (True, False),
    "endless body": (True, False),
    "length and chunks": (False, True),
    "tls_cert, not trusted": (True, False),
    "tls_cert, expired": (False, True),
    "dns, no record of this type": (False, True),
}
"""Whether we, and whether blackbox_exporter, call it good."""


# -- http


def served(target: Target, *, host: str = "127.0.0.1", tls: Callable[[], Any] = lambda: None) -> Callable[..., Any]:
    return lambda stack: stack.enter_async_context(serving(target, host=host, tls=tls()))


def nowhere(_stack: AsyncExitStack) -> Any:
    async def port() -> int:
        return free_port()

    return port()


def http(
    name: str,
    target: Target,
    *,
    module: dict[str, Any] | None = None,
    host: str = "127.0.0.1",
    serve: Callable[[AsyncExitStack], Any] | None = None,
    scheme: str = "http",
    **options: Any,
) -> None:
    """`module`: what stands in the http part of theirs; `options`: of our check."""
    fields = {"timeout": TIMEOUT_MS, "expected_status": ANY_2XX, "cert_warn_days": None, **options}
    listen = "::1" if host == "[::1]" else "127.0.0.1"
    CASES.append(
        Case(
            name,
            lambda port: HttpCheck(url=f"{scheme}://{host}:{port}/", **fields),
            lambda port: f"{scheme}://{host}:{port}/",
            {
                "prober": "http",
                "timeout": f"{fields['timeout']}ms",
                "http": {"preferred_ip_protocol": "ip4", **(module or {})},
            },
            serve or served(target, host=listen),
        )
    )


def only_if(asked: bytes) -> Target:
    """200 for a request with this in it, 400 for others."""

    async def target(reader: Reader, writer: Writer) -> None:
        head = await targets.request_of(reader)
        status = "200 OK" if asked.lower() in head.lower() else "400 Bad Request"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()

    return target


async def elsewhere(reader: Reader, writer: Writer) -> None:
    """Redirects from / to /there, where all is well."""
    head = await targets.request_of(reader)
    if b" /there " in head:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    else:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()


BODY = targets.ok(b"all is well", headers={"X-App": "one"})

http("200", targets.ok())
http("200 over IPv6", targets.ok(), host="[::1]")
http("200 by name", targets.ok(), host="localhost")
http("204", targets.raw(b"HTTP/1.1 204 No Content\r\n\r\n"))
http("404", targets.ok(status="404 Not Found"))
http("404, wanted", targets.ok(status="404 No"), module={"valid_status_codes": [404]}, expected_status=ExactStatus(404))
http(
    "201, but 200 is wanted",
    targets.ok(status="201 Made"),
    module={"valid_status_codes": [200]},
    expected_status=ExactStatus(200),
)
http("500", targets.ok(status="500 Oops"))
http("503", targets.ok(status="503 Busy"))
http("999", targets.ok(status="999 Denied"))
http("000", targets.ok(status="000 Nothing"))
http("429", targets.ok(status="429 Slow down"))
http("503 with Retry-After", targets.ok(status="503 Busy", headers={"Retry-After": "9"}))
http("a redirect", elsewhere)
http("a redirect, not followed", elsewhere, module={"follow_redirects": False}, follow_redirects=False)
http(
    "a redirect, wanted",
    elsewhere,
    module={"follow_redirects": False, "valid_status_codes": [302]},
    follow_redirects=False,
    expected_status=ExactStatus(302),
)
http("redirects without end", targets.redirect("/"))
http("POST", only_if(b"POST / HTTP"), module={"method": "POST", "body": "x"}, method="POST", body="x")
http("GET where POST is wanted", only_if(b"POST / HTTP"))
http("HEAD", only_if(b"HEAD / HTTP"), module={"method": "HEAD"}, method="HEAD")
http("a header", only_if(b"\r\nX-Mine: 1\r\n"), module={"headers": {"X-Mine": "1"}}, headers={"X-Mine": "1"})
http(
    "a password",
    only_if(b"Basic dXNlcjpwYXNz"),
    module={"basic_auth": {"username": "user", "password": "pass"}},
    basic_auth=("user", "pass"),
)
http(
    "a wrong password",
    only_if(b"Basic dXNlcjpwYXNz"),
    module={"basic_auth": {"username": "user", "password": "no"}},
    basic_auth=("user", "no"),
)
http("a pattern in the body", BODY, module={"fail_if_body_not_matches_regexp": ["is wel+"]}, body_regex="is wel+")
http("a pattern missing", BODY, module={"fail_if_body_not_matches_regexp": ["^absent$"]}, body_regex="^absent$")
http(
    "a text that must not be",
    BODY,
    module={"fail_if_body_matches_regexp": ["is well"]},
    expected_body_not_contains="is well",
)
http(
    "a response header",
    BODY,
    module={"fail_if_header_not_matches": [{"header": "X-App", "regexp": "^one$"}]},
    expected_headers={"X-App": "one"},
)
http(
    "a response header of another value",
    BODY,
    module={"fail_if_header_not_matches": [{"header": "X-App", "regexp": "^two$"}]},
    expected_headers={"X-App": "two"},
)
http("HTTP/1.0", targets.raw(b"HTTP/1.0 200 OK\r\n\r\nthe end"))
http("refused", targets.silent, serve=nowhere)
http("silent", targets.silent, timeout=SHORT_MS)
http("a drip", targets.drip, timeout=SHORT_MS)
http("reset", targets.reset)
http("hangs up", targets.hang_up)
http("SSH", targets.raw(b"SSH-2.0-OpenSSH_9.9\r\n"))
http("body cut short", targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"))
http("two lengths", targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"))
http("bad chunks", targets.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"))
http(
    "length and chunks",
    targets.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
)
http("header flood", targets.header_flood)
http("interim storm", targets.interim_storm)
http("endless body", targets.endless, timeout=SHORT_MS)

# -- https


def https(name: str, issue: Callable[[], Issued], *, trusting: bool = True, target: Target | None = None) -> None:
    http(
        name,
        targets.ok(),
        scheme="https",
        module={"tls_config": {"ca_file": "CA"} if trusting else {"insecure_skip_verify": True}},
        serve=served(target) if target else served(targets.ok(), tls=lambda: server_context(issue())),
        verify_tls=trusting,
    )


GOOD = AUTHORITY.leaf("127.0.0.1")
EXPIRED = AUTHORITY.leaf("127.0.0.1", not_after=NOW - DAY)
STRANGE = Authority("Stranger").leaf("127.0.0.1")
https("https", lambda: GOOD)
https("https, not trusted", lambda: STRANGE)
https("https, not trusted, not verified", lambda: STRANGE, trusting=False)
https("https, another host", lambda: AUTHORITY.leaf("127.0.0.2"))
https("https, expired", lambda: EXPIRED)
https("https without TLS", lambda: GOOD, target=tls_servers.plain_text)


# -- tcp, tls_cert


def tcp(
    name: str,
    target: Target,
    *,
    theirs: Sequence[dict[str, str]] = (),
    host: str = "127.0.0.1",
    serve: Any = None,
    **options: Any,
) -> None:
    fields = {"timeout": TIMEOUT_MS, **options}
    bracketed = f"[{host}]" if ":" in host else host
    CASES.append(
        Case(
            f"tcp, {name}",
            lambda port: TcpCheck(host=host, port=port, **fields),
            lambda port: f"{bracketed}:{port}",
            {"prober": "tcp", "timeout": f"{fields['timeout']}ms", "tcp": {"query_response": list(theirs)}},
            serve or served(target, host=host),
        )
    )


tcp("open", targets.silent)
tcp("open over IPv6", targets.silent, host="::1")
tcp("refused", targets.silent, serve=nowhere)
tcp("a banner", tls_servers.banner, theirs=[{"expect": "ESMTP"}], expect="ESMTP")
tcp("another banner", tls_servers.banner, theirs=[{"expect": "IMAP"}], expect="IMAP", timeout=SHORT_MS)
tcp(
    "question and answer",
    targets.ok(),
    theirs=[{"send": "GET / HTTP/1.0\r\n\r\n"}, {"expect": "200 OK"}],
    send="GET / HTTP/1.0\r\n\r\n\r\n",
    expect="200 OK",
)
tcp(
    "hangs up",
    targets.hang_up_in_handshake,
    theirs=[{"send": "hello hello"}, {"expect": "x"}],
    send="hello hello\n",
    expect="x",
)
tcp("silent", targets.silent, theirs=[{"expect": "x"}], expect="x", timeout=SHORT_MS)


def tls_cert(name: str, issue: Callable[[], Issued], *, trusting: bool = True, target: Target | None = None) -> None:
    CASES.append(
        Case(
            f"tls_cert, {name}",
            lambda port: TlsCertCheck(host="127.0.0.1", port=port, timeout=TIMEOUT_MS),
            lambda port: f"127.0.0.1:{port}",
            {
                "prober": "tcp",
                "timeout": f"{TIMEOUT_MS}ms",
                "tcp": {"tls": True, "tls_config": {"ca_file": "CA"} if trusting else {"insecure_skip_verify": True}},
            },
            served(target) if target else served(tls_servers.quiet, tls=lambda: server_context(issue())),
        )
    )


tls_cert("good", lambda: GOOD)
tls_cert("not trusted", lambda: STRANGE)
tls_cert("not trusted, not verified", lambda: STRANGE, trusting=False)
tls_cert("expired", lambda: EXPIRED, trusting=False)
tls_cert("expired, verified", lambda: EXPIRED)
tls_cert("no TLS", lambda: GOOD, target=tls_servers.plain_text)


# -- dns


def question(
    title: str,
    *,
    set_up: Callable[[ScriptedDns], object] = lambda _: None,
    theirs: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    fields = {"name": "example.com", "timeout": TIMEOUT_MS, **options}

    async def port(stack: AsyncExitStack) -> int:
        script, (_, number) = await stack.enter_async_context(serving_dns(ZONE))
        set_up(script)
        return number

    module = {
        "query_name": fields["name"],
        "query_type": fields.get("record_type", "A"),
        "transport_protocol": "udp",
        "preferred_ip_protocol": "ip4",
        **(theirs or {}),
    }
    CASES.append(
        Case(
            f"dns, {title}",
            lambda number: DnsCheck(resolver=f"127.0.0.1:{number}", **fields),
            lambda number: f"127.0.0.1:{number}",
            {"prober": "dns", "timeout": f"{fields['timeout']}ms", "dns": module},
            port,
        )
    )


def failing(rcode: dns.rcode.Rcode) -> Callable[[ScriptedDns], None]:
    def set_up(script: ScriptedDns) -> None:
        script.rcode_of_all = rcode

    return set_up


def silent(script: ScriptedDns) -> None:
    script.silent = True


def about_another(script: ScriptedDns) -> None:
    script.mangle = lambda wire: [bytes([wire[0] ^ 1]) + wire[1:]]


def among(pattern: str) -> dict[str, Any]:
    return {"validate_answer_rrs": {"fail_if_none_matches_regexp": [pattern]}}


question("A")
question("A, wanted", theirs=among(r".*192\.0\.2\.1$"), expected=("192.0.2.1",))
question("A, another wanted", theirs=among(r".*192\.0\.2\.3$"), expected=("192.0.2.3",))
question("MX", record_type="MX", theirs=among(r"(?i).*10 mail\.example\.com\.$"), expected=("10 mail.example.com",))
question("TXT", record_type="TXT", theirs=among(".*v=spf1.*"), expected=("v=spf1 -all",))
question("NXDOMAIN", name="gone.example.com")
question("SERVFAIL", set_up=failing(dns.rcode.SERVFAIL))
question("REFUSED", set_up=failing(dns.rcode.REFUSED))
question("silent", set_up=silent, timeout=SHORT_MS)
question("another id", set_up=about_another, timeout=SHORT_MS)
question("no record of this type", name="_dmarc.example.com", record_type="MX")
question("no record, one is wanted", name="_dmarc.example.com", record_type="MX", theirs=among("."))


# -- ping


def ping(host: str) -> None:
    async def port(_stack: AsyncExitStack) -> int:
        return 0

    module = {"prober": "icmp", "timeout": f"{TIMEOUT_MS}ms"}
    CASES.append(
        Case(f"ping, {host}", lambda _: PingCheck(host=host, timeout=TIMEOUT_MS), lambda _: host, module, port)
    )


ping("127.0.0.1")
ping("::1")


# -- asking both


@dataclasses.dataclass(frozen=True)
class Theirs:
    """What blackbox_exporter says, its samples by their names with labels."""

    samples: dict[str, float]
    text: str

    @property
    def is_good(self) -> bool:
        return self.samples["probe_success"] == 1

    def phase(self, name: str) -> float:
        """Milliseconds."""
        return 1000 * self.samples[f'probe_http_duration_seconds{{phase="{name}"}}']


def read(text: str) -> Theirs:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return Theirs({name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}, text)


@dataclasses.dataclass(frozen=True)
class Both:
    """`ports`: of the cases, by their names."""

    client: httpx.AsyncClient
    using: CheckContext
    ports: dict[str, int]

    async def theirs(self, case: Case) -> Theirs:
        target = quote(case.target(self.ports[case.name]), safe="")
        answer = await self.client.get(f"/probe?module={CASES.index(case)}&target={target}")
        assert answer.status_code == 200, answer.text
        return read(answer.text)

    async def ours(self, case: Case) -> CheckOutcome:
        check = case.make(self.ports[case.name])
        return await CHECKS[kind_of(check)].run(check, self.using)


def is_good(outcome: CheckOutcome) -> bool:
    """Degraded is not down: it answers."""
    assert outcome.outcome is not Outcome.ERROR, outcome.detail.message
    return outcome.outcome in (Outcome.UP, Outcome.DEGRADED)


def configuration(ca_file: Path) -> str:
    """JSON is YAML."""
    modules = {str(number): case.module for number, case in enumerate(CASES)}
    return json.dumps({"modules": modules}).replace('"CA"', json.dumps(str(ca_file)))


@asynccontextmanager
async def both(directory: Path) -> AsyncIterator[Both]:
    assert BLACKBOX is not None, f"{PROGRAM} is not installed"
    ca_file = AUTHORITY.write(directory / "ca.pem")
    settings = directory / "blackbox.yml"
    settings.write_text(configuration(ca_file))
    port = free_port()
    async with AsyncExitStack() as stack:
        ports = {case.name: await case.serve(stack) for case in CASES}
        options = (f"--config.file={settings}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
        await stack.enter_async_context(program(BLACKBOX, *options, log=directory / "blackbox.log"))
        await listening(port)
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        yield Both(await stack.enter_async_context(client), context(ca_file=str(ca_file)), ports)


async def test_every_target_gets_the_same_verdict_from_both(tmp_path: Path) -> None:
    assert len(CASES) - len(DIFFERENCES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    seen, bad = {}, []
    async with both(tmp_path) as pair:
        for case in CASES:
            ours, theirs = await asyncio.gather(pair.ours(case), pair.theirs(case))
            seen[case.name] = (is_good(ours), theirs.is_good)
            if seen[case.name] != DIFFERENCES.get(case.name, (theirs.is_good, theirs.is_good)):
                bad.append((case.name, str(ours.outcome), str(ours.reason), ours.detail.message, theirs.is_good))
    assert bad == []
    assert {True, False} <= {good for good, _ in seen.values()}


def test_the_guide_tells_where_the_two_differ() -> None:
    section = GUIDE.read_text(encoding="utf-8").partition("## Next to blackbox_exporter")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| target")]
    assert len(rows) == len(DIFFERENCES)


def case_of(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


async def test_both_tell_the_same_facts(tmp_path: Path) -> None:
    async with both(tmp_path) as pair:
        for name in ("200", "404", "a redirect", "HTTP/1.0", "https", "https, not trusted, not verified"):
            ours, theirs = await pair.ours(case_of(name)), await pair.theirs(case_of(name))
            assert ours.http_status == theirs.samples["probe_http_status_code"]
            assert float(ours.detail.http_version or 0) == theirs.samples["probe_http_version"]
            assert ours.detail.cert_expires_at == theirs.samples.get("probe_ssl_earliest_cert_expiry")
        for name in ("tls_cert, good", "tls_cert, not trusted, not verified", "tls_cert, expired"):
            ours, theirs = await pair.ours(case_of(name)), await pair.theirs(case_of(name))
            assert ours.detail.cert_expires_at == theirs.samples["probe_ssl_earliest_cert_expiry"]


# -- timings

DELAY_MS = 300
NEAR_MS = 60


async def slow_twice(reader: Reader, writer: Writer) -> None:
    """Thinks before its headers and in the middle of its body."""
    await targets.request_of(reader)
    await asyncio.sleep(DELAY_MS / 1000)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\no")
    await writer.drain()
    await asyncio.sleep(DELAY_MS / 1000)
    writer.write(b"k")
    await writer.drain()


http("slow twice", slow_twice)
https("https, slow twice", lambda: GOOD)
CASES[-1] = dataclasses.replace(CASES[-1], serve=served(slow_twice, tls=lambda: server_context(GOOD)))


@pytest.mark.parametrize("name", ["slow twice", "https, slow twice"])
async def test_the_phases_mean_the_same(tmp_path: Path, name: str) -> None:
    """Each is never shorter than what the target takes; how near they are is the best of a few, on a busy machine."""
    apart = []
    async with both(tmp_path) as pair:
        for _ in range(6):
            ours, theirs = await pair.ours(case_of(name)), await pair.theirs(case_of(name))
            pairs = [(ours.ttfb, theirs.phase("processing")), (ours.download, theirs.phase("transfer"))]
            for mine, other in pairs:
                assert mine is not None
                assert min(mine, other) > DELAY_MS - 5
            apart.append(max(abs((mine or 0) - other) for mine, other in pairs))
            if apart[-1] <= NEAR_MS:
                break
    assert min(apart) <= NEAR_MS, apart


# -- a server that others wrote


async def test_nginx_gets_the_same_verdicts_from_both(tmp_path: Path) -> None:
    if find("nginx") is None and not IS_NEEDED:
        pytest.skip("nginx is not installed: the other targets are all our own")
    os.chmod(tmp_path, 0o755)  # nginx drops its rights
    os.mkdir(tmp_path / "pair")
    async with nginx.target(tmp_path / "nginx") as served_by, both(tmp_path / "pair") as pair:
        assert served_by is not None, "nginx is not installed"
        for path, good in (("health", True), ("absent", False)):
            url = f"http://127.0.0.1:{served_by.port}/{path}"
            ours = await CHECKS["http"].run(HttpCheck(url=url, timeout=TIMEOUT_MS), pair.using)
            theirs = read((await pair.client.get(f"/probe?module=0&target={quote(url, safe='')}")).text)
            assert (is_good(ours), theirs.is_good) == (good, good)
            assert ours.http_status == theirs.samples["probe_http_status_code"]


# -- a host that does not answer: on loopback every address does, but not in a namespace where scripts answer


def fetched(port: int, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("answers", [True, False])
async def test_a_host_gets_the_same_verdict_whether_it_answers_pings_or_not(tmp_path: Path, answers: bool) -> None:
    assert BLACKBOX is not None, f"{PROGRAM} is not installed"
    settings = tmp_path / "blackbox.yml"
    settings.write_text(json.dumps({"modules": {"icmp": {"prober": "icmp", "timeout": f"{SHORT_MS}ms"}}}))

    def script(request: Request) -> list[bytes]:
        return [request.reply()] if answers else []

    with icmp_net() as net:
        options = (f"--config.file={settings}", "--web.listen-address=127.0.0.1:9115", "--log.level=error")
        process = net.run(lambda: subprocess.Popen([str(BLACKBOX), *options]))
        try:
            async with answering(net, script):
                theirs = await said_in_time(
                    lambda: net.run(lambda: fetched(9115, "/probe?module=icmp&target=127.0.1.1"))
                )
                sockets = IcmpSockets(net.opener)
                using = dataclasses.replace(context(), icmp=sockets)
                ours = await CHECKS["ping"].run(PingCheck(host="127.0.1.1", timeout=SHORT_MS), using)
                sockets.close()
        finally:
            process.kill()
            process.wait()
    assert (is_good(ours), read(theirs).is_good) == (answers, answers)


async def said_in_time(ask: Callable[[], str]) -> str:
    """Once it listens."""
    patience = time.monotonic() + 30
    while True:
        try:
            return await asyncio.to_thread(ask)
        except OSError:
            assert time.monotonic() < patience, "it does not listen"
            await asyncio.sleep(0.05)
