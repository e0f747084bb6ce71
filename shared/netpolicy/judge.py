"""Judging: what a policy lets through. Pure; the agent and the control plane use the same functions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, ip_network

from shared.netpolicy.model import Address, Host, HttpUrl, Policy, UrlRefused
from shared.netpolicy.registry import (
    BAD_PORTS,
    DNS_PORTS,
    IPV4_BLOCKS,
    IPV6_BLOCKS,
    SPECIAL_DOMAINS,
    STRICT_PORTS,
    Block,
)
from shared.netpolicy.urls import parse_http_url, resolve_reference

LOCATION_LIMIT = 8192
"""Characters of a redirect's target: sign-in redirects are longer than any URL that people type."""

_NAT64 = 0x64FF9B << 64
"""The upper 96 bits of 64:ff9b::/96 (RFC 6052)."""

_MAPPED = 0xFFFF
"""The upper 96 bits of ::ffff:0:0/96 (RFC 4291 section 2.5.5.2)."""

_ISATAP = 0x00005EFE
"""Upper half of an ISATAP interface identifier (RFC 5214 section 6.1); the universal/local bit may be set."""


def _ranges(blocks: Sequence[Block]) -> tuple[list[int], list[str | None]]:
    """Starts of the ranges that the blocks cut the address space into, and each one's reason: its narrowest block."""
    networks = [(ip_network(block.network), block) for block in blocks]
    bounds = {0}
    for network, _ in networks:
        bounds |= {int(network.network_address), int(network.broadcast_address) + 1}
    starts = sorted(bounds)
    reasons: list[str | None] = []
    for start in starts:
        covering = [
            (network.prefixlen, f"{block.network} is {block.name} ({block.source})")
            for network, block in networks
            if int(network.network_address) <= start <= int(network.broadcast_address)
        ]
        reasons.append(max(covering)[1] if covering else None)
    return starts, reasons


_V4_STARTS, _V4_REASONS = _ranges(IPV4_BLOCKS)
_V6_STARTS, _V6_REASONS = _ranges(IPV6_BLOCKS)


def blocked_reason(address: Address, policy: Policy, *, literal: bool) -> str | None:
    """Why `address` may not be dialled, or None. `literal`: written in a URL, not a DNS answer.

    A NAT64 answer is what DNS64 makes of an IPv4 address, so it is judged by the address inside (RFC 6147); nobody has
    a reason to write one down. Sockets take an IPv4-mapped address for IPv4. So no range of IPv6 opens either of them.
    """
    value = int(address)
    prefix = value >> 32 if address.version == 6 else None
    if prefix == _NAT64 and not literal:
        return blocked_reason(IPv4Address(value & 0xFFFFFFFF), policy, literal=False)
    if prefix not in (_MAPPED, _NAT64) and any(address in network for network in policy.allow_cidrs):
        return None
    if address.version == 4:
        return _V4_REASONS[bisect_right(_V4_STARTS, value) - 1]
    reason = _V6_REASONS[bisect_right(_V6_STARTS, value) - 1]
    if reason is None and (value >> 32) & 0xFDFFFFFF == _ISATAP:
        return "the interface identifier is ISATAP (RFC 5214)"
    return reason


def special_name(host: str) -> str | None:
    """Why a name is never a public one, or None. Case and a trailing dot do not matter."""
    labels = host.lower().rstrip(".").split(".")
    reason = SPECIAL_DOMAINS.get(labels[-1])
    if reason is not None:
        return f".{labels[-1]} is {reason}"
    return "a name of one label is local" if len(labels) == 1 else None


def judge_address(address: Address, policy: Policy, *, literal: bool) -> None:
    """Raise UrlRefused SSRF_BLOCKED when the address is blocked."""
    reason = blocked_reason(address, policy, literal=literal)
    if reason is not None:
        raise UrlRefused(
            "SSRF_BLOCKED",
            f"the address {address} is blocked: {reason}; shared regions reach public addresses only",
            {"address": str(address), "reason": reason},
        )


