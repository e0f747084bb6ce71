"""A DNS server that a tenant chose: a target like any other, guarded and pinned to the addresses that were judged."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from itertools import chain, repeat
from socket import socket

from agent.checks.check import CheckContext
from agent.checks.dns_question import split_server
from agent.dialer import MAX_ADDRESSES, told
from agent.dns.exchange import NoAnswer, StreamTimes, Way, ask_all, ask_by_stream, connected_datagram
from agent.dns.resolver import ATTEMPT_TIMEOUTS_S
from agent.dns.stream import DnsStream
from agent.dns.wire import FORMERR, NOTIMP, Query, Reply, Unanswered, query
from agent.tls.contexts import TlsPipe
from shared.netpolicy import judge_address, judge_dns_port

TLS_PORT = 853
"""DNS over TLS (RFC 7858)."""


class ChosenServer:
    """`address` is the one asked last."""

    __slots__ = ("_context", "address", "host", "port")

    def __init__(self, text: str, context: CheckContext) -> None:
        """Raises UrlRefused."""
        host, self.port = split_server(text)
        self.host = context.dialer.host(host)
        judge_dns_port(self.port, context.dialer.policy)
        self.address: str | None = None
        self._context = context

    async def ask(self, addresses: Sequence[str], name: str, kind: int, *, times: StreamTimes) -> tuple[Query, Reply]:
        """The first answer, of whichever of its addresses. One that stays silent is asked again, without an end.

        Raises UrlRefused, and the OSError (also ssl.SSLError) or Unanswered of the address that was left.
        """
        left = list(self._context.dialer.of_family(addresses)[:MAX_ADDRESSES])
        rounds = chain(ATTEMPT_TIMEOUTS_S, repeat(ATTEMPT_TIMEOUTS_S[-1]))
        failure: Exception = Unanswered("it has no address")
        while left:
            seconds = next(rounds)
            for address in tuple(left):
                try:
                    return await self._ask(address, name, kind, seconds, times)
                except NoAnswer:
                    continue
                except (OSError, Unanswered) as error:
                    failure = error
                    left.remove(address)
        raise failure

    async def _ask(self, address: str, name: str, kind: int, seconds: float, times: StreamTimes) -> tuple[Query, Reply]:
        self.address = address
        asked, reply = await self._exchange(address, query(name, kind), seconds, times)
        if reply.rcode in (FORMERR, NOTIMP):  # a server that does not know EDNS (RFC 6891 section 7)
            asked, reply = await self._exchange(address, query(name, kind, edns=False), seconds, times)
        return asked, reply

    async def _exchange(self, address: str, question: Query, seconds: float, times: StreamTimes) -> tuple[Query, Reply]:
        way = self._way(address)
        if self.port == TLS_PORT:
            return question, await ask_by_stream(way.stream, question, seconds, times)
        (reply,) = await ask_all(way, (question,), seconds, times)
        assert reply is not None  # the only question: else NoAnswer
        return question, reply

    def _way(self, address: str) -> Way:
        dialer, host = self._context.dialer, self.host

        def datagram() -> socket:
            judge_address(ip_address(address), dialer.policy, literal=host.is_literal)
            try:
                return connected_datagram(address, self.port, source=dialer.source_for(address) or "")
            except OSError as failure:
                raise told(failure, address) from None

        async def stream() -> DnsStream:
            made, _ = await dialer.connect(
                (address,), port=self.port, literal=host.is_literal, factory=self._make_stream
            )
            return made

        return Way(datagram, stream)

    def _make_stream(self) -> DnsStream:
        if self.port != TLS_PORT:
            return DnsStream()
        return DnsStream(tls=TlsPipe(self._context.tls.for_dns(), server_name=self.host.name))
