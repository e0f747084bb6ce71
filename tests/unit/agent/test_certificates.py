"""Reading certificates, and what a chain means: plain bytes and a time in, plain values out."""

from __future__ import annotations

import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agent.checks.certificate_verdict import Judgement, judge
from agent.classify import Failure
from agent.tls import certificates, chain_trust
from agent.tls.certificates import describe, earliest_expiry, matches, read, shown
from agent.tls.chain_trust import Trust
from agent.tls.contexts import TlsContexts
from agent.tls.der import bones
from shared.checks.tls_cert import TlsCertCheck
from shared.results import Outcome, Reason
from tests.support.tls_servers import DAY, NOW, Authority, Issued, Subject, sign

NOW_S = NOW.timestamp()
CHECK = TlsCertCheck(host="a.example")
TRUSTED = Trust(None)


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("Root")


@pytest.fixture(scope="module")
def leaf(root: Authority) -> Issued:
    return root.leaf("a.example", "192.0.2.1", "2001:db8::1", serial=0xBEEF)


def judged(*chain: bytes, trust: Trust = TRUSTED, host: str = "a.example") -> Judgement:
    return judge(CHECK, chain, trust, host=host, now_s=NOW_S)


# -- one certificate


def test_a_certificate_becomes_plain_values(leaf: Issued) -> None:
    certificate = read(leaf.der)
    assert certificate is not None
    assert (certificate.subject, certificate.issuer, certificate.serial) == ("CN=leaf", "CN=Root", "beef")
    assert certificate.names == ("a.example", "192.0.2.1", "2001:db8::1")
    assert certificate.not_after == leaf.not_after_s
    assert len(certificate.fingerprint) == 64
    assert certificate.problem is None


def test_every_kind_of_alternative_name_is_told(root: Authority) -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.RFC822Name("who@a.example"),
            x509.UniformResourceIdentifier("spiffe://a.example/x"),
            x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])),
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
            x509.DNSName("a.example"),
        ]
    )
    certificate = read(root.leaf(extensions=[names]).der)
    assert certificate is not None
    assert certificate.names[:4] == ("a.example", "who@a.example", "spiffe://a.example/x", "CN=x")
    assert len(certificate.names) == 5


def test_a_name_that_is_no_a_label_leaves_the_rest_readable(root: Authority) -> None:
    der = root.leaf("b-cher.example").der
    broken = der.replace(b"b-cher.example", b"b\xfccher.example")  # Latin-1 where ASCII belongs
    assert broken != der
    certificate = read(broken)
    assert certificate is not None
    assert certificate.problem == "its alternative names cannot be read"
    assert (certificate.subject, certificate.names) == ("CN=leaf", ())
    failure, facts = judged(broken)
    assert failure is None
    assert facts is not None
    assert (facts.is_trusted, facts.trust_problem) == (True, "its alternative names cannot be read")


@pytest.mark.parametrize("serial", [b"\xbe\xef", b"\xff", b"\x00"], ids=["negative", "minus one", "zero"])
def test_serials_that_no_standard_allows_are_told_without_a_warning(serial: bytes, root: Authority) -> None:
    plain = b"\x7a" * len(serial)
    der = root.leaf("a.example", serial=int.from_bytes(plain, "big")).der
    odd = der.replace(b"\x02" + bytes([len(serial)]) + plain, b"\x02" + bytes([len(serial)]) + serial, 1)
    assert odd != der
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate = read(odd)
    assert certificate is not None
    value = int.from_bytes(serial, "big", signed=True)
    assert certificate.serial == ("-" if value < 0 else "") + f"{abs(value):x}"


def test_a_certificate_that_the_library_refuses_still_tells_its_dates(leaf: Issued) -> None:
    odd = leaf.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)  # a version that there is not
    with pytest.raises(x509.InvalidVersion):
        x509.load_der_x509_certificate(odd)
    certificate = read(odd)
    assert certificate is not None
    assert certificate.subject == certificates.UNREADABLE
    assert (certificate.serial, certificate.not_after) == ("beef", leaf.not_after_s)
    failure, facts = judged(odd)
    assert failure is None
    assert facts is not None
    assert "breaks the form" in (facts.trust_problem or "")
    assert not facts.host_matches


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x82", b"junk", b"\x30\x03\x30\x01\x00", b"\x30\x80" * 99])
def test_what_is_no_certificate_at_all_is_none(der: bytes) -> None:
    assert read(der) is None
    assert bones(der) is None
    assert describe([der]) == ("a certificate that cannot be read",)
    assert earliest_expiry([der]) is None
    failure, facts = judged(der)
    assert failure is not None
    assert (failure.outcome, failure.reason) == (Outcome.DOWN, Reason.TLS)
    assert facts is not None
    assert not facts.is_trusted


def test_no_cut_of_a_certificate_breaks_the_reader(leaf: Issued) -> None:
    for size in range(len(leaf.der)):
        assert read(leaf.der[:size]) is None or size > 100