def judge_name(name: str, policy: Policy) -> None:
    """Raise UrlRefused SSRF_BLOCKED for a special name, unless the region is a private one."""
    reason = None if policy.is_private else special_name(name)
    if reason is not None:
        raise UrlRefused(
            "SSRF_BLOCKED",
            f"the name {name} is not a public one: {reason}; use a public name, or a private region",
            {"name": name, "reason": reason},
        )


def judge_question(name: str, policy: Policy) -> None:
    """Raise UrlRefused SSRF_BLOCKED for a special name that an agent would ask its operator's own resolvers about.

    Nothing is dialled, but an inner network's answers are its operator's. The reverse tree (arpa) and top-level domains
    are public.
    """
    last = name.lower().rstrip(".").rpartition(".")[2]
    if last in SPECIAL_DOMAINS and last != "arpa" and not policy.is_private:
        raise UrlRefused(
            "SSRF_BLOCKED",
            f"the name {name} is not a public one: .{last} is {SPECIAL_DOMAINS[last]}; "
            "name a resolver to ask, or use a private region",
            {"name": name},
        )


def judge_host(url: HttpUrl, policy: Policy) -> None:
    """Raise UrlRefused SSRF_BLOCKED or PORT_BLOCKED. A name is judged as a name; its answers by judge_answers."""
    judge_host_text(Host(url.host, url.is_literal), policy)
    if url.port in BAD_PORTS and not policy.is_private:
        raise UrlRefused(
            "PORT_BLOCKED", f"port {url.port} is no web server's: it is not checked over HTTP", {"port": url.port}
        )


def judge_host_text(host: Host, policy: Policy) -> None:
    """Raise UrlRefused SSRF_BLOCKED. A name is judged as a name; its answers by judge_answers."""
    address = host.address
    if address is None:
        judge_name(host.name, policy)
    else:
        judge_address(address, policy, literal=True)


def judge_port(port: int, policy: Policy) -> None:
    """Raise UrlRefused PORT_BLOCKED for a port that `tcp` and `tls_cert` checks may not use under the profile."""
    if policy.ports == "strict" and port not in STRICT_PORTS and not policy.is_private:
        allowed = ", ".join(map(str, sorted(STRICT_PORTS)))
        raise UrlRefused("PORT_BLOCKED", f"port {port} is not allowed; these are: {allowed}", {"port": port})


def judge_dns_port(port: int, policy: Policy) -> None:
    """Raise UrlRefused PORT_BLOCKED for a port where no public DNS server listens."""
    if port not in DNS_PORTS and not policy.is_private:
        raise UrlRefused("PORT_BLOCKED", f"port {port} is no DNS server's: use 53, or 853 for TLS", {"port": port})


def judge_answers(addresses: Iterable[Address], policy: Policy, *, aliases: Iterable[str] = ()) -> None:
    """Raise UrlRefused SSRF_BLOCKED when any answer, or any CNAME target in `aliases`, is blocked.

    One blocked answer blocks the set: otherwise a name with a public and a private address reaches the private one as
    soon as the public one does not answer.
    """
    for alias in aliases:
        judge_name(alias, policy)
    for address in addresses:
        judge_address(address, policy, literal=False)


def judge_redirect(from_url: HttpUrl, location: str, *, has_credentials: bool, policy: Policy) -> HttpUrl:
    """The target of a Location header (RFC 9110 section 10.2.2), or UrlRefused REDIRECT_BLOCKED.

    `details.cause` is the code of what was wrong with it. Its name still has to be resolved and its answers judged;
    credentials go along only where `same_origin` says so.
    """
    try:
        target = parse_http_url(resolve_reference(from_url, location), limit=LOCATION_LIMIT)
        judge_host(target, policy)
    except UrlRefused as refused:
        raise UrlRefused(
            "REDIRECT_BLOCKED",
            f"the redirect is not followed: {refused.message}",
            {"cause": refused.code, **refused.details},
        ) from refused
    if has_credentials and from_url.scheme == "https" and target.scheme == "http":
        raise UrlRefused(
            "REDIRECT_BLOCKED",
            "the redirect is not followed: it leads from https to http while a credential is configured",
            {"cause": "DOWNGRADE"},
        )
    return target
