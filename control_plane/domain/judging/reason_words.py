"""The reasons of results in plain words, for where a result carries no message of its own."""

from __future__ import annotations

from collections.abc import Mapping

from shared.results import Reason

REASON_WORDS: Mapping[Reason, str] = {
    Reason.NONE: "",
    Reason.TIMEOUT: "it did not answer in time",
    Reason.DNS: "its name could not be resolved",
    Reason.CONNECT: "no connection could be made",
    Reason.TLS: "the TLS handshake failed",
    Reason.PROTOCOL: "it broke its protocol",
    Reason.STATUS: "it answered with another status",
    Reason.ASSERTION: "the answer was not what is expected",
    Reason.EXPIRED: "it has expired",
    Reason.EXPIRING: "it expires soon",
    Reason.SLOW: "it answered slowly",
    Reason.RATE_LIMITED: "it asked for fewer requests",
    Reason.REDIRECT: "it redirected too often, or to where we do not follow",
    Reason.LOSS: "too many echo requests stayed unanswered",
    Reason.BLOCKED: "this region may not reach that address",
    Reason.UNHEALTHY: "the agent is not healthy itself",
    Reason.CREDENTIAL: "its credential could not be opened",
    Reason.INTERNAL: "a fault of our own",
    Reason.INCAPABLE: "the agent cannot run this check",
    Reason.UPSTREAM: "a third party that the check depends on did not answer",
}


def in_words(message: str | None, reason: str | None) -> str | None:
    """What is told of a result: its own message, else its reason in words; None when there is nothing to tell."""
    if message or not reason:
        return message or None
    try:
        return REASON_WORDS[Reason(reason)] or None
    except ValueError:
        return reason.replace("_", " ")  # of a newer version, before this process was updated
