"""From what went wrong to outcome, reason and plain words. Pure; the words never hold more than the error's own."""

from __future__ import annotations

import errno
import ssl
from dataclasses import dataclass

from agent.dialer import NoRoute
from agent.dns.resolver import NoResolver, ResolutionFailed
from agent.icmp.sockets import IcmpForbidden
from shared.netpolicy import UrlRefused
from shared.results import Outcome, Reason

EXPECTED = (UrlRefused, OSError)
"""What a check may raise because of its target; ssl.SSLError and ResolutionFailed are OSErrors."""

RESOLVING = "DNS resolution"

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_CONNECT_WORDS = {
    errno.ECONNREFUSED: "The connection was refused",
    errno.ECONNRESET: "The connection was reset",
    errno.EHOSTUNREACH: "The host is unreachable",
    errno.ENETUNREACH: "The network is unreachable",
    errno.ETIMEDOUT: "The connection attempt timed out",
    errno.EPIPE: "The connection was reset",
}
_OWN_FAULTS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM)
"""Errors of this machine, not of the target: out of sockets, memory, ports or permission."""

_GUARDED = ("SSRF_BLOCKED", "PORT_BLOCKED")
"""A redirect refused for these is our guard's doing; one refused for its form is the target's fault."""


@dataclass(frozen=True, slots=True)
class Failure:
    outcome: Outcome
    reason: Reason
    message: str
    if_resolver_works: Reason | None = None
    """Set where only our resolvers' silence speaks against the target: it is `down` for this reason once one of them
    has answered another question."""


class CheckFailed(Exception):
    """What a kind of check found out by itself, already in words."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def classify(error: Exception) -> Failure:
    """What an exception out of EXPECTED means for the target."""
    match error:
        case UrlRefused(code="REDIRECT_BLOCKED") if error.details.get("cause") not in _GUARDED:
            return Failure(Outcome.DOWN, Reason.REDIRECT, _sentence(error.message))
        case UrlRefused():
            return Failure(Outcome.ERROR, Reason.BLOCKED, _sentence(error.message))
        case NoResolver():
            return Failure(Outcome.ERROR, Reason.UNHEALTHY, f"DNS: {error}", if_resolver_works=Reason.DNS)
        case ResolutionFailed():
            return Failure(Outcome.DOWN, Reason.DNS, f"DNS: {error}")
        case ssl.SSLCertVerificationError():
            reason = Reason.EXPIRED if error.verify_code == _EXPIRED else Reason.TLS
            return Failure(Outcome.DOWN, reason, f"TLS: the certificate is not accepted: {error.verify_message}")
        case ssl.SSLError():
            return Failure(Outcome.DOWN, Reason.TLS, f"TLS: {_ssl_words(error)}")
        case IcmpForbidden():
            return Failure(Outcome.ERROR, Reason.INCAPABLE, str(error.strerror))
        case NoRoute():
            return Failure(Outcome.ERROR, Reason.INCAPABLE, error.strerror or str(error))
        case OSError() if error.errno in _OWN_FAULTS:
            return Failure(Outcome.ERROR, Reason.INTERNAL, f"This agent could not connect: {error.strerror}")
        case OSError():
            words = _CONNECT_WORDS.get(error.errno or 0, f"The connection failed: {error.strerror or error}")
            return Failure(Outcome.DOWN, Reason.CONNECT, words)
    return Failure(Outcome.ERROR, Reason.INTERNAL, f"{type(error).__name__}: {error}")


def timed_out(phase: str, *, timeout_ms: int) -> Failure:
    """`phase` says what was under way: RESOLVING, "the TLS handshake" and the like."""
    message = f"Timed out after {timeout_ms} ms during {phase}"
    if phase == RESOLVING:
        return Failure(Outcome.ERROR, Reason.UNHEALTHY, message, if_resolver_works=Reason.TIMEOUT)
    return Failure(Outcome.DOWN, Reason.TIMEOUT, message)


def _ssl_words(error: ssl.SSLError) -> str:
    reason: str | None = getattr(error, "reason", None)  # only OpenSSL's own errors have one
    if reason:
        return reason.lower().replace("_", " ")
    return str(error.args[-1]) if error.args else "the handshake failed"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
