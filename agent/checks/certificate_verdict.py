"""What a presented chain means for a `tls_cert` check. Pure: chain, trust and the time in, a judgement out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from msgspec import Struct

from agent.classify import Failure
from agent.tls.certificates import UNREADABLE, Certificate, matches, read, shown
from agent.tls.chain_trust import Trust
from shared.checks.tls_cert import TlsCertCheck
from shared.results import MESSAGE_LIMIT, CertificateFacts, Outcome, Reason

_DAY_S = 86_400

Judgement = tuple[Failure | None, CertificateFacts | None]
"""What is wrong with it, and what can be said of it."""


class _Dated(Struct, frozen=True):
    """A certificate that clients need to be valid, and what a message calls it."""

    certificate: Certificate
    name: str


def judge(check: TlsCertCheck, chain: Sequence[bytes], trust: Trust, *, host: str, now_s: float) -> Judgement:
    """`host`: the name or address that the certificate has to be for. Trust and host match are told with the result;
    they do not decide it.
    """
    certificates = [read(der) for der in chain]
    leaf = certificates[0] if certificates else None
    if leaf is None:
        return _unread(chain, certificates)
    dated = _needed(chain, certificates, trust)
    problem = trust.problem or _untimely(dated, now_s) or leaf.problem
    facts = _facts(leaf, certificates, problem=problem, host=host)
    failure = _timeliness(check, dated, now_s)
    if failure is not None:
        failure = replace(failure, message=failure.message + _caveats(facts, trust, host))
    return failure, facts


def _unread(chain: Sequence[bytes], certificates: Sequence[Certificate | None]) -> Judgement:
    if not chain:
        return Failure(Outcome.DOWN, Reason.TLS, "TLS: the server presented no certificate"), None
    facts = CertificateFacts(
        subject=UNREADABLE,
        issuer=UNREADABLE,
        serial="",
        fingerprint=sha256(chain[0]).hexdigest(),
        not_before=0,
        not_after=0,
        is_trusted=False,
        host_matches=False,
        trust_problem="the certificate cannot be read",
        chain=_subjects(certificates),
    )
    return Failure(Outcome.DOWN, Reason.TLS, "TLS: the server's certificate cannot be read"), facts


def _needed(chain: Sequence[bytes], certificates: Sequence[Certificate | None], trust: Trust) -> list[_Dated]:
    """Those on the way to the authority; without one, all that were presented, but for self-issued ones.

    A root is trusted for its key: clients pass over its dates, and over certificates that they have no use for, as
    over a cross-signed root that is past while the root itself is known.
    """
    path = trust.path[:-1] if len(trust.path) > 1 else trust.path
    needed = []
    for position, (der, certificate) in enumerate(zip(chain, certificates, strict=True)):
        is_leaf = position == 0
        if certificate is None or (not is_leaf and (certificate.is_self_issued or (path and der not in path))):
            continue
        name = "The certificate" if is_leaf else f"The intermediate certificate {certificate.subject[:150]}"
        needed.append(_Dated(certificate, name))
    return needed


def _timeliness(check: TlsCertCheck, dated: Sequence[_Dated], now_s: float) -> Failure | None:
    first = min(dated, key=lambda each: each.certificate.not_after)
    latest = max(dated, key=lambda each: each.certificate.not_before)
    left_s = first.certificate.not_after - now_s
    if left_s < 0:
        return Failure(Outcome.DOWN, Reason.EXPIRED, _expired(first, now_s))
    if latest.certificate.not_before > now_s:
        return Failure(Outcome.DOWN, Reason.TLS, _premature(latest))
    if left_s >= check.warn_days * _DAY_S and left_s >= check.critical_days * _DAY_S:
        return None
    when = "in less than a day" if left_s < _DAY_S else f"in {_days(left_s)}"
    outcome = Outcome.DOWN if left_s < check.critical_days * _DAY_S else Outcome.DEGRADED
    message = f"{first.name} expires {when}, at {_moment(first.certificate.not_after)}"
    return Failure(outcome, Reason.EXPIRING, message)


def _expired(dated: _Dated, now_s: float) -> str:
    past_s = now_s - dated.certificate.not_after
    ago = "less than a day" if past_s < _DAY_S else _days(past_s)
    return f"{dated.name} expired {ago} ago, at {_moment(dated.certificate.not_after)}"


def _premature(dated: _Dated) -> str:
    return f"{dated.name} is not valid before {_moment(dated.certificate.not_before)}"


def _untimely(dated: Sequence[_Dated], now_s: float) -> str | None:
    for each in dated:
        if each.certificate.not_after < now_s:
            return _expired(each, now_s)[:MESSAGE_LIMIT]
        if each.certificate.not_before > now_s:
            return _premature(each)[:MESSAGE_LIMIT]
    return None


def _caveats(facts: CertificateFacts, trust: Trust, host: str) -> str:
    """What else is wrong with it."""
    untrusted = f"; the chain is not trusted: {trust.problem}" if trust.problem else ""
    return untrusted + ("" if facts.host_matches else f"; it is not for {host}")


def _facts(
    leaf: Certificate, certificates: Sequence[Certificate | None], *, problem: str | None, host: str
) -> CertificateFacts:
    return CertificateFacts(
        subject=leaf.subject,
        issuer=leaf.issuer,
        serial=leaf.serial,
        fingerprint=leaf.fingerprint,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        is_trusted=problem is None or problem == leaf.problem,
        host_matches=matches(leaf.names, host),
        trust_problem=problem,
        names=shown(leaf.names),
        names_total=len(leaf.names),
        chain=_subjects(certificates),
    )


def _subjects(certificates: Sequence[Certificate | None]) -> tuple[str, ...]:
    return tuple(UNREADABLE if certificate is None else certificate.subject for certificate in certificates[:10])


def _days(seconds: float) -> str:
    days = int(seconds // _DAY_S)
    return "1 day" if days == 1 else f"{days} days"


def _moment(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M} UTC"
