"""Address blocks that are not the public internet, as dated data. `judge` turns them into ranges at import.

The IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190) as they stood in 2025, IPv6 with RFC 9637
(2024) and RFC 9780 (2025). Every block of theirs is here, also those marked globally reachable: no check has business
with an anycast relay or an AS112 sink. Then come multicast, retired blocks, and the addresses at which clouds tell an
instance its credentials.
"""

from __future__ import annotations

from msgspec import Struct


class Block(Struct, frozen=True):
    network: str
    name: str
    source: str


IPV4_BLOCKS: tuple[Block, ...] = (
    Block("0.0.0.0/8", "this network", "RFC 791"),
    Block("0.0.0.0/32", "this host on this network", "RFC 1122"),
    Block("10.0.0.0/8", "private use", "RFC 1918"),
    Block("100.64.0.0/10", "shared address space", "RFC 6598"),
    Block("127.0.0.0/8", "loopback", "RFC 1122"),
    Block("169.254.0.0/16", "link-local", "RFC 3927"),
    Block("172.16.0.0/12", "private use", "RFC 1918"),
    Block("192.0.0.0/24", "IETF protocol assignments", "RFC 6890"),
    Block("192.0.0.0/29", "IPv4 service continuity prefix", "RFC 7335"),
    Block("192.0.0.8/32", "IPv4 dummy address", "RFC 7600"),
    Block("192.0.0.9/32", "Port Control Protocol anycast", "RFC 7723"),
    Block("192.0.0.10/32", "TURN anycast", "RFC 8155"),
    Block("192.0.0.170/31", "NAT64/DNS64 discovery", "RFC 8880"),
    Block("192.0.2.0/24", "documentation (TEST-NET-1)", "RFC 5737"),
    Block("192.31.196.0/24", "AS112-v4", "RFC 7535"),
    Block("192.52.193.0/24", "AMT", "RFC 7450"),
    Block("192.88.99.0/24", "6to4 relay anycast, deprecated", "RFC 7526"),
    Block("192.88.99.2/32", "6a44 relay anycast", "RFC 6751"),
    Block("192.168.0.0/16", "private use", "RFC 1918"),
    Block("192.175.48.0/24", "direct delegation AS112 service", "RFC 7534"),
    Block("198.18.0.0/15", "benchmarking", "RFC 2544"),
    Block("198.51.100.0/24", "documentation (TEST-NET-2)", "RFC 5737"),
    Block("203.0.113.0/24", "documentation (TEST-NET-3)", "RFC 5737"),
    Block("224.0.0.0/4", "multicast", "RFC 5771"),
    Block("240.0.0.0/4", "reserved", "RFC 1112"),
    Block("255.255.255.255/32", "limited broadcast", "RFC 8190"),
    # Cloud metadata. All but the last lie in a block above; they are named so that the refusal says what was asked for.
    Block("169.254.169.254/32", "cloud instance metadata", "AWS, Google, Azure, Oracle"),
    Block("169.254.170.2/32", "cloud container credentials", "AWS ECS"),
    Block("169.254.170.23/32", "cloud pod identity", "AWS EKS"),
    Block("169.254.0.23/32", "cloud instance metadata", "Tencent Cloud"),
    Block("192.0.0.192/32", "cloud instance metadata", "Oracle, legacy"),
    Block("100.100.100.200/32", "cloud instance metadata", "Alibaba Cloud"),
    Block("168.63.129.16/32", "cloud platform channel", "Azure"),
)

