"""Names are resolved at name servers, and all of what they say is judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from control_plane.notify.guarded_http import resolve_by_dns
from control_plane.notify.transport_error import TransportError

ZONE = {
    ("both.example.net.", "A"): ["both.example.net. 60 IN A 198.41.0.4", "both.example.net. 60 IN A 10.0.0.5"],
    ("both.example.net.", "AAAA"): ["both.example.net. 60 IN AAAA 2001:503:ba3e::2:30"],
    ("alias.example.net.", "A"): [
        "alias.example.net. 60 IN CNAME metadata.google.internal.",
        "metadata.google.internal. 60 IN A 198.41.0.4",
    ],
}
EMPTY = {"empty.example.net."}
BROKEN = {"servfail.example.net."}


class NameServer(asyncio.DatagramProtocol):
    """Answers from ZONE: NXDOMAIN for what is not there, SERVFAIL for what is broken, nothing for "silent"."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        if name.startswith("silent"):
            return
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        known = {owner for owner, _ in ZONE}
        if name in BROKEN:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif name not in known | EMPTY:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        for line in ZONE.get((name, kind), []):
            owner, ttl, klass, rdtype, value = line.split(" ", 4)
            rrset = reply.get_rrset(
                reply.answer,
                dns.name.from_text(owner),
                dns.rdataclass.from_text(klass),
                dns.rdatatype.from_text(rdtype),
                create=True,
            )
            assert rrset is not None
            rrset.add(dns.rdata.from_text("IN", rdtype, value), int(ttl))
        self.transport.sendto(reply.to_wire(), addr)


@pytest.fixture
async def resolver() -> AsyncIterator[dns.asyncresolver.Resolver]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    asking = dns.asyncresolver.Resolver(configure=False)
    asking.nameservers = ["127.0.0.1"]
    asking.port = transport.get_extra_info("sockname")[1]
    asking.lifetime = 0.5
    yield asking
    transport.close()


async def test_every_address_of_both_families_is_found(resolver: dns.asyncresolver.Resolver) -> None:
    found = await resolve_by_dns("both.example.net", resolver=resolver)
    assert {str(address) for address in found.addresses} == {"198.41.0.4", "10.0.0.5", "2001:503:ba3e::2:30"}


async def test_the_names_on_the_way_are_told(resolver: dns.asyncresolver.Resolver) -> None:
    found = await resolve_by_dns("alias.example.net", resolver=resolver)
    assert found.aliases == ("metadata.google.internal",)


async def test_a_name_without_addresses_has_none(resolver: dns.asyncresolver.Resolver) -> None:
    assert (await resolve_by_dns("empty.example.net", resolver=resolver)).addresses == ()


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("nothing.example.net", "does not exist"),
        ("servfail.example.net", "could not be resolved"),
        ("silent.example.net", "could not be resolved"),
        ("a" * 64 + ".example.net", "could not be resolved"),
    ],
)
async def test_what_cannot_be_resolved_may_be_tried_again(
    host: str, told: str, resolver: dns.asyncresolver.Resolver
) -> None:
    with pytest.raises(TransportError, match=told) as failed:
        await resolve_by_dns(host, resolver=resolver)
    assert not failed.value.permanent


@pytest.mark.parametrize("host", ["localhost", "farwatch.localhost"])
async def test_localhost_is_loopback_without_asking_anybody(host: str) -> None:
    assert [str(address) for address in (await resolve_by_dns(host)).addresses] == ["127.0.0.1"]
