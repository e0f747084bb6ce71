"""TLS for checks: one SSLContext per trust policy, and the handshake driven by us so that its time is exact.

A new context costs some 20 ms, so contexts are made once. The record layer runs on memory buffers (PEP 543's idea):
the protocol feeds it bytes and takes bytes, and nothing of the event loop is in between.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice
from typing import Any

from cryptography import x509

HANDSHAKE_LIMIT = 256 * 1024
"""Bytes that a peer may send before its handshake is done. OpenSSL itself refuses a chain above 100 KiB."""

_READ = 64 * 1024


class TlsContexts:
    """The two trust policies of a check: the world's authorities (and `ca_file`), or none."""

    def __init__(self, *, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._made: dict[bool, ssl.SSLContext] = {}

    def get(self, *, verify: bool) -> ssl.SSLContext:
        if verify not in self._made:
            self._made[verify] = self._make(verify)
        return self._made[verify]

    def _make(self, verify: bool) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file:
            context.load_verify_locations(self._ca_file)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["http/1.1"])
        return context


class TlsPipe:
    """One TLS client connection without a socket. Methods raise ssl.SSLError when the peer breaks the protocol."""

    __slots__ = ("_incoming", "_object", "_outgoing", "_received", "established")

    def __init__(self, context: ssl.SSLContext, *, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._received = 0
        self.established = False

    def handshake(self, data: bytes = b"") -> bytes:
        """Take bytes from the peer, give those owed to it; `established` tells whether it is done."""
        self._received += len(data)
        if self._received > HANDSHAKE_LIMIT:
            raise ssl.SSLError(1, f"the handshake exceeds {HANDSHAKE_LIMIT} bytes")
        self._incoming.write(data)
        try:
            self._object.do_handshake()
            self.established = True
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    def parting_words(self) -> bytes:
        """What the failed handshake still owes the peer: its alert."""
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes, take: Callable[[bytes], None]) -> bool:
        """Hand the plain bytes to `take`, piece by piece. True when the peer has said that it is done."""
        self._incoming.write(data)
        while True:
            try:
                plain = self._object.read(_READ)
            except ssl.SSLWantReadError:
                return False
            except ssl.SSLZeroReturnError:
                return True
            if not plain:
                return True
            take(plain)

    @property
    def version(self) -> str | None:
        return self._object.version()

    @property
    def cipher(self) -> str | None:
        cipher = self._object.cipher()
        return cipher[0] if cipher else None

    def chain(self) -> list[bytes]:
        """The certificates that the peer presented, leaf first, DER."""
        try:
            return _presented(self._object)
        except ValueError:  # the handshake did not come so far
            return []


def _presented(connection: ssl.SSLObject) -> list[bytes]:
    if hasattr(connection, "get_unverified_chain"):  # public since Python 3.13
        return list(connection.get_unverified_chain())
    inner: Any = connection._sslobj  # type: ignore[attr-defined]
    return [certificate.public_bytes(2) for certificate in inner.get_unverified_chain() or ()]  # 2: DER


def earliest_expiry(chain: Iterable[bytes]) -> int | None:
    """Unix seconds of the earliest notAfter, as blackbox_exporter's probe_ssl_earliest_cert_expiry."""
    return min((_expiry(der) for der in chain), default=None)


def describe(chain: Iterable[bytes]) -> tuple[str, ...]:
    """Subject, issuer and dates of each certificate in one line, for evidence; the first ten."""
    return tuple(_description(der) for der in islice(chain, 10))


def _description(der: bytes) -> str:
    try:
        certificate = x509.load_der_x509_certificate(der)
        text = (
            f"subject {certificate.subject.rfc4514_string()}, issuer {certificate.issuer.rfc4514_string()}, "
            f"valid {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        )
    except ValueError:
        text = "a certificate that cannot be read"
    return text[:500]


@lru_cache(maxsize=2048)
def _expiry(der: bytes) -> int:
    """Kept by content, because a chain seldom changes between two checks and parsing it costs more than the rest."""
    try:
        return int(x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp())
    except ValueError:
        return 2**53  # unreadable: it says nothing about expiry
