"""The demo's name server, its certificates, and a registry: what needs the internet elsewhere, on loopback.

The certificates are made anew at each start by an authority that only the demo's agents trust.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.rrset
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from control_plane.cli.demo_sites import HOST, Ports, Sites

DOMAIN = "tern.example"
WEB_DAYS, OLD_DAYS = 61, 9
"""How long the certificates of the website and of the old API are still good."""
_RECORDS = {
    (f"www.{DOMAIN}.", "A"): ("192.0.2.10",),
    (f"{DOMAIN}.", "MX"): (f"10 mail.{DOMAIN}.",),
}


@asynccontextmanager
async def network(sites: Sites, *, ports: Ports, directory: Path) -> AsyncIterator[dict[str, str]]:
    """Everything but the web sites. Yields the settings that agents need to find it."""
    authority, key = _authority()
    ca_file = directory / "demo-ca.pem"
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    async with AsyncExitStack() as stack:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Names(sites), local_addr=(HOST, ports.dns))
        stack.callback(transport.close)
        for port, days in ((ports.tls, WEB_DAYS), (ports.old_tls, OLD_DAYS)):
            runner = web.AppRunner(_registry(ports), access_log=None)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            context = _tls(authority, key, days=days, directory=directory)
            await web.TCPSite(runner, HOST, port, ssl_context=context).start()
        yield {
            "FARWATCH_AGENT__CA_FILE": str(ca_file),
            "FARWATCH_AGENT__RDAP_BOOTSTRAP": f"https://{HOST}:{ports.tls}/rdap/dns.json",
        }


class _Names(asyncio.DatagramProtocol):
    """Answers for the demo's domain, and of nothing else."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            answer = _answer(dns.message.from_wire(data))
        except dns.exception.DNSException:
            return
        wait = self._sites.wait_s("names", addr[0])
        asyncio.get_running_loop().call_later(wait, self._send, answer, addr)

    def _send(self, answer: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


def _answer(question: dns.message.Message) -> bytes:
    response = dns.message.make_response(question)
    response.flags |= dns.flags.AA
    for asked in question.question:
        kind = asked.rdtype.name
        known = _RECORDS.get((asked.name.to_text().lower(), kind))
        if known is not None:
            response.answer.append(dns.rrset.from_text(asked.name, 300, "IN", kind, *known))
    return response.to_wire()


def _registry(ports: Ports) -> web.Application:
    async def servers(_: web.Request) -> web.Response:
        return web.json_response({"version": "1.0", "services": [[["example"], [f"https://{HOST}:{ports.tls}/rdap/"]]]})

    async def domain(request: web.Request) -> web.Response:
        expires = datetime.now(UTC) + timedelta(days=214)
        answer = {
            "objectClassName": "domain",
            "ldhName": request.match_info["name"],
            "status": ["active"],
            "events": [{"eventAction": "expiration", "eventDate": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}],
        }
        return web.json_response(answer, content_type="application/rdap+json")

    app = web.Application()
    app.router.add_get("/rdap/dns.json", servers)
    app.router.add_get("/rdap/domain/{name}", domain)
    return app


def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the Farwatch demo")])
    made = _certificate(name, name, key.public_key(), days=365)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return made.sign(key, hashes.SHA256()), key


def _tls(
    authority: x509.Certificate, signer: ec.EllipticCurvePrivateKey, *, days: int, directory: Path
) -> ssl.SSLContext:
    """A server's context with a certificate that is good for so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"www.{DOMAIN}")])
    names = x509.SubjectAlternativeName([x509.DNSName(f"www.{DOMAIN}"), x509.IPAddress(ipaddress.ip_address(HOST))])
    made = _certificate(name, authority.subject, key.public_key(), days=days).add_extension(names, critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    signed = made.add_extension(issuer, critical=False).sign(signer, hashes.SHA256())
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = directory / "demo-tls.pem"
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain) + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    file.unlink()
    return context


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=29))
        .not_valid_after(now + timedelta(days=days, hours=6))
    )
