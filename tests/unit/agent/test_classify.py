"""What went wrong, in outcome, reason and words."""

from __future__ import annotations

import errno
import ssl

import pytest

from agent.classify import classify, timed_out
from agent.dns.resolver import NoResolver, ResolutionFailed
from shared.netpolicy import UrlRefused
from shared.results import Outcome, Reason


def os_error(code: int) -> OSError:
    return OSError(code, "as the system says")


CASES = [
    (UrlRefused("SSRF_BLOCKED", "blocked"), Outcome.ERROR, Reason.BLOCKED),
    (UrlRefused("PORT_BLOCKED", "blocked"), Outcome.ERROR, Reason.BLOCKED),
    (UrlRefused("REDIRECT_BLOCKED", "no", {"cause": "SSRF_BLOCKED"}), Outcome.ERROR, Reason.BLOCKED),
    (UrlRefused("REDIRECT_BLOCKED", "no", {"cause": "DOWNGRADE"}), Outcome.DOWN, Reason.REDIRECT),
    (ResolutionFailed("a.example does not exist (NXDOMAIN)"), Outcome.DOWN, Reason.DNS),
    (NoResolver("no DNS resolver answered in time"), Outcome.ERROR, Reason.UNHEALTHY),
    (os_error(errno.ECONNREFUSED), Outcome.DOWN, Reason.CONNECT),
    (os_error(errno.ECONNRESET), Outcome.DOWN, Reason.CONNECT),
    (os_error(errno.ETIMEDOUT), Outcome.DOWN, Reason.CONNECT),
    (os_error(errno.EHOSTUNREACH), Outcome.DOWN, Reason.CONNECT),
    (os_error(errno.EMFILE), Outcome.ERROR, Reason.INTERNAL),
    (os_error(errno.EADDRNOTAVAIL), Outcome.ERROR, Reason.INTERNAL),
    (ssl.SSLError(1, "odd"), Outcome.DOWN, Reason.TLS),
]


@pytest.mark.parametrize(("error", "outcome", "reason"), CASES)
def test_each_error_has_its_outcome_and_reason(error: Exception, outcome: Outcome, reason: Reason) -> None:
    failure = classify(error)
    assert (failure.outcome, failure.reason) == (outcome, reason)
    assert failure.message


def test_an_expired_certificate_is_told_from_an_untrusted_one() -> None:
    expired = ssl.SSLCertVerificationError(1, "x")
    expired.verify_code, expired.verify_message = 10, "certificate has expired"
    other = ssl.SSLCertVerificationError(1, "x")
    other.verify_code, other.verify_message = 18, "self-signed certificate"
    assert classify(expired).reason is Reason.EXPIRED
    assert classify(other).reason is Reason.TLS


def test_a_timeout_says_what_was_under_way() -> None:
    assert timed_out("connecting", timeout_ms=500).message == "Timed out after 500 ms during connecting"