def test_both_readers_agree_on_dates_and_serials(root: Authority) -> None:
    far = sign(Subject(not_before=NOW, not_after=NOW.replace(year=2150, day=1)), None)
    for issued in (root.issued, root.leaf("a.example"), far):
        found, certificate = bones(issued.der), read(issued.der)
        assert found is not None
        assert certificate is not None
        assert (found.not_before, found.not_after) == (certificate.not_before, certificate.not_after)
        assert f"{found.serial:x}" == certificate.serial


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (("a.example.com",), "a.example.com", True),
        (("A.EXAMPLE.com.",), "a.example.com", True),
        (("*.example.com",), "a.example.com", True),
        (("*.example.com",), "example.com", False),
        (("*.example.com",), "b.a.example.com", False),
        (("*",), "localhost", False),
        (("*.com",), "example.com", False),
        (("a*.example.com",), "ab.example.com", False),
        (("*.*.example.com",), "b.a.example.com", False),
        (("192.0.2.1",), "192.0.2.1", True),
        (("*.0.2.1",), "192.0.2.1", False),
        (("2001:db8::1",), "2001:db8::1", True),
        (("xn--bcher-kva.example",), "xn--bcher-kva.example", True),
        ((), "a.example.com", False),
    ],
)
def test_names_are_matched_as_rfc_9525_says(names: tuple[str, ...], host: str, expected: bool) -> None:
    assert matches(names, host) is expected


def test_of_many_names_a_hundred_are_shown_and_none_is_longer_than_the_wire_takes() -> None:
    kept = shown(tuple("x" * 253 for _ in range(1000)))
    assert (len(kept), len(kept[0])) == (100, 200)


# -- several


def test_the_earliest_end_of_a_chain_is_found_also_the_second_time(root: Authority, leaf: Issued) -> None:
    chain = [root.issued.der, leaf.der]
    assert earliest_expiry(chain) == earliest_expiry(chain) == leaf.not_after_s
    assert earliest_expiry([]) is None


def test_what_is_remembered_of_expiries_is_bounded(monkeypatch: pytest.MonkeyPatch, root: Authority) -> None:
    monkeypatch.setattr(certificates, "_KEPT", 3)
    monkeypatch.setattr(certificates, "_expiries", {})
    for _ in range(5):
        earliest_expiry([root.leaf("a.example").der])
    assert len(certificates._expiries) == 3


def test_a_description_keeps_its_dates_however_long_the_names(root: Authority) -> None:
    (words,) = describe([sign(Subject(common_name="x" * 64), root).der])
    assert words.endswith(f"valid {NOW - 30 * DAY:%Y-%m-%d} to {NOW + 90 * DAY:%Y-%m-%d}")


def test_no_certificate_is_down() -> None:
    failure, facts = judged()
    assert failure == Failure(Outcome.DOWN, Reason.TLS, "TLS: the server presented no certificate")
    assert facts is None


def test_a_message_says_what_else_is_wrong(root: Authority) -> None:
    near = root.leaf("b.example", not_after=NOW + 10 * DAY)
    failure, _ = judged(near.der, trust=Trust("unable to get local issuer certificate"))
    assert failure is not None
    assert failure.message == (
        f"The certificate expires in 10 days, at {NOW + 10 * DAY:%Y-%m-%d %H:%M} UTC; "
        "the chain is not trusted: unable to get local issuer certificate; it is not for a.example"
    )


# -- trust, by OpenSSL's own judgement


@pytest.mark.parametrize("kind", ["complete", "incomplete", "stranger", "self-signed", "not a chain"])
def test_a_chain_is_verified_without_a_connection(
    kind: str, root: Authority, leaf: Issued, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = root.write(tmp_path_factory.mktemp("ca") / "ca.pem")
    context = TlsContexts(ca_file=str(path)).for_judging()
    inner = Authority("Inner", parent=root).leaf("a.example", not_after=NOW - DAY)  # dates are not its business
    whole = [each.public_bytes(Encoding.DER) for each in inner.chain]
    chains = {
        "complete": (whole, None),
        "incomplete": (whole[:1], "unable to get local issuer certificate"),
        "stranger": ([Authority("Root").leaf("a.example").der], "certificate signature failure"),
        "self-signed": ([sign(Subject(), None).der], "self-signed certificate"),
        "not a chain": ([leaf.der, *whole[1:]], None),
    }
    chain, problem = chains[kind]
    trust = chain_trust.verify(chain, context)
    assert trust.problem == problem
    assert bool(trust.path) == (problem is None)
    if trust.path:
        assert (trust.path[0], trust.path[-1]) == (chain[0], root.issued.der)


def test_garbage_is_not_trusted() -> None:
    trust = chain_trust.verify([b"\x30\x03\x02\x01\x00"], TlsContexts().for_judging())
    assert trust.problem is not None
    assert trust.path == ()