IPV6_BLOCKS: tuple[Block, ...] = (
    # All assigned global unicast lies in 2000::/3 (RFC 4291 section 2.4, RFC 3587): the rest is closed, with names for
    # the parts that people meet.
    Block("::/3", "outside global unicast", "RFC 4291"),
    Block("4000::/2", "outside global unicast", "RFC 4291"),
    Block("8000::/1", "outside global unicast", "RFC 4291"),
    Block("::/96", "IPv4-compatible, deprecated", "RFC 4291"),
    Block("::/128", "unspecified", "RFC 4291"),
    Block("::1/128", "loopback", "RFC 4291"),
    Block("::ffff:0:0/96", "IPv4-mapped", "RFC 4291"),
    Block("::ffff:0:0:0/96", "IPv4-translated (SIIT)", "RFC 2765"),
    Block("64:ff9b::/96", "NAT64", "RFC 6052"),
    Block("64:ff9b:1::/48", "local-use NAT64", "RFC 8215"),
    Block("100::/64", "discard-only", "RFC 6666"),
    Block("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    Block("2001::/23", "IETF protocol assignments", "RFC 2928"),
    Block("2001::/32", "Teredo", "RFC 4380"),
    Block("2001:1::1/128", "Port Control Protocol anycast", "RFC 7723"),
    Block("2001:1::2/128", "TURN anycast", "RFC 8155"),
    Block("2001:1::3/128", "DNS-SD service registration anycast", "RFC 9665"),
    Block("2001:2::/48", "benchmarking", "RFC 5180"),
    Block("2001:3::/32", "AMT", "RFC 7450"),
    Block("2001:4:112::/48", "AS112-v6", "RFC 7535"),
    Block("2001:10::/28", "ORCHID, deprecated", "RFC 4843"),
    Block("2001:20::/28", "ORCHIDv2", "RFC 7343"),
    Block("2001:30::/28", "drone remote identification", "RFC 9374"),
    Block("2001:db8::/32", "documentation", "RFC 3849"),
    Block("2002::/16", "6to4", "RFC 3056"),
    Block("2620:4f:8000::/48", "direct delegation AS112 service", "RFC 7534"),
    Block("3fff::/20", "documentation", "RFC 9637"),
    Block("3ffe::/16", "6bone, returned", "RFC 3701"),
    Block("5f00::/16", "segment routing identifiers", "RFC 9602"),
    Block("fc00::/7", "unique local", "RFC 4193"),
    Block("fe80::/10", "link-local", "RFC 4291"),
    Block("fec0::/10", "site-local, deprecated", "RFC 3879"),
    Block("ff00::/8", "multicast", "RFC 4291"),
    Block("fd00:ec2::254/128", "cloud instance metadata", "AWS"),
    Block("fd00:ec2::23/128", "cloud pod identity", "AWS EKS"),
    Block("fd20:ce::254/128", "cloud instance metadata", "Google"),
    Block("fd00:42::42/128", "cloud instance metadata", "Scaleway"),
)

SPECIAL_DOMAINS: dict[str, str] = {
    "localhost": "loopback (RFC 6761)",
    "localdomain": "local by convention",
    "local": "multicast DNS (RFC 6762)",
    "internal": "reserved for private use (ICANN, 2024)",
    "intranet": "private by convention",
    "private": "private by convention",
    "corp": "never delegated (ICANN, 2018)",
    "home": "never delegated (ICANN, 2018)",
    "mail": "never delegated (ICANN, 2018)",
    "lan": "private by convention",
    "test": "for testing (RFC 6761)",
    "invalid": "never exists (RFC 6761)",
    "example": "for documentation (RFC 6761)",
    "onion": "Tor (RFC 7686)",
    "alt": "outside DNS (RFC 9476)",
    "arpa": "infrastructure (RFC 3172)",
}
"""Last labels of names that no public server answers for."""

BAD_PORTS: frozenset[int] = frozenset(
    {
        # The Fetch standard's list of bad ports (section "Port blocking"): services that a text request can hurt.
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109),
        *(110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530),
        *(531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045),
        *(4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
        # Ours: SMB, rsync, databases, remote desktops, caches, container and cluster control.
        *(445, 873, 1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5900, 6379, 10250, 10255, 11211, 27017),
    }
)

STRICT_PORTS: frozenset[int] = frozenset({80, 443, 3000, 5000, 8000, 8080, 8443, 8888})
"""The profile `strict` of TCP ports: web servers and what developers run them on."""

DNS_PORTS: frozenset[int] = frozenset({53, 853})
"""Where a resolver that a tenant chose may listen: DNS, and DNS over TLS (RFC 7858)."""
