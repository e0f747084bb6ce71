"""The grammar of hosts: names of A-labels, canonical IPv4, bracketed IPv6. Everything else is refused, never repaired.

Resolvers and libraries read `0x7f.1`, `１２７.０.０.１` or `127。0。0。1` as loopback; a host that two readers see
differently has no meaning here.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from shared.netpolicy.labels import to_a_label
from shared.netpolicy.model import Host, UrlRefused

LABEL_LIMIT = 63
"""Characters between two dots."""

NAME_LIMIT = 253
"""Characters of a name without its trailing dot (RFC 1035 section 2.3.4)."""

_LDH = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_ASCII_UPPER = {ord(upper): ord(upper.lower()) for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def bad_format(message: str) -> UrlRefused:
    return UrlRefused("INVALID_URL_FORMAT", message)


def parse_host(text: str) -> tuple[str, bool]:
    """The canonical host and whether it is an IP literal. Raises UrlRefused INVALID_URL_FORMAT."""
    if text.startswith("["):
        return _ipv6(text), True
    host = text.translate(_ASCII_UPPER).removesuffix(".")
    if not host:
        raise bad_format("the URL has no host; write https://name/")
    labels = host.split(".")
    if _NUMBER.match(labels[-1]):
        return _ipv4(text), True
    name = ".".join(_label(label) for label in labels)
    if len(name) > NAME_LIMIT:
        raise bad_format(f"the host is longer than {NAME_LIMIT} characters")
    if name.endswith((".in-addr.arpa", ".ip6.arpa")):
        raise bad_format("the host is a name of the reverse tree, which is never a web server")
    return name, False


def parse_host_text(text: str) -> Host:
    """A host that stands alone, without scheme and port; an IPv6 address may be without brackets.

    Raises UrlRefused INVALID_URL_FORMAT.
    """
    if len(text) > 1024:
        raise bad_format("the host is too long")
    bracketed = f"[{text}]" if ":" in text and not text.startswith("[") else text
    return Host(*parse_host(bracketed))


def _label(label: str) -> str:
    if not label.isascii() or label.startswith("xn--"):
        encoded = to_a_label(label) if len(label) <= LABEL_LIMIT else None  # decoding is quadratic
        if encoded is None or len(encoded) > LABEL_LIMIT:
            raise bad_format(
                "the host has a label that is no valid internationalised one (RFC 5891): "
                "write it in lower case, composed (NFC), or as its xn-- form"
            )
        return encoded
    if not _LDH.match(label):
        hint = "; credentials belong in basic_auth" if "@" in label else ""
        raise bad_format(f"the host has a label that is not 1 to 63 letters, digits and inner hyphens{hint}")
    return label


def _ipv4(text: str) -> str:
    try:
        address = str(IPv4Address(text)) if text.isascii() else ""
    except AddressValueError:
        address = ""
    if address != text:
        raise bad_format(
            "a host that ends in a number is an IPv4 address and must be four decimal numbers without leading zeros, "
            "like 192.0.2.1"
        )
    return address


def _ipv6(text: str) -> str:
    inner = text[1:-1]
    if not text.endswith("]") or not inner.isascii() or "%" in inner:
        raise bad_format("a host in brackets must be an IPv6 address without a zone, like [2001:db8::1]")
    try:
        return str(IPv6Address(inner))
    except AddressValueError as error:
        raise bad_format("a host in brackets must be an IPv6 address, like [2001:db8::1]") from error
