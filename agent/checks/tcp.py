"""The `tcp` check: a connection, and optionally what is said over it. Guarded, timed and bounded by one deadline."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterator
from time import perf_counter

from agent.checks.approach import MAX_RESOLVED, Approach, crowd_at, judged_host
from agent.checks.check import CheckContext, CheckOutcome, Crowd, concluded, slowness
from agent.checks.deadline import failure_of
from agent.checks.http_secrets import mask_end
from agent.checks.tcp_protocol import TcpConversation
from agent.classify import Failure
from shared.checks.tcp import TcpCheck
from shared.results import BODY_EXCERPT_LIMIT, MESSAGE_LIMIT, Detail, Evidence

_EXCERPT_READ = 16 * 1024
"""Bytes of what the peer said that are looked at for the excerpt: masking may shorten it."""

_SHORTEST_ECHO = 6
"""Characters of a line that was sent and is masked where the peer gives it back; shorter ones stand by chance."""

_SHORTEST_SECRET = 4
"""Characters of a word after one of these commands that is masked."""

_CREDENTIAL_COMMANDS = frozenset(("auth", "login", "pass", "password", "secret", "token", "user"))
"""Of Redis, POP3, FTP, SMTP, IMAP, NATS and the like."""


def crowd(check: TcpCheck) -> Crowd:
    return crowd_at(check.host, check.port)


async def run(check: TcpCheck, context: CheckContext) -> CheckOutcome:
    """Examine one target. Ends within `check.timeout` ms; whatever the target does comes back as a value."""
    call = _Call(check, context)
    failure = await failure_of(call.make(), timeout_ms=check.timeout, doing=lambda: call.way.doing)
    return call.concluded(failure)


class _Call:
    """What is known so far of one run of the check."""

    __slots__ = ("_check", "_context", "_conversation", "way")

    def __init__(self, check: TcpCheck, context: CheckContext) -> None:
        self.way = Approach(context.dialer)
        self._check = check
        self._context = context
        self._conversation: TcpConversation | None = None

    async def make(self) -> None:
        """Raises what classify knows, and CheckFailed."""
        check, way = self._check, self.way
        host = judged_host(check.host, check.port, self._context.dialer)
        conversation = self._conversation = await way.connect(host, check.port, self._new_conversation)
        way.doing = "the wait for the expected text" if check.expect else "sending"
        try:
            await conversation.talk()
        finally:
            conversation.abort()
        self._account(conversation)

    def _new_conversation(self) -> TcpConversation:
        return TcpConversation(send=self._check.send or "", expect=self._check.expect or "")

    def _account(self, conversation: TcpConversation) -> None:
        """With nothing to hear, the connection was the check: it took until the system had taken what is sent."""
        assert conversation.ended_at is not None
        phases, took = self.way.phases, conversation.ended_at - conversation.connected_at
        if self._check.expect:
            phases.ttfb = took
        else:
            phases.connect = (phases.connect or 0.0) + took

    # -- conclusions

    def concluded(self, failure: Failure | None) -> CheckOutcome:
        conversation, way = self._conversation, self.way
        ended_at = None if conversation is None else conversation.ended_at
        total = (ended_at or perf_counter()) - way.started
        failure = failure or slowness(total, limit_ms=self._check.degraded_above_ms)
        return concluded(failure, phases=way.phases, total=total, detail=self._detail(failure))

    def _detail(self, failure: Failure | None) -> Detail:
        if failure is None:
            return Detail(address=self.way.address)
        said = b"" if self._conversation is None else self._conversation.said
        return Detail(
            message=failure.message[:MESSAGE_LIMIT],
            address=self.way.address,
            evidence=Evidence(
                body_excerpt=excerpt(said, sent=self._check.send or ""), resolved=self.way.resolved[:MAX_RESOLVED]
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
