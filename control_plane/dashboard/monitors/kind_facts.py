"""What each kind of check reads, in words. Pure: the detail of a result in, lines for people out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from control_plane.dashboard.words import Moment, milliseconds, moment
from control_plane.domain.instants import from_unix_s
from control_plane.store.results_read import ResultRow
from shared.clock import from_unix_ms
from shared.results import CertificateFacts, Detail, DomainFacts, PingFacts

_NAMES = 10
"""Names of a certificate that are spelt out."""

_ANSWERED: Mapping[str, str] = {"ping": "round trip", "dns": "answer", "tcp": "expected text"}
"""What the phase `ttfb` is called where it is not the first byte of a body."""


def phase_words(kind: str) -> Mapping[str, str]:
    """The phases of such a check that are not told by their own names."""
    return {"ttfb": _ANSWERED.get(kind, "first byte")}


class Reading(Struct, frozen=True):
    """What the newest result that read something has read: titled lines, and who read it when."""

    title: str
    region: str
    at: Moment
    lines: tuple[tuple[str, str], ...]


def newest_reading(rows: Sequence[ResultRow], *, now: datetime) -> Reading | None:
    """Of results with the newest first; None when none of them read anything that belongs to a kind."""
    for row in rows:
        detail = msgspec.json.decode(row.detail, type=Detail) if row.detail else Detail()
        title, lines = _lines(detail, now)
        if lines:
            return Reading(title, row.region, moment(from_unix_ms(row.slot), now), lines)
    return None


def brief(detail: Detail, *, now: datetime) -> str:
    """The gist of what a result read, for one line; empty for a kind that reads nothing more."""
    if detail.certificate is not None:
        return _ends("the certificate", detail.certificate.not_after, now)
    if detail.domain is not None:
        return _ends("the registration", detail.domain.expires_at, now)
    if detail.ping is not None:
        return _echoes(detail.ping)
    return ", ".join(detail.answers)


def _lines(detail: Detail, now: datetime) -> tuple[str, tuple[tuple[str, str], ...]]:
    if detail.certificate is not None:
        return "The certificate", _certificate(detail.certificate, now)
    if detail.domain is not None:
        return "The registration", _domain(detail.domain, now)
    if detail.ping is not None:
        return "The echoes", _ping(detail.ping)
    if detail.answers:
        return "The answers", (("Answered", "\n".join(detail.answers)),)
    return "", ()


def _certificate(facts: CertificateFacts, now: datetime) -> tuple[tuple[str, str], ...]:
    more = facts.names_total - _NAMES
    names = ", ".join(facts.names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
    return _filled(
        ("Ends", _exactly(facts.not_after, now)),
        ("Trusted", "yes" if facts.is_trusted else f"no: {facts.trust_problem or 'its chain leads to no authority'}"),
        ("Names its host", "yes" if facts.host_matches else "no"),
        ("Subject", facts.subject),
        ("Issuer", facts.issuer),
        ("Names", names),
        ("Began", _exactly(facts.not_before, now)),
        ("Serial", facts.serial),
        ("SHA-256", facts.fingerprint),
        ("Chain", "\n".join(facts.chain)),
    )


def _domain(facts: DomainFacts, now: datetime) -> tuple[tuple[str, str], ...]:
    return _filled(
        ("Ends", _exactly(facts.expires_at, now)),
        ("Registrar", facts.registrar or ""),
        ("Status", ", ".join(facts.status)),
        ("Said by", facts.server or ""),
    )


def _ping(facts: PingFacts) -> tuple[tuple[str, str], ...]:
    trips = [f"{name} {milliseconds(value)}" for name, value in _trips(facts) if value is not None]
    return _filled(("Came back", f"{facts.received} of {facts.sent}"), ("Round trip", ", ".join(trips)))


def _trips(facts: PingFacts) -> tuple[tuple[str, float | None], ...]:
    return (("shortest", facts.min), ("mean", facts.avg), ("longest", facts.max), ("deviation", facts.stddev))


def _echoes(facts: PingFacts) -> str:
    mean = milliseconds(facts.avg)
    return f"{facts.received} of {facts.sent} came back" + (f", mean {mean}" if mean else "")


def _filled(*lines: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in lines if value)


def _exactly(seconds: int, now: datetime) -> str:
    at = from_unix_s(seconds)
    if at is None:
        return "beyond all calendars"
    told = moment(at, now)
    return f"{told.absolute}, {told.relative}"


def _ends(what: str, seconds: int, now: datetime) -> str:
    at = from_unix_s(seconds)
    if at is None:
        return f"{what} ends beyond all calendars"
    return f"{what} {'ended' if at <= now else 'ends'} {moment(at, now).relative}"
