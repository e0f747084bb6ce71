"""Whom a check bothers: the registrable domain of its target, or the address itself. Pure.

A registrable domain is one label below a public suffix (publicsuffix.org), private suffixes included: a.github.io and
b.github.io belong to different people, so they do not share a budget.
"""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from typing import assert_never
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from shared.checks import Check
from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def target_of(check: Check) -> str:
    """The URL, host or name that a check is directed at."""
    match check:
        case HttpCheck():
            return check.url
        case TcpCheck() | PingCheck() | TlsCertCheck():
            return check.host
        case DnsCheck():
            return check.name
        case DomainExpiryCheck():
            return check.domain
        case _:
            assert_never(check)


def domain_of(target: str) -> str | None:
    """The registrable domain of a URL, host or name in lower case; a public address is its own.

    None: nobody on the public internet is bothered. Addresses that are not public, and names of one label or without a
    registrable part, are those of a private network, and the same text means another host in each.
    """
    host = _host(target)
    if not host:
        return None
    try:
        address = ip_address(host)
    except ValueError:
        return _suffixes().privatesuffix(host)
    return str(address) if address.is_global else None


def _host(target: str) -> str:
    try:
        host = urlsplit(target).hostname if "://" in target else target
    except ValueError:
        return ""
    return (host or "").strip("[]").rstrip(".").lower()
