"""Whether a chain that was read leads to an authority we trust, by OpenSSL's own judgement and without a connection.

Python gives no way to verify a chain that is at hand, and a second opinion (another library's rules) would differ from
what the `http` check says of the same server. So OpenSSL is told a TLS 1.2 handshake up to the server's Certificate
message, which is plain text and is verified the moment it arrives; nothing of the chain is fetched from anywhere.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from agent.tls.contexts import TlsPipe

_RECORD = 16_384
"""Bytes of a record's content at most (RFC 5246 section 6.2.1)."""

_SUITES = (b"\xc0\x2f", b"\xc0\x2b")
"""ECDHE with RSA, and with ECDSA or EdDSA (RFC 5289): the leaf's key has to suit the one agreed upon."""

_SECURE_RENEGOTIATION = b"\x00\x05\xff\x01\x00\x01\x00"
"""The one extension that OpenSSL 3 insists on (RFC 5746)."""


class Trust(Struct, frozen=True):
    """`path`: from the leaf to the trusted authority, DER; empty when there is a `problem`."""

    problem: str | None
    path: tuple[bytes, ...] = ()


def verify(chain: Sequence[bytes], context: ssl.SSLContext) -> Trust:
    """Judge a presented chain, leaf first, all but its dates and names. `context`: TlsContexts.for_judging()."""
    for suite in _SUITES:
        pipe = TlsPipe(context, server_name="127.0.0.1")
        pipe.handshake()
        try:
            pipe.handshake(_told(chain, suite))
        except ssl.SSLCertVerificationError as error:
            return Trust(error.verify_message)
        except ssl.SSLError as error:
            if error.reason == "WRONG_CERTIFICATE_TYPE":
                continue
            return Trust(f"it cannot be verified: {error.reason or error}")
        return Trust(None, tuple(pipe.verified_chain()))
    return Trust("it cannot be verified: its kind of key is not known")


def _told(chain: Iterable[bytes], suite: bytes) -> bytes:
    """What a server would have sent: ServerHello and Certificate (RFC 5246 sections 7.4.1.3 and 7.4.2)."""
    hello = b"\x03\x03" + bytes(32) + b"\x00" + suite + b"\x00" + _SECURE_RENEGOTIATION
    certificates = b"".join(_sized(der) for der in chain)
    messages = b"\x02" + _sized(hello) + b"\x0b" + _sized(_sized(certificates))
    return b"".join(_records(messages))


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(3, "big") + data


def _records(messages: bytes) -> Iterator[bytes]:
    for start in range(0, len(messages), _RECORD):
        piece = messages[start : start + _RECORD]
        yield b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece
