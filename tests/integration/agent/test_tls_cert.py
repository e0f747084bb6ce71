"""The `tls_cert` check against real servers on loopback: every outcome, and what is told of the certificate."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.checks import tls_cert
from agent.checks.check import CheckContext, CheckOutcome
from shared.checks.tls_cert import TlsCertCheck
from shared.netpolicy import SHARED, Policy
from shared.results import CertificateFacts, Outcome, Reason
from tests.support import targets
from tests.support.http_checks import LOOPBACK, context
from tests.support.scripted_dns import serving_dns
from tests.support.targets import serving
from tests.support.tls_servers import (
    DAY,
    HOSTILE,
    NOW,
    Authority,
    Issued,
    Subject,
    alerting,
    banner,
    bulk,
    by_name,
    demanding,
    fetched_from,
    huge_certificate,
    long_chain,
    new_key,
    of_old,
    only_1_2,
    pem,
    plain_text,
    quiet,
    server_context,
    sign,
)


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("Root")


@pytest.fixture(scope="module")
def authority(root: Authority) -> Authority:
    return Authority("Intermediate", parent=root)


@pytest.fixture(scope="module")
def ca_file(root: Authority, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(root.write(tmp_path_factory.mktemp("ca") / "ca.pem"))


@pytest.fixture
def trusting(ca_file: str) -> CheckContext:
    return context(ca_file=ca_file)


@pytest.fixture(scope="module")
def ninety_days(authority: Authority) -> Issued:
    return authority.leaf("127.0.0.1")


async def check(port: int, using: CheckContext, **options: Any) -> CheckOutcome:
    fields = {"host": "127.0.0.1", "port": port, "timeout": 10_000, **options}
    return await tls_cert.run(TlsCertCheck(**fields), using)


async def read(issued: Issued, using: CheckContext, **options: Any) -> CheckOutcome:
    async with serving(quiet, tls=server_context(issued)) as port:
        return await check(port, using, **options)


def facts_of(seen: CheckOutcome) -> CertificateFacts:
    assert seen.detail.certificate is not None, seen.detail.message
    return seen.detail.certificate


def at(seconds: float, using: CheckContext) -> CheckContext:
    return dataclasses.replace(using, now_s=lambda: seconds)


# -- good ones


async def test_a_good_certificate_is_up_and_everything_is_told_of_it(
    authority: Authority, trusting: CheckContext
) -> None:
    leaf = authority.leaf("127.0.0.1", "a.example", common_name="a.example")
    seen = await read(leaf, trusting)
    assert (seen.outcome, seen.reason, seen.detail.message) == (Outcome.UP, Reason.NONE, None)
    assert seen.detail.evidence is None
    facts = facts_of(seen)
    assert (facts.subject, facts.issuer) == ("CN=a.example", "CN=Intermediate")
    assert facts.serial == f"{leaf.certificate.serial_number:x}"
    assert facts.not_after == leaf.not_after_s == seen.detail.cert_expires_at
    assert (facts.is_trusted, facts.trust_problem, facts.host_matches) == (True, None, True)
    assert (facts.names, facts.names_total) == (("a.example", "127.0.0.1"), 2)
    assert facts.chain == ("CN=a.example", "CN=Intermediate")
    assert (seen.detail.tls_version, seen.detail.address) == ("TLSv1.3", "127.0.0.1")
    assert seen.detail.cipher


async def test_the_phases_make_the_total(authority: Authority, trusting: CheckContext) -> None:
    async with serving_dns({"good.test": ["A 127.0.0.1"]}) as (_script, server):
        using = dataclasses.replace(trusting, dialer=context(LOOPBACK, dns=server).dialer)
        seen = await read(authority.leaf("good.test"), using, host="good.test")
    assert seen.outcome is Outcome.UP
    assert seen.dns is not None
    assert seen.connect is not None
    assert seen.tls is not None
    assert seen.total is not None
    assert (seen.ttfb, seen.download) == (None, None)
    assert seen.total == pytest.approx(seen.dns + seen.connect + seen.tls, abs=1 + seen.total / 20)
    assert facts_of(seen).host_matches


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
@pytest.mark.parametrize("is_old", [False, True])
async def test_every_kind_of_key_is_read_over_tls_1_2_and_1_3(
    kind: str, is_old: bool, authority: Authority, trusting: CheckContext
) -> None:
    tls = server_context(authority.leaf("127.0.0.1", key=new_key(kind)))
    async with serving(quiet, tls=only_1_2(tls) if is_old else tls) as port:
        seen = await check(port, trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert seen.detail.tls_version == ("TLSv1.2" if is_old else "TLSv1.3")
    assert facts_of(seen).is_trusted, facts_of(seen).trust_problem


async def test_a_server_that_speaks_only_old_tls_is_read_all_the_same(
    authority: Authority, trusting: CheckContext
) -> None:
    async with serving(quiet, tls=of_old(server_context(authority.leaf("127.0.0.1", key=new_key("rsa"))))) as port:
        seen = await check(port, trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert seen.detail.tls_version in ("TLSv1", "TLSv1.1")


async def test_a_server_that_would_rather_stay_anonymous_has_to_show_a_certificate(
    authority: Authority, trusting: CheckContext
) -> None:
    tls = only_1_2(server_context(authority.leaf("127.0.0.1")))
    tls.set_ciphers("AECDH-AES128-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0")
    tls.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    async with serving(quiet, tls=tls) as port:
        seen = await check(port, trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert seen.detail.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.parametrize("is_old", [False, True])
async def test_a_server_that_demands_a_client_certificate_has_shown_its_own(
    is_old: bool, root: Authority, authority: Authority, trusting: CheckContext
) -> None:
    tls = demanding(server_context(authority.leaf("127.0.0.1")), root)
    async with serving(alerting(only_1_2(tls) if is_old else tls)) as port:
        seen = await check(port, trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert facts_of(seen).is_trusted
    assert seen.tls is not None


async def test_a_server_that_knows_no_such_name_is_down_for_tls(authority: Authority, trusting: CheckContext) -> None:
    tls = server_context(authority.leaf("127.0.0.1"))
    tls.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    async with serving(alerting(tls)) as port:
        seen = await check(port, trusting, server_name="a.example")
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS)
    assert seen.detail.message == "TLS: tlsv1 unrecognized name"
    assert seen.detail.certificate is None


# -- dates


@pytest.mark.parametrize(
    ("days_left", "outcome", "reason", "words"),
    [
        (15, Outcome.UP, Reason.NONE, ""),
        (13.5, Outcome.DEGRADED, Reason.EXPIRING, "The certificate expires in 13 days, at 20"),
        (7.1, Outcome.DEGRADED, Reason.EXPIRING, "The certificate expires in 7 days, at 20"),
        (6.9, Outcome.DOWN, Reason.EXPIRING, "The certificate expires in 6 days, at 20"),
        (1.5, Outcome.DOWN, Reason.EXPIRING, "The certificate expires in 1 day, at 20"),
        (0.5, Outcome.DOWN, Reason.EXPIRING, "The certificate expires in less than a day, at 20"),
        (-0.5, Outcome.DOWN, Reason.EXPIRED, "The certificate expired less than a day ago, at 20"),
        (-3.5, Outcome.DOWN, Reason.EXPIRED, "The certificate expired 3 days ago, at 20"),
    ],
)
async def test_days_left_decide_by_the_servers_clock(
    days_left: float, outcome: Outcome, reason: Reason, words: str, ninety_days: Issued, *, trusting: CheckContext
) -> None:
    seen = await read(ninety_days, at(ninety_days.not_after_s - days_left * 86_400, trusting))
    assert (seen.outcome, seen.reason) == (outcome, reason)
    assert (seen.detail.message or "").startswith(words)
    assert (seen.detail.message is None) == (outcome is Outcome.UP)
    assert (seen.detail.evidence is None) == (outcome is Outcome.UP)
    assert facts_of(seen).is_trusted == (days_left > 0)


async def test_the_thresholds_are_the_checks_own(authority: Authority, trusting: CheckContext) -> None:
    leaf = authority.leaf("127.0.0.1")  # 90 days
    degraded = await read(leaf, trusting, warn_days=120)
    down = await read(leaf, trusting, warn_days=120, critical_days=100)
    assert (degraded.outcome, down.outcome) == (Outcome.DEGRADED, Outcome.DOWN)


async def test_an_expired_certificate_is_down_with_its_chain_as_evidence(
    authority: Authority, trusting: CheckContext
) -> None:
    seen = await read(authority.leaf("127.0.0.1", not_after=NOW - 2 * DAY), trusting)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.EXPIRED)
    assert seen.detail.message is not None
    assert "; " not in seen.detail.message  # trusted and for this host, apart from its dates
    facts = facts_of(seen)
    assert not facts.is_trusted
    assert "expired" in (facts.trust_problem or "")
    assert seen.detail.evidence is not None
    assert len(seen.detail.evidence.chain) == 2
    assert seen.detail.evidence.chain[0].startswith("subject CN=leaf, issuer CN=Intermediate, valid ")


async def test_a_certificate_from_the_future_is_down(authority: Authority, trusting: CheckContext) -> None:
    seen = await read(authority.leaf("127.0.0.1", not_before=NOW + DAY), trusting)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS)
    assert (seen.detail.message or "").startswith("The certificate is not valid before 20")
    assert not facts_of(seen).is_trusted


async def test_an_intermediate_that_ends_first_decides_and_is_named(root: Authority, trusting: CheckContext) -> None:
    short = Authority("Short", parent=root, not_after=NOW + 5 * DAY)
    seen = await read(short.leaf("127.0.0.1"), trusting)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.EXPIRING)
    assert (seen.detail.message or "").startswith("The intermediate certificate CN=Short expires in 4 days")
    assert seen.detail.cert_expires_at == short.issued.not_after_s


async def test_a_root_that_is_past_breaks_nobody(trusting: CheckContext, tmp_path: Path) -> None:
    past = Authority("Past root", not_after=NOW - DAY)
    leaf = past.leaf("127.0.0.1")
    using = context(ca_file=str(past.write(tmp_path / "past.pem")))
    async with serving(quiet, tls=server_context(leaf, chain=[leaf.certificate, past.issued.certificate])) as port:
        seen = await check(port, using)
    assert seen.outcome is Outcome.UP, seen.detail.message


async def test_a_past_certificate_that_clients_have_no_use_for_breaks_nobody(
    root: Authority, authority: Authority, trusting: CheckContext
) -> None:
    stray = sign(Subject(common_name="Stray", is_authority=True, not_after=NOW - DAY), root)
    leaf = authority.leaf("127.0.0.1")
    async with serving(quiet, tls=server_context(leaf, chain=[*leaf.chain, stray.certificate])) as port:
        seen = await check(port, trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert seen.detail.cert_expires_at == stray.not_after_s  # as blackbox_exporter would say


# -- trust and names: told, not judged


async def test_a_self_signed_certificate_is_up_and_called_untrusted(trusting: CheckContext) -> None:
    seen = await read(sign(Subject(names=["127.0.0.1"]), None), trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert not facts_of(seen).is_trusted
    assert "self" in (facts_of(seen).trust_problem or "")


async def test_a_self_signed_certificate_that_is_trusted_by_itself_is_trusted(tmp_path: Path) -> None:
    lonely = sign(Subject(names=["127.0.0.1"]), None)
    (tmp_path / "own.pem").write_bytes(pem(lonely.certificate))
    seen = await read(lonely, context(ca_file=str(tmp_path / "own.pem")))
    assert facts_of(seen).is_trusted, facts_of(seen).trust_problem


async def test_an_unknown_authority_is_told_and_joins_the_words_of_a_bad_result(trusting: CheckContext) -> None:
    stranger = Authority("Stranger")
    good = await read(stranger.leaf("127.0.0.1"), trusting)
    near = await read(stranger.leaf("other.example", not_after=NOW + 10 * DAY), trusting)
    assert (good.outcome, facts_of(good).is_trusted) == (Outcome.UP, False)
    assert near.outcome is Outcome.DEGRADED
    assert "; the chain is not trusted: " in (near.detail.message or "")
    assert (near.detail.message or "").endswith("; it is not for 127.0.0.1")


async def test_an_incomplete_chain_is_told(authority: Authority, trusting: CheckContext) -> None:
    leaf = authority.leaf("127.0.0.1")
    async with serving(quiet, tls=server_context(leaf, chain=[leaf.certificate])) as port:
        seen = await check(port, trusting)
    assert seen.outcome is Outcome.UP
    assert facts_of(seen).trust_problem == "unable to get local issuer certificate"


async def test_a_signature_by_another_key_of_the_same_name_is_not_trusted(
    root: Authority, trusting: CheckContext
) -> None:
    impostor = Authority("Root")
    seen = await read(impostor.leaf("127.0.0.1"), trusting)
    assert not facts_of(seen).is_trusted


@pytest.mark.parametrize(
    ("names", "server_name", "is_match"),
    [
        (["a.example.com"], "a.example.com", True),
        (["A.Example.com"], "a.example.com", True),
        (["*.example.com"], "a.example.com", True),
        (["*.example.com"], "b.a.example.com", False),
        (["*.example.com"], "example.com", False),
        (["xn--bcher-kva.example"], "bücher.example", True),
        (["other.example"], "a.example.com", False),
        ([], "leaf", False),
    ],
)
async def test_the_name_is_matched_as_clients_do(
    names: list[str], server_name: str, is_match: bool, authority: Authority, trusting: CheckContext
) -> None:
    seen = await read(authority.leaf(*names), trusting, server_name=server_name)
    assert seen.outcome is Outcome.UP
    assert facts_of(seen).host_matches is is_match


async def test_the_server_name_chooses_the_certificate_and_an_address_is_never_sent(
    authority: Authority, trusting: CheckContext
) -> None:
    asked: list[str | None] = []
    named = {"b.example": server_context(authority.leaf("b.example", common_name="b"))}
    default = by_name(server_context(authority.leaf("127.0.0.1", common_name="default")), named, asked)
    async with serving(quiet, tls=default) as port:
        chosen = await check(port, trusting, server_name="b.example")
        plain = await check(port, trusting)
    assert (facts_of(chosen).subject, facts_of(plain).subject) == ("CN=b", "CN=default")
    assert asked == ["b.example", None]


# -- odd ones


async def test_a_thousand_names_are_counted_and_a_hundred_kept(authority: Authority, trusting: CheckContext) -> None:
    names = [f"host-{number}.example.com" for number in range(1000)]
    seen = await read(authority.leaf(*names), trusting, server_name=names[-1])
    facts = facts_of(seen)
    assert (len(facts.names), facts.names_total, facts.host_matches) == (100, 1000, True)


async def test_odd_subjects_and_no_common_name_are_read(authority: Authority, trusting: CheckContext) -> None:
    odd = await read(authority.leaf("127.0.0.1", common_name="Ünïcode\u202e, Inc.\n"), trusting)
    none = await read(authority.leaf("127.0.0.1", common_name=None), trusting)
    assert facts_of(odd).subject.startswith("CN=Ünïcode")
    assert facts_of(odd).subject.isprintable()
    assert facts_of(none).subject == ""
    assert facts_of(none).is_trusted


async def test_urls_in_a_certificate_are_never_fetched(authority: Authority, trusting: CheckContext) -> None:
    fetched: list[bytes] = []
    async with serving(targets.ok(seen=fetched)) as bait:
        extensions = fetched_from(f"http://127.0.0.1:{bait}/")
        leaf = authority.leaf("127.0.0.1", extensions=extensions, not_after=NOW + DAY)
        async with serving(quiet, tls=server_context(leaf, chain=[leaf.certificate])) as port:
            seen = await check(port, trusting)
    assert not facts_of(seen).is_trusted  # the missing issuer was named by a URL
    assert fetched == []


async def test_a_chain_of_a_hundred_is_read_and_its_description_bounded(trusting: CheckContext) -> None:
    async with serving(quiet, tls=long_chain()) as port:
        seen = await check(port, trusting, warn_days=1000, critical_days=10)
    assert seen.outcome is Outcome.DEGRADED
    assert len(facts_of(seen).chain) == 10
    assert seen.detail.evidence is not None
    assert len(seen.detail.evidence.chain) == 10


async def test_a_certificate_of_a_megabyte_is_refused(trusting: CheckContext) -> None:
    async with serving(quiet, tls=huge_certificate()) as port:
        seen = await check(port, trusting)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS)
    assert seen.detail.message in ("TLS: excessive message size", "TLS: the handshake exceeds 131072 bytes")


async def test_a_certificate_of_many_kilobytes_is_read(authority: Authority, trusting: CheckContext) -> None:
    seen = await read(authority.leaf("127.0.0.1", extensions=[bulk(60_000)]), trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert facts_of(seen).is_trusted, facts_of(seen).trust_problem


# -- no certificate at all


@pytest.mark.parametrize(
    "target",
    [plain_text, banner, targets.garbage_in_handshake, targets.hang_up_in_handshake],
    ids=lambda each: each.__name__,
)
async def test_a_server_that_does_not_speak_tls_is_down_for_tls(target: targets.Target, trusting: CheckContext) -> None:
    async with serving(target) as port:
        seen = await check(port, trusting)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS), seen.detail.message
    assert (seen.detail.message or "").startswith("TLS: ")
    assert (seen.tls, seen.detail.certificate) == (None, None)
    assert seen.connect is not None


async def test_a_handshake_that_does_not_end_times_out(trusting: CheckContext) -> None:
    async with serving(targets.silent) as port:
        seen = await check(port, trusting, timeout=300)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TIMEOUT)
    assert seen.detail.message == "Timed out after 300 ms during the TLS handshake"


async def test_a_closed_port_is_down_for_connect(trusting: CheckContext) -> None:
    async with serving(targets.silent) as port:
        pass
    seen = await check(port, trusting)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.CONNECT)
    assert seen.detail.certificate is None


async def test_an_unknown_name_is_down_for_dns() -> None:
    async with serving_dns({}) as (_script, server):
        seen = await check(443, context(dns=server), host="nowhere.test")
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.DNS)


# -- the guard


@pytest.mark.parametrize(
    "options",
    [
        {"host": "127.0.0.1"},
        {"host": "::1"},
        {"host": "169.254.169.254"},
        {"host": "localhost"},
        {"host": "0x7f.1"},
        {"host": "private.example.com"},
        {"host": "93.184.216.34", "server_name": "127.0.0.1"},
        {"host": "93.184.216.34", "server_name": "a b"},
    ],
    ids=str,
)
async def test_a_shared_region_is_kept_from_what_is_not_public(options: dict[str, Any]) -> None:
    async with serving_dns({"private.example.com": ["A 93.184.216.34", "A 10.0.0.1"]}) as (_script, server):
        seen = await check(443, context(SHARED, dns=server), **options)
    assert (seen.outcome, seen.reason) == (Outcome.ERROR, Reason.BLOCKED), seen.detail.message
    assert seen.connect is None


async def test_the_strict_port_profile_holds() -> None:
    seen = await check(8444, context(Policy(ports="strict")), host="93.184.216.34")
    assert (seen.outcome, seen.reason) == (Outcome.ERROR, Reason.BLOCKED)
    assert "port 8444" in (seen.detail.message or "").lower()


@pytest.mark.parametrize(
    ("host", "key"),
    [("A.Example.", "a.example:443"), ("::1", "::1:443"), ("not a host", "not a host:443")],
)
def test_the_crowd_is_host_and_port_and_never_raises(host: str, key: str) -> None:
    assert tls_cert.crowd(TlsCertCheck(host=host)).key == key


# -- hostile servers, in numbers


@pytest.fixture
async def hostile_ports() -> AsyncIterator[list[int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.tls_servers",
        cwd=Path(__file__).parents[3],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield list(map(int, (await asyncio.wait_for(process.stdout.readline(), 60)).split()))
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


@pytest.mark.slow
async def test_a_thousand_hostile_servers_end_in_time_and_leave_no_memory(
    hostile_ports: list[int], trusting: CheckContext
) -> None:
    assert len(hostile_ports) == len(HOSTILE) + 2
    timeout = 150
    loop = asyncio.get_running_loop()

    async def storm(count: int) -> list[tuple[CheckOutcome, float]]:
        async def one(number: int) -> tuple[CheckOutcome, float]:
            before = loop.time()
            seen = await check(hostile_ports[number % len(hostile_ports)], trusting, timeout=timeout, warn_days=1000)
            return seen, loop.time() - before

        seen = []
        for start in range(0, count, 10):
            seen += await asyncio.gather(*map(one, range(start, min(start + 10, count))))
        return seen

    await storm(300)
    process = psutil.Process()
    before = process.memory_info().rss
    seen = await storm(1000)
    grown = process.memory_info().rss - before
    outcomes = {each.outcome for each, _ in seen}
    assert Outcome.ERROR not in outcomes
    assert {each.reason for each, _ in seen} == {Reason.TLS, Reason.TIMEOUT, Reason.EXPIRING}
    late = sorted(took for _, took in seen)[int(len(seen) * 0.95)]
    assert late < timeout / 1000 + 5, "a check waits for more than its timeout"
    assert grown <= 20 * 1024 * 1024
