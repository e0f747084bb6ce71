"""From a host to a connection, with the guard in between: the only way by which a check reaches the network.

A name is resolved by us, any blocked answer blocks it all, and the connection goes to one of the addresses judged,
never to a name. The address is judged once more at the very socket, so that no path around the first two layers exists.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal, Protocol, TypeVar

from agent.dns.resolver import Answers, ResolutionFailed, Resolver
from agent.health.capabilities import has_route
from shared.netpolicy import (
    Address,
    Host,
    HttpUrl,
    Policy,
    judge_address,
    judge_answers,
    judge_host,
    judge_host_text,
    parse_host_text,
    parse_http_url,
)

STAGGER_S = 0.25
"""Head start of an address over the next one (RFC 8305 section 8)."""

MAX_ADDRESSES = 8
"""Of a name with more addresses only these are tried; all are judged."""

Family = Literal["any", "4", "6"]

P = TypeVar("P", bound=asyncio.Protocol)


class NoRoute(OSError):
    """None of the addresses can be reached from this machine: it lacks the address family, or is told not to use it."""


class Connection(asyncio.Protocol):
    """One end of a connection of a check. `connected_at`: when it was made, in perf_counter seconds."""

    __slots__ = ()
    connected_at: float


class Names(Protocol):
    async def resolve(self, name: str) -> Answers: ...


class Dialer:
    """Connects checks of one region, under its policy."""

    def __init__(
        self, *, policy: Policy, names: Names | Resolver, source_address: str = "", family: Family = "any"
    ) -> None:
        """`source_address`: a local IP address that connections of its family come from."""
        self.policy = policy
        self._names = names
        self._source = source_address
        self._family = family
        self._judged = lru_cache(maxsize=16_384)(self._judge)
        self.target = lru_cache(maxsize=16_384)(self._target)
        self.host = lru_cache(maxsize=16_384)(self._host)

    def _target(self, url: str) -> HttpUrl:
        """As `target`: a URL that this region may ask, as far as its text tells. Raises UrlRefused."""
        parsed = parse_http_url(url)
        judge_host(parsed, self.policy)
        return parsed

    def _host(self, text: str) -> Host:
        """As `host`: a host without scheme and port, as far as its text tells. Raises UrlRefused."""
        parsed = parse_host_text(text)
        judge_host_text(parsed, self.policy)
        return parsed

    async def resolve(self, name: str) -> Answers:
        """The addresses of a name, each of them judged. Raises ResolutionFailed or UrlRefused."""
        try:
            answers = await self._names.resolve(name)
        except ResolutionFailed as failed:  # an alias into a local name is refused, whatever is behind it
            judge_answers((), self.policy, aliases=failed.aliases)
            raise
        judge_answers(answers.addresses, self.policy, aliases=answers.aliases)
        return answers

    async def connect(
        self, addresses: Sequence[str], *, port: int, literal: bool, factory: Callable[[], P]
    ) -> tuple[P, str]:
        """A connected protocol and the address it reached, trying the addresses in order with a short stagger.

        `literal`: the address stood in the URL itself. Raises UrlRefused, or the OSError of the best attempt.
        """
        addresses = self.of_family(addresses)
        if len(addresses) == 1:
            return await self._attempt(addresses[0], port, literal, factory), addresses[0]
        return await self._race(addresses[:MAX_ADDRESSES], port, literal, factory)

    def of_family(self, addresses: Sequence[str]) -> Sequence[str]:
        """Those of the address family that this agent is told to use. Raises NoRoute when none is."""
        if self._family == "any":
            return addresses
        chosen = [address for address in addresses if (":" in address) == (self._family == "6")]
        if not chosen:
            raise NoRoute(errno.EAFNOSUPPORT, f"This agent is set to use IPv{self._family} alone")
        return chosen

    async def _attempt(self, address: str, port: int, literal: bool, factory: Callable[[], P]) -> P:
        """The socket factory: nothing is dialled that was not judged in this very call."""
        self._judged(address, literal)
        loop = asyncio.get_running_loop()
        source = self.source_for(address)
        local = None if source is None else (source, 0)
        try:
            _transport, protocol = await loop.create_connection(factory, address, port, local_addr=local)
        except OSError as failure:
            raise told(failure, address) from None
        return protocol

    def source_for(self, address: str) -> str | None:
        """The local address that whatever goes to `address` must come from, if this agent is told one."""
        return self._source if self._source and (":" in self._source) == (":" in address) else None

    def _judge(self, address: str, literal: bool) -> None:
        """Raise UrlRefused. Remembered when it passes: policy and text decide alone."""
        judge_address(ip_address(address), self.policy, literal=literal)

    async def _race(
        self, addresses: Sequence[str], port: int, literal: bool, factory: Callable[[], P]
    ) -> tuple[P, str]:
        running: dict[asyncio.Task[P], str] = {}
        failures: list[OSError] = []
        waiting = list(addresses)
        try:
            while waiting or running:
                if waiting:
                    address = waiting.pop(0)
                    running[asyncio.create_task(self._attempt(address, port, literal, factory))] = address
                done, _ = await asyncio.wait(
                    running, timeout=STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                won = _first_to_connect(done, running, failures)
                if won is not None:
                    return won
        finally:
            for task in running:
                task.add_done_callback(_hang_up)
                task.cancel()
        raise _best(failures)


def _first_to_connect(
    done: Iterable[asyncio.Task[P]], running: dict[asyncio.Task[P], str], failures: list[OSError]
) -> tuple[P, str] | None:
    """Take what has ended out of `running`, up to the first that connected."""
    for task in done:
        address = running.pop(task)
        try:
            return task.result(), address
        except OSError as failure:
            failures.append(failure.with_traceback(None))  # which holds this frame, and with it the list
    return None


def _best(failures: Sequence[OSError]) -> OSError:
    """The failure that says most: a missing route (often: this machine has no IPv6) says less than any other."""
    return min(failures, key=lambda failure: (isinstance(failure, NoRoute), is_unreachable(failure)))


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def told(failure: OSError, address: str) -> OSError:
    """What a failed attempt at `address` really says: NoRoute where this machine cannot reach any such address."""
    if is_unreachable(failure) and not has_route(6 if ":" in address else 4):
        return NoRoute(failure.errno, f"This agent has no route for {_family(address)}")
    return failure


def is_unreachable(failure: OSError) -> bool:
    return failure.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def _hang_up(task: asyncio.Task[P]) -> None:
    """Close a connection that was made after another one had won."""
    if not task.cancelled() and task.exception() is None:
        protocol = task.result()
        abort = getattr(protocol, "abort", None)
        if abort is not None:
            abort()


@lru_cache(maxsize=4096)
def address_text(address: Address) -> str:
    """The canonical text of an address, which the socket layer takes without asking a resolver."""
    return str(address)
