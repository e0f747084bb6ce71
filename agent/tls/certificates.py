"""Reading certificates: whatever a server presents becomes plain values, or words that say why it cannot."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from itertools import islice
from typing import TypeVar

from cryptography import x509
from msgspec import Struct

from agent.tls.der import bones
from shared.results import MESSAGE_LIMIT

UNREADABLE = "a certificate that cannot be read"

MAX_NAMES = 100
"""Alternative names kept of a certificate; all are counted, and all are matched."""

_NAME_LIMIT = 200
_KEPT = 4096

_expiries: dict[bytes, int] = {}
"""By SHA-256: a chain seldom changes between two checks and parsing it costs more than the rest of reading it."""

T = TypeVar("T")


class Certificate(Struct, frozen=True, gc=False):
    """What is told of one certificate. Instants in Unix seconds, the serial and the SHA-256 in hexadecimal."""

    subject: str
    issuer: str
    serial: str
    fingerprint: str
    not_before: int
    not_after: int
    names: tuple[str, ...]
    """Subject alternative names, host names and addresses first."""
    problem: str | None = None
    """Set when a part of it cannot be read."""

    @property
    def is_self_issued(self) -> bool:
        return self.subject == self.issuer != UNREADABLE


def read(der: bytes) -> Certificate | None:
    """None when it cannot be parsed at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about serials and encodings that the library will refuse one day
        try:
            return _read(der, x509.load_der_x509_certificate(der))
        except (ValueError, x509.InvalidVersion):
            return _rest_of(der)


def _read(der: bytes, certificate: x509.Certificate) -> Certificate:
    problems: list[str] = []
    none: tuple[str, ...] = ()
    names = _attempt(lambda: _names(certificate), none, "alternative names", problems)
    return Certificate(
        subject=_attempt(lambda: _distinguished(certificate.subject), "", "subject", problems),
        issuer=_attempt(lambda: _distinguished(certificate.issuer), "", "issuer", problems),
        serial=_serial(certificate.serial_number),
        fingerprint=sha256(der).hexdigest(),
        not_before=int(certificate.not_valid_before_utc.timestamp()),
        not_after=int(certificate.not_valid_after_utc.timestamp()),
        names=names,
        problem=f"its {' and '.join(problems)} cannot be read" if problems else None,
    )


def _rest_of(der: bytes) -> Certificate | None:
    """What is certain of a certificate that the library refuses, though servers and clients may not."""
    known = bones(der)
    if known is None:
        return None
    return Certificate(
        subject=UNREADABLE,
        issuer=UNREADABLE,
        serial=_serial(known.serial),
        fingerprint=sha256(der).hexdigest(),
        not_before=known.not_before,
        not_after=known.not_after,
        names=(),
        problem="it breaks the form of certificates; only its serial and its dates can be read",
    )


def _attempt(part: Callable[[], T], otherwise: T, name: str, problems: list[str]) -> T:
    """A part of a certificate; the library reads each only when it is asked for."""
    try:
        return part()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        problems.append(name)
        return otherwise


def _serial(number: int) -> str:
    """RFC 5280 wants it positive and of 20 octets; neither holds everywhere."""
    return f"{'-' if number < 0 else ''}{abs(number):x}"[:_NAME_LIMIT]


def _distinguished(name: x509.Name) -> str:
    return printable(name.rfc4514_string())[:MESSAGE_LIMIT]


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    names = extension.value
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    others = (_other(name) for name in names if not isinstance(name, x509.DNSName | x509.IPAddress))
    return tuple(printable(text)[:253] for text in (*hosts, *map(str, addresses), *others))


def _other(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return _distinguished(name.value)
    return str(name.value) if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier) else repr(name)


def printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def matches(names: Iterable[str], host: str) -> bool:
    """Whether a certificate with these alternative names is the host's (RFC 9525): never by its common name.

    `host`: a lower-case name of A-labels, or an IP address. A wildcard stands for one whole left-most label.
    """
    try:
        address = ip_address(host)
    except ValueError:
        parent = host.partition(".")[2]
        wanted = {host} | ({f"*.{parent}"} if "." in parent else set())
        return any(name.lower().removesuffix(".") in wanted for name in names)
    return any(name == str(address) for name in names)


def shown(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name[:_NAME_LIMIT] for name in names[:MAX_NAMES])


def earliest_expiry(chain: Iterable[bytes]) -> int | None:
    """Unix seconds of the earliest notAfter, as blackbox_exporter's probe_ssl_earliest_cert_expiry."""
    return min((expiry for expiry in map(_expiry, chain) if expiry is not None), default=None)


def _expiry(der: bytes) -> int | None:
    key = sha256(der).digest()
    known = _expiries.get(key)
    if known is not None:
        return known
    certificate = read(der)
    if certificate is None:
        return None
    if len(_expiries) >= _KEPT:
        del _expiries[next(iter(_expiries))]
    _expiries[key] = certificate.not_after
    return certificate.not_after


def describe(chain: Iterable[bytes]) -> tuple[str, ...]:
    """Subject, issuer and dates of each certificate in one line, for evidence; the first ten."""
    return tuple(_description(read(der))[:MESSAGE_LIMIT] for der in islice(chain, 10))


def _description(certificate: Certificate | None) -> str:
    if certificate is None:
        return UNREADABLE
    dates = f"valid {day(certificate.not_before)} to {day(certificate.not_after)}"
    subject, issuer = certificate.subject[:220], certificate.issuer[:220]  # so that the dates are never cut off
    return f"subject {subject}, issuer {issuer}, {dates}"


def day(instant: int) -> str:
    """YYYY-MM-DD, in UTC."""
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d}"
