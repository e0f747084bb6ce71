"""The dns check with servers over TLS, and with one that others wrote."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import trustme

from agent.checks import dns_server
from agent.checks.check import CheckOutcome
from shared.results import Outcome, Reason
from tests.support.dns_checks import ANSWERS, ZONE, ask, seen
from tests.support.farm import free_port
from tests.support.http_checks import LOOPBACK, context, server_tls
from tests.support.scripted_dns import ScriptedDns, serving_dns
from tests.support.waiting import until_async


async def over_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, host: str, trusted: bool, resolver: str = "127.0.0.1"
) -> CheckOutcome:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(file))
    script = ScriptedDns({**ZONE, "dns.example.com": ["A 127.0.0.1"]})
    tls = server_tls(authority.issue_cert(host))
    tls.set_alpn_protocols(["dot"])
    listener = await asyncio.start_server(script.over_tcp, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    monkeypatch.setattr(dns_server, "TLS_PORT", port)
    async with serving_dns(script.records) as (_, plain):
        try:
            using = context(LOOPBACK, dns=plain, ca_file=str(file))
            return await ask("example.com", "MX", using=using, resolver=f"{resolver}:{port}")
        finally:
            listener.close()


@pytest.mark.parametrize(("host", "resolver"), [("127.0.0.1", "127.0.0.1"), ("dns.example.com", "dns.example.com")])
async def test_a_server_over_tls_proves_who_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, resolver: str
) -> None:
    outcome = await over_tls(monkeypatch, tmp_path, host=host, trusted=True, resolver=resolver)
    assert seen(outcome) == (Outcome.UP, Reason.NONE), outcome.detail
    assert set(outcome.detail.answers) == {"10 mail.example.com", "20 mail2.example.com"}
    assert outcome.connect is not None
    assert outcome.tls is not None


@pytest.mark.parametrize(("host", "trusted"), [("127.0.0.1", False), ("127.0.0.2", True), ("dns.example.com", True)])
async def test_a_server_over_tls_that_proves_nothing_is_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, trusted: bool
) -> None:
    outcome = await over_tls(monkeypatch, tmp_path, host=host, trusted=trusted)
    assert seen(outcome) == (Outcome.DOWN, Reason.TLS)


UNBOUND = shutil.which("unbound", path="/usr/sbin:/usr/bin:/usr/local/sbin")


@pytest.mark.skipif(UNBOUND is None, reason="unbound is not installed: not compared with a server that others wrote")
async def test_unbound_is_understood(tmp_path: Path) -> None:
    port = free_port()
    lines = [f"local-data: '{name}. 60 IN {line}'" for name, lines in ZONE.items() for line in lines]
    zones = [f'local-zone: "{zone}." static' for zone in ("example.com", "example.net", "0.0.127.in-addr.arpa")]
    settings = [
        f"interface: 127.0.0.1@{port}", "do-daemonize: no", 'username: ""', 'chroot: ""', f'directory: "{tmp_path}"',
        'pidfile: ""', "use-syslog: no", 'module-config: "iterator"', "num-threads: 1", *zones, *lines,
    ]  # fmt: skip
    file = tmp_path / "unbound.conf"
    file.write_text(
        "server:\n" + "".join(f"  {line}\n" for line in settings) + "remote-control:\n  control-enable: no\n"
    )
    process = await asyncio.create_subprocess_exec(
        str(UNBOUND), "-d", "-c", str(file), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await compare_with_unbound(port)
    finally:
        process.terminate()
        await process.wait()


async def compare_with_unbound(port: int) -> None:
    using, resolver = context(), f"127.0.0.1:{port}"

    async def is_there() -> bool:
        return (await ask("example.com", using=using, resolver=resolver)).outcome is Outcome.UP

    await until_async(is_there, "unbound answers", timeout=30)
    for name, record_type, answers in ANSWERS:
        if not name.endswith(".example") and (record_type == "CNAME" or name != "www.example.com"):
            outcome = await ask(name, record_type, using=using, resolver=resolver)
            assert set(outcome.detail.answers) == set(answers), (name, record_type, outcome.detail)
    assert seen(await ask("missing.example.com", using=using, resolver=resolver)) == (Outcome.DOWN, Reason.DNS)
    assert seen(await ask("_dmarc.example.com", "MX", using=using, resolver=resolver)) == (Outcome.DOWN, Reason.DNS)
