"""TLS for checks: one SSLContext per trust policy, and the handshake driven by us so that its time is exact.

A new context costs some 20 ms, so contexts are made once. The record layer runs on memory buffers (PEP 543's idea):
the protocol feeds it bytes and takes bytes, and nothing of the event loop is in between.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, Literal

from agent.tls.authorities import context_with_authorities

HANDSHAKE_LIMIT = 128 * 1024
"""Bytes that a peer may send before its handshake is done. OpenSSL itself refuses a chain above 100 KiB."""

_READ = 16 * 1024
"""Bytes asked for at a time: OpenSSL gives one record at most, and no record holds more (RFC 8446 section 5.1)."""

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (OpenSSL, x509_vfy.h), which Python does not name."""

_LEGACY_SERVER_CONNECT = 0x4
"""SSL_OP_LEGACY_SERVER_CONNECT (OpenSSL, ssl.h), named by Python from 3.12 on: servers without RFC 5746."""

Use = Literal["verify", "accept", "read", "judge", "dns"]


class TlsContexts:
    """What checks need of TLS, each made once: the world's authorities (and `ca_file`), or none."""

    def __init__(self, *, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._made: dict[Use, ssl.SSLContext] = {}

    def get(self, *, verify: bool) -> ssl.SSLContext:
        """For HTTP: peers that prove who they are, or any."""
        return self._get("verify" if verify else "accept")

    def for_dns(self) -> ssl.SSLContext:
        """For DNS over TLS: peers that prove who they are (RFC 7858, the strict profile of RFC 8310)."""
        return self._get("dns")

    def for_reading(self) -> ssl.SSLContext:
        """Accepts any chain over any version and cipher that this OpenSSL can speak: it is only looked at."""
        return self._get("read")

    def for_judging(self) -> ssl.SSLContext:
        """For agent.tls.chain_trust alone: verifies a chain as `get(verify=True)` does, but for host name and dates."""
        return self._get("judge")

    def _get(self, use: Use) -> ssl.SSLContext:
        if use not in self._made:
            self._made[use] = self._make(use)
        return self._made[use]

    def _make(self, use: Use) -> ssl.SSLContext:
        match use:
            case "verify":
                context = context_with_authorities(self._ca_file)
            case "dns":
                context = context_with_authorities(self._ca_file)
                context.set_alpn_protocols(["dot"])  # registered by RFC 7858; servers may insist on it
                return context
            case "accept":
                context = _credulous()
            case "read":
                context = _credulous()
                context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
                context.options |= _LEGACY_SERVER_CONNECT
                context.set_ciphers("ALL:!aNULL:!PSK:!SRP:@SECLEVEL=0")  # none that goes without a certificate
                return context  # no ALPN: whatever the server speaks inside is not asked
            case "judge":
                context = context_with_authorities(self._ca_file)
                context.check_hostname = False
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.verify_flags |= _NO_CHECK_TIME
        context.set_alpn_protocols(["http/1.1"])
        return context


def _credulous() -> ssl.SSLContext:
    """Without authorities: OpenSSL would try to verify against them all the same, for 90 µs a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class TlsPipe:
    """One TLS client connection without a socket. Methods raise ssl.SSLError when the peer breaks the protocol.

    `server_name`, of A-labels, goes out as SNI unless it is an IP address (RFC 6066 section 3).
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "_received", "established")

    def __init__(self, context: ssl.SSLContext, *, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        name = server_name.encode("ascii")  # as bytes, because Python would put a str through IDNA once more
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
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
        """As agreed. Of a handshake that failed it is known for TLS 1.3 alone, by the cipher."""
        agreed = self._object.version()
        if agreed is None and (cipher := self._object.cipher()) is not None and cipher[1] == "TLSv1.3":
            return "TLSv1.3"
        return agreed

    @property
    def cipher(self) -> str | None:
        cipher = self._object.cipher()
        return cipher[0] if cipher else None

    def chain(self) -> list[bytes]:
        """The certificates that the peer presented, leaf first, DER. Also those of a handshake that failed later."""
        return _certificates(self._object, "get_unverified_chain")

    def verified_chain(self) -> list[bytes]:
        """The way from the leaf to an authority that OpenSSL found, DER."""
        return _certificates(self._object, "get_verified_chain")


def _certificates(connection: ssl.SSLObject, method: str) -> list[bytes]:
    inner: Any = connection._sslobj  # type: ignore[attr-defined]  # public since Python 3.13, and only as bytes there
    try:
        return [certificate.public_bytes(2) for certificate in getattr(inner, method)() or ()]  # 2: DER
    except ValueError:  # the handshake did not come so far
        return []
