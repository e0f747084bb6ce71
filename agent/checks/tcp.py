"""The `tcp` check: a connection, and optionally what is said over it. Guarded, timed and bounded by one deadline."""

from __future__ import annotations

import asyncio
from codecs import getincrementaldecoder
from collections.abc import Iterator
from functools import lru_cache
from time import perf_counter

import msgspec

from agent import classify
from agent.checks.check import CheckContext, CheckOutcome, Crowd, Phases, in_ms
from agent.checks.http_secrets import mask_end
from agent.checks.tcp_protocol import ConversationFailed, TcpConversation
from agent.classify import Failure
from agent.dialer import address_text
from shared.checks.tcp import TcpCheck
from shared.netpolicy import UrlRefused, judge_port, parse_host_text
from shared.results import BODY_EXCERPT_LIMIT, MESSAGE_LIMIT, Detail, Evidence, Outcome, Reason

_EXCERPT_READ = 16 * 1024
"""Bytes of what the peer said that are looked at for the excerpt: masking may shorten it."""

_SHORTEST_ECHO = 6
"""Characters of a line that was sent and is masked where the peer gives it back; shorter ones stand by chance."""

_SHORTEST_SECRET = 4
"""Characters of a word after one of these commands that is masked."""

_CREDENTIAL_COMMANDS = frozenset(("auth", "login", "pass", "password", "secret", "token", "user"))
"""Of Redis, POP3, FTP, SMTP, IMAP, NATS and the like."""

_MAX_RESOLVED = 32


def crowd(check: TcpCheck) -> Crowd:
    return _crowd(check.host, check.port)


@lru_cache(maxsize=16_384)
def _crowd(host: str, port: int) -> Crowd:
    try:
        name = parse_host_text(host).name
    except UrlRefused:
        name = host
    return Crowd(f"{name}:{port}")


async def run(check: TcpCheck, context: CheckContext) -> CheckOutcome:
    """Examine one target. Ends within `check.timeout` ms; whatever the target does comes back as a value."""
    call = _Call(check, context)
    deadline = asyncio.timeout(check.timeout / 1000)
    try:
        async with deadline:
            await call.make()
    except ConversationFailed as error:
        return call.ended(Failure(Outcome.DOWN, error.reason, error.message))
    except classify.EXPECTED as error:
        if isinstance(error, TimeoutError) and deadline.expired():
            return call.ended(classify.timed_out(call.doing, timeout_ms=check.timeout))
        return call.ended(classify.classify(error))
    return call.ended(None)


class _Call:
    """What is known so far of one run of the check, kept so that a failure still tells how far it came."""

    __slots__ = (
        "_address",
        "_check",
        "_context",
        "_phases",
        "_resolved",
        "_said",
        "_since",
        "_started",
        "_stopped",
        "doing",
    )

    def __init__(self, check: TcpCheck, context: CheckContext) -> None:
        self._check = check
        self._context = context
        self._started = self._since = perf_counter()
        self._stopped: float | None = None
        self._address: str | None = None
        self._phases = Phases()
        self._resolved: tuple[str, ...] = ()
        self._said = b""
        self.doing = classify.RESOLVING

    async def make(self) -> None:
        """Raises what classify knows, or ConversationFailed."""
        check, dialer = self._check, self._context.dialer
        host = dialer.host(check.host)
        if not 1 <= check.port <= 65_535:
            raise UrlRefused("INVALID_URL_FORMAT", "a port is a number from 1 to 65535")
        judge_port(check.port, dialer.policy)
        addresses = (host.name,) if host.is_literal else await self._resolve(host.name)
        self.doing = "connecting"
        self._address = addresses[0] if len(addresses) == 1 else None
        conversation, self._address = await dialer.connect(
            addresses, port=check.port, literal=host.is_literal, factory=self._conversation
        )
        self._phases.connect = conversation.connected_at - self._since
        try:
            await self._talk(conversation)
        finally:
            self._stopped = conversation.ended_at
            self._said = conversation.said
            conversation.abort()

    def _conversation(self) -> TcpConversation:
        check = self._check
        return TcpConversation(send=check.send or "", expect=check.expect or "")

    async def _resolve(self, name: str) -> tuple[str, ...]:
        answers = await self._context.dialer.resolve(name)
        self._since = perf_counter()  # connecting begins where this ends: a busy loop leaves no gap between phases
        self._phases.dns = self._since - self._started
        self._resolved = tuple(map(address_text, answers.addresses))
        return self._resolved

    async def _talk(self, conversation: TcpConversation) -> None:
        """With nothing to say and nothing to hear, the connection was the check, and it ended when that was made."""
        self.doing = "the wait for the expected text" if self._check.expect else "sending"
        await conversation.talk()
        if conversation.ended_at is None:
            return
        if self._check.expect:
            self._phases.ttfb = conversation.ended_at - conversation.connected_at
        else:
            self._phases.connect = conversation.ended_at - self._since  # until the system had taken what is sent

    # -- conclusions

    def ended(self, failure: Failure | None) -> CheckOutcome:
        phases = self._phases
        total = (self._stopped or perf_counter()) - self._started
        failure = failure or self._slowness(total * 1000)
        outcome = CheckOutcome(
            outcome=Outcome.UP if failure is None else failure.outcome,
            reason=Reason.NONE if failure is None else failure.reason,
            dns=in_ms(phases.dns),
            connect=in_ms(phases.connect),
            ttfb=in_ms(phases.ttfb),
            total=in_ms(total),
            detail=self._detail(failure),
        )
        if failure is None or failure.if_resolver_works is None:
            return outcome
        return msgspec.structs.replace(outcome, if_resolver_works=failure.if_resolver_works)

    def _slowness(self, total_ms: float) -> Failure | None:
        limit = self._check.degraded_above_ms
        if limit is None or total_ms <= limit:
            return None
        return Failure(Outcome.DEGRADED, Reason.SLOW, f"It took {total_ms:.0f} ms, more than {limit} ms")

    def _detail(self, failure: Failure | None) -> Detail:
        if failure is None:
            return Detail(address=self._address)
        return Detail(
            message=failure.message[:MESSAGE_LIMIT],
            address=self._address,
            evidence=Evidence(
                body_excerpt=excerpt(self._said, sent=self._check.send or ""), resolved=self._resolved[:_MAX_RESOLVED]
            ),
        )


def excerpt(said: bytes, *, sent: str) -> str | None:
    """The first 2 KiB of what a peer said, printable, without what we had said: many servers repeat what they do not
    understand, and `sent` may hold a password.
    """
    text = getincrementaldecoder("utf-8")("replace").decode(said[:_EXCERPT_READ])  # no half of a character
    hidden = tuple(sorted(set(_own_words(_clean(sent))), key=len, reverse=True))
    return mask_end(_clean(text), hidden).encode()[:BODY_EXCERPT_LIMIT].decode("utf-8", "ignore") or None


def _own_words(sent: str) -> Iterator[str]:
    """Its lines, and the words after a command that takes credentials."""
    for line in sent.splitlines():
        if len(line.strip()) >= _SHORTEST_ECHO:
            yield line.strip()
        words = line.split()
        for at, word in enumerate(words[:2], 1):  # IMAP has a tag before its commands
            if word.lower() in _CREDENTIAL_COMMANDS:
                yield from (secret for secret in words[at:] if len(secret) >= _SHORTEST_SECRET)


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() or char in "\r\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
