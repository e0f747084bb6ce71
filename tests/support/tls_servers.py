"""TLS servers on loopback with every certificate the field has seen, and those that only pretend to speak TLS."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import sys
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from tests.support import targets
from tests.support.targets import Reader, Target, Writer, serving

DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def new_key(kind: str = "ec") -> Key:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and those above it that a server should present along with it."""

    certificate: x509.Certificate
    key: Key
    above: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return (self.certificate, *self.above)

    @property
    def not_after_s(self) -> int:
        return int(self.certificate.not_valid_after_utc.timestamp())


@dataclass
class Subject:
    """What a new certificate is about. `names`: alternative names, addresses among them."""

    common_name: str | None = "leaf"
    names: Sequence[str] = ()
    not_before: dt.datetime = NOW - 30 * DAY
    not_after: dt.datetime = NOW + 90 * DAY
    is_authority: bool = False
    key: Key = field(default_factory=new_key)
    serial: int = 0
    extensions: Sequence[x509.ExtensionType] = ()

    @property
    def name(self) -> x509.Name:
        cn = self.common_name
        return x509.Name([] if cn is None else [x509.NameAttribute(NameOID.COMMON_NAME, cn)])


class Authority:
    """A root or an intermediate of our own."""

    def __init__(self, name: str = "Root", *, parent: Authority | None = None, not_after: dt.datetime | None = None):
        subject = Subject(common_name=name, is_authority=True, not_after=not_after or NOW + 3650 * DAY)
        self.is_root = parent is None
        self.issued = sign(subject, parent)

    def leaf(self, *names: str, **options: object) -> Issued:
        return sign(Subject(names=names, **options), self)  # type: ignore[arg-type]

    def write(self, path: Path) -> Path:
        path.write_bytes(pem(self.issued.certificate))
        return path


def sign(subject: Subject, by: Authority | None) -> Issued:
    """`by` None: self-signed."""
    issuer = None if by is None else by.issued
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject.name)
        .issuer_name(subject.name if issuer is None else issuer.certificate.subject)
        .public_key(subject.key.public_key())
        .serial_number(subject.serial or x509.random_serial_number())
        .not_valid_before(subject.not_before)
        .not_valid_after(subject.not_after)
        .add_extension(x509.BasicConstraints(subject.is_authority, None), critical=True)
    )
    if subject.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, subject.names))), critical=False)
    for extension in subject.extensions:
        builder = builder.add_extension(extension, critical=False)
    key = subject.key if issuer is None else issuer.key
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(key, algorithm)
    above = () if by is None or by.is_root else by.issued.chain
    return Issued(certificate, subject.key, above)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def fetched_from(url: str) -> Sequence[x509.ExtensionType]:
    """Everything in a certificate that invites a reader to fetch something."""
    at = x509.UniformResourceIdentifier(url)
    methods = (AuthorityInformationAccessOID.CA_ISSUERS, AuthorityInformationAccessOID.OCSP)
    return (
        x509.AuthorityInformationAccess([x509.AccessDescription(method, at) for method in methods]),
        x509.CRLDistributionPoints([x509.DistributionPoint([at], None, None, None)]),
    )


def bulk(size: int) -> x509.UnrecognizedExtension:
    """An extension of `size` bytes that says nothing."""
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x00" * size)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def server_context(issued: Issued, *, chain: Sequence[x509.Certificate] | None = None) -> ssl.SSLContext:
    """Presents `chain`, or the certificate and what is above it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secret = issued.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem(*(chain or issued.chain)) + secret)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def of_old(context: ssl.SSLContext) -> ssl.SSLContext:
    """Speaks TLS 1.0 and 1.1 alone."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that these are old is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def only_1_2(context: ssl.SSLContext) -> ssl.SSLContext:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def demanding(context: ssl.SSLContext, clients: Authority) -> ssl.SSLContext:
    """Wants a certificate from its clients."""
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=pem(clients.issued.certificate).decode())
    return context


def by_name(default: ssl.SSLContext, named: dict[str, ssl.SSLContext], asked: list[str | None]) -> ssl.SSLContext:
    """Presents the certificate of the name that it is asked for."""

    def choose(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        asked.append(name)
        connection.context = named.get(name or "", default)

    default.sni_callback = choose
    return default


async def quiet(reader: Reader, _writer: Writer) -> None:
    """A server with nothing to say once the handshake is done."""
    await reader.read()


def alerting(context: ssl.SSLContext) -> Target:
    """Says by an alert why it refuses a handshake, as servers do; asyncio's own hangs up without a word."""

    async def target(reader: Reader, writer: Writer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        connection = context.wrap_bio(incoming, outgoing, server_side=True)
        while data := await reader.read(16_384):
            incoming.write(data)
            try:
                connection.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                writer.write(outgoing.read())
                await writer.drain()
                return
            writer.write(outgoing.read())

    return target


async def half_a_record(reader: Reader, writer: Writer) -> None:
    """Announces a ServerHello and never sends it."""
    await reader.read(1)
    writer.write(b"\x16\x03\x03\x10\x00\x02\x00\x0f\xfc")
    await reader.read()


async def flood(reader: Reader, writer: Writer) -> None:
    """Warning alerts and empty records without end."""
    await reader.read(1)
    while True:
        writer.write(b"\x14\x03\x03\x00\x01\x01" * 4096)
        await writer.drain()


async def plain_text(reader: Reader, writer: Writer) -> None:
    """A web server that was asked on the wrong port."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def banner(reader: Reader, writer: Writer) -> None:
    """Speaks first, like SMTP."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await reader.read()


HOSTILE: dict[str, Target] = {
    "hang": targets.silent,
    "half a record": half_a_record,
    "flood": flood,
    "plain text": plain_text,
    "garbage": targets.garbage_in_handshake,
}


def huge_certificate() -> ssl.SSLContext:
    """A certificate of 1 MB."""
    return server_context(sign(Subject(names=["127.0.0.1"], extensions=[bulk(1 << 20)]), None))


def long_chain(length: int = 100) -> ssl.SSLContext:
    """As many certificates as make a chain of this length, each issued by the next."""
    authority = Authority("Root")
    for number in range(length - 1):
        authority = Authority(f"Step {number}", parent=authority)
    return server_context(authority.leaf("127.0.0.1"))


async def _serve_until_told() -> None:
    """The hostile servers, in a process of their own so that their memory is not the agent's."""
    async with AsyncExitStack() as stack:
        servers = [serving(target) for target in HOSTILE.values()]
        servers += [serving(quiet, tls=tls) for tls in (huge_certificate(), long_chain())]
        ports = [await stack.enter_async_context(server) for server in servers]
        print(*ports, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve_until_told())
